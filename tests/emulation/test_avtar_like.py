"""The avtar stand-in gives its hooks what avtar gives them, and tells what came back."""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from avtar_like import install

# A hook that tells, in JSON on its stdout, how it was started.
TELLING_HOOK = """
import json, os, sys
from pathlib import Path

def ancestors():
    pid = os.getppid()
    while pid > 1:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        yield pid, Path(f"/proc/{pid}/comm").read_text().strip()
        pid = int(fields[1])

print(json.dumps({
    "argv": sys.argv[1:],
    "cwd": os.getcwd(),
    "environment": dict(os.environ),
    "descriptors": START_DESCRIPTORS,
    "ancestors": list(ancestors()),
}))
"""
# Taken before anything is opened. Opening /proc/self/fd takes the lowest number that is free.
DESCRIPTORS = """
import os
def is_open(number):
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
START_DESCRIPTORS = [number for number in range(16) if is_open(number)]
"""

Hook = Callable[[str, str], str]


@pytest.fixture
def hook(tmp_path: Path) -> Hook:
    """Write an executable hook: its name and its Python."""

    def write(name: str, program: str) -> str:
        path = tmp_path / name
        path.write_text(f"#!{sys.executable} -IS\n{program}", "utf-8")
        path.chmod(0o755)
        return str(path)

    return write


@pytest.fixture
def avtar(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    program = install(tmp_path / "avtar")

    def run(*arguments: str) -> dict[str, Any]:
        ran = subprocess.run(
            [program, *arguments], capture_output=True, check=True, text=True, timeout=60
        )
        (line,) = ran.stdout.splitlines()
        story: dict[str, Any] = json.loads(line)
        return story

    return run


Avtar = Callable[..., dict[str, Any]]


def test_a_hook_starts_with_nothing_but_what_avtar_gives(avtar: Avtar, hook: Hook) -> None:
    telling = hook("telling", DESCRIPTORS + TELLING_HOOK)
    story = avtar("--run-at-start", telling, "--run-at-end", telling, "--env", "LANG=pl_PL")
    assert story["comm"] == "avtar"
    for moment in ("start", "end"):
        told = json.loads(story[moment]["stdout"])
        assert told["argv"] == []
        assert told["cwd"] == "/"
        # The interpreter sets LC_CTYPE itself.
        del told["environment"]["LC_CTYPE"]
        assert told["environment"] == {"LD_LIBRARY_PATH": "/nonexistent", "LANG": "pl_PL"}
        assert set(told["descriptors"]) == {1, 2, 7}
        assert told["ancestors"][0] == [story["pid"], "avtar"]


@pytest.mark.parametrize("through", ["stays", "background"])
def test_a_shell_can_stand_between_avtar_and_the_hook(
    avtar: Avtar, hook: Hook, through: str
) -> None:
    telling = hook("it's telling", DESCRIPTORS + TELLING_HOOK + "sys.exit(9)\n")
    story = avtar("--run-at-start", telling, "--no-end", "--through-shell", through)
    (_, shell), avtar_process = json.loads(story["start"]["stdout"])["ancestors"][:2]
    assert shell == "sh"
    assert avtar_process == [story["pid"], "avtar"]
    assert story["start"]["exit_code"] == 9
    assert story["end"] is None


def test_a_flag_without_a_value_means_the_shell_that_stays(avtar: Avtar, hook: Hook) -> None:
    telling = hook("telling", DESCRIPTORS + TELLING_HOOK)
    story = avtar("--through-shell", "--run-at-start", telling, "--no-end")
    assert json.loads(story["start"]["stdout"])["ancestors"][0][1] == "sh"


def test_files_are_read_between_the_two_hooks(avtar: Avtar, hook: Hook, tmp_path: Path) -> None:
    disk, gone = tmp_path / os.fsdecode(b"disk \xff"), tmp_path / "gone"
    start = hook("start", f"open({str(disk)!r}, 'w').write('start')\nprint('ready')\n")
    end = hook("end", f"import sys, os\nos.unlink({str(disk)!r})\nsys.exit(4)\n")
    story = avtar(
        *("--run-at-start", start, "--run-at-end", end, "--sleep", "0"),
        *("--read", str(disk), str(gone), "--logfile=/nowhere", "-x"),
    )
    assert story["read"] == {str(disk): hashlib.sha256(b"start").hexdigest()}
    assert list(story["errors"]) == [str(gone)]
    assert story["start"] == {"exit_code": 0, "stdout": "ready\n", "stderr": "", "kept_open": []}
    assert story["end"]["exit_code"] == 4


@pytest.mark.parametrize(("descriptor", "name"), [(1, "stdout"), (2, "stderr"), (7, "leaked")])
def test_a_descriptor_that_somebody_keeps_open_is_named(
    avtar: Avtar, hook: Hook, tmp_path: Path, descriptor: int, name: str
) -> None:
    stop = tmp_path / "stop"
    keeping = hook(
        "keeping",
        "import os, time\nfrom pathlib import Path\nprint('mine', flush=True)\nif os.fork() == 0:\n"
        f"    os.setsid()\n    [os.close(n) for n in (1, 2, 7) if n != {descriptor}]\n"
        f"    while not Path({str(stop)!r}).exists():\n        time.sleep(0.02)\n",
    )
    try:
        story = avtar("--run-at-start", keeping, "--no-end", "--eof-seconds", "0.5")
    finally:
        stop.touch()
    assert story["start"]["kept_open"] == [name]
    assert story["start"]["stdout"] == "mine\n"


def test_a_hook_that_dies_of_a_signal_is_told_as_a_negative_code(avtar: Avtar, hook: Hook) -> None:
    dying = hook("dying", "import os\nos.kill(os.getpid(), 9)\n")
    assert avtar("--run-at-start", dying, "--no-end")["start"]["exit_code"] == -9


def test_a_test_can_hold_avtar_between_the_hooks(hook: Hook, tmp_path: Path) -> None:
    disk, barrier = tmp_path / "disk", tmp_path / "barrier"
    barrier.mkdir()
    disk.write_bytes(b"old")
    nothing = hook("nothing", "")
    arguments = ["--run-at-start", nothing, "--no-end", "--barrier", str(barrier)]
    arguments += ["--read", str(disk)]
    program = str(install(tmp_path / "avtar"))
    with subprocess.Popen([program, *arguments], stdout=subprocess.PIPE) as avtar:
        while not (barrier / "started").exists():
            time.sleep(0.01)
        disk.write_bytes(b"new")
        (barrier / "continue").touch()
        story = json.loads(avtar.communicate(timeout=60)[0])
    assert story["read"][str(disk)] == hashlib.sha256(b"new").hexdigest()


def test_a_missing_end_hook_is_a_usage_error_of_the_stand_in(hook: Hook, tmp_path: Path) -> None:
    command = [str(install(tmp_path / "avtar")), "--run-at-start", hook("nothing", "")]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 2
