"""``hlb``, the operator's command."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from hlb_hooks.effects.restored_folder import KEPT_FOLDER

HLB = Path(sys.executable).parent / "hlb"


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(HLB), *words], capture_output=True, text=True, check=False)


def test_an_unknown_subcommand_is_refused() -> None:
    done = run("no-such-thing")
    assert done.returncode == 2
    assert "no-such-thing" in done.stdout


def test_an_error_says_what_to_do_next(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "something").touch()
    done = run("lab", "create", str(tmp_path / "full"))
    assert done.returncode == 2
    assert re.match(r"error: .*full", done.stdout)
    assert "next step: " in done.stdout


@pytest.mark.parametrize("words", [[], ["demo"], ["create", "folder", "--vms", "3"]])
def test_an_installation_without_the_lab_says_so(words: list[str]) -> None:
    script = (
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'hlb_hooks.lab':\n"
        "            raise ModuleNotFoundError(name=name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "from hlb_hooks.entry.hlb import main\n"
        f"raise SystemExit(main({['lab', *words]!r}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "comes without the lab" in done.stdout


def test_the_demo_proves_every_claim_and_leaves_nothing_behind(tmp_path: Path) -> None:
    done = run("lab", "demo", str(tmp_path / "lab"))
    assert done.returncode == 0, done.stdout
    assert "(code 16: Device or resource busy)." in done.stdout
    assert "**REPORT**" in done.stdout
    match = re.search(r"(\d+) of (\d+) claims proved\.", done.stdout)
    assert match is not None
    assert match[1] == match[2]
    left = [
        path
        for path in (tmp_path / "lab" / "vmfs").rglob("*")
        if path.name.endswith((".hlb-claim", ".vmx.hlb")) and path.parent.name != KEPT_FOLDER
    ]
    assert left == []
    assert "\x1b[" not in done.stdout
