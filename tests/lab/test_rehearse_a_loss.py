"""The rehearsal's page on a lost VM: its commands, as they stand there, one after the other."""

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "rehearse.md"
HEADING = "## Lose a VM, and have it back"
FIRST_BACKUP = "mylab/bin/avtar --create --label=gold --run-at-start=initial_backup"
# From here on the page tells of a question, which only shows where one is asked.
END = "A VM that is started where it never ran asks"


def read_commands() -> str:
    section = PAGE.read_text("utf-8").split(HEADING)[1].split(END)[0]
    lines = re.findall(r"^    (.*)$", section, re.MULTILINE)
    assert len(lines) > 10
    return "\n".join(lines)


def test_the_page_brings_a_lost_vm_back(tmp_path: Path) -> None:
    backup = f"{FIRST_BACKUP} --run-at-end=initial_umount mylab/vmfs/volumes"
    assert FIRST_BACKUP in PAGE.read_text("utf-8")
    script = "\n".join(
        (
            "set -eu",
            "hlb lab create mylab",
            "hlb lab guests mylab start",
            "trap 'hlb lab guests mylab stop' EXIT",
            backup,
            read_commands(),
        )
    )
    done = subprocess.run(
        ["sh", "-c", script],
        cwd=tmp_path,
        env={"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": "/"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="backslashreplace",
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert "the VM runs" in done.stdout
