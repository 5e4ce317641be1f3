"""The hooks pass tests of the end-to-end suite when the packaged interpreter runs them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

from hlb_hooks.entry.hook_scripts import render_first_lines

SUITE = ROOT / "tests" / "end_to_end"
# Others can be run by hand, see CONTRIBUTING.md; these meet every part of the package.
CHOSEN = ("test_e2e_cycle.py", "test_e2e_reap.py", "test_e2e_surroundings.py")


@pytest.fixture
def programs(runtime: Path, tmp_path: Path) -> Path:
    """Give a folder with ``python`` and ``hlb``, as the end-to-end tests take one."""
    folder = tmp_path / "programs"
    folder.mkdir()
    # Through a link, as on a host.
    (folder / "python").symlink_to(runtime / "bin" / "python3.13")
    command = (ROOT / "build/stage/usr/bin/hlb").read_text().partition("\n")[2]
    (folder / "hlb").write_text(render_first_lines(str(folder / "python")) + command)
    (folder / "hlb").chmod(0o755)
    return folder


def test_the_hooks_pass_their_end_to_end_tests(programs: Path, tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("processes of their own for the tests need root")
    apart = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    # The first process of a namespace is to wait for others' children too: a shell does.
    words = [sys.executable, "-m", "pytest", "-q", "--basetemp", str(tmp_path / "suite")]
    done = subprocess.run(
        [*apart, "sh", "-c", '"$@"; exit $?', "sh", *words, *(SUITE / name for name in CHOSEN)],
        env={**os.environ, "HLB_TEST_PROGRAMS": str(programs)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr
