"""The lab on a console with the RPM's hooks: what the tests of a run under way share."""

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conftest import HERE, ROOT
from console_kit import PYTHON, Console

GUARD = "hlb_hooks.entry.guard"
CONFIG = "/lab/avamar/etc/hlb/hlb.toml"
AVTAR = (
    "/lab/bin/avtar",
    "--create",
    "--label=gold",
    "--run-at-start=initial_backup",
    "--run-at-end=initial_umount",
)


def bring_lab(console: Console, rpm_file: Path) -> Console:
    """Install the RPM, and put the lab beside it."""
    console.install(rpm_file)
    put_lab_beside(console)
    return console


def put_lab_beside(console: Console) -> None:
    """Put the lab's source on a console, for its interpreter."""
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "hlb_hooks", console.path("/lab-source/hlb_hooks"), ignore=ignore)
    shutil.copy(HERE / "lab_on_console.py", console.path("/lab-source"))


def ask_lab(console: Console, order: str, interpreter: str = PYTHON) -> str:
    done = console.run(interpreter, "-I", "/lab-source/lab_on_console.py", order)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def look(console: Console, interpreter: str = PYTHON) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ask_lab(console, "look", interpreter))
    return found


def count_ours(seen: dict[str, Any]) -> int:
    return sum(name.startswith("HLB-") for names in seen["snapshots"].values() for name in names)


def wait_for(what: Callable[[], object], label: str) -> None:
    deadline = time.monotonic() + 120
    while not what():
        assert time.monotonic() < deadline, label
        time.sleep(0.1)


def wait_for_guards(console: Console) -> None:
    wait_for(lambda: not console.find_processes(GUARD), "the guard's end")


def begin_backup(console: Console) -> "subprocess.Popen[str]":
    """Start a backup that reads slowly, and return when its snapshots are made."""
    ask_lab(console, "create")
    log = console.path("/lab/backup.log")
    options = (f"--logfile=/{log.relative_to(console.root)}", "--lab-read-delay=0.2")
    client = console.start(*AVTAR, *options, "/lab/vmfs/volumes")

    def is_reading() -> bool:
        assert client.poll() is None, client.communicate()
        return log.exists() and "Back from run-at-start, exit code 0" in log.read_text("utf-8")

    wait_for(is_reading, "the snapshots")
    return client


def assert_clean(console: Console, interpreter: str = PYTHON) -> None:
    seen = look(console, interpreter)
    assert count_ours(seen) == 0
    assert seen["left"] == []
    assert not [disk for disks in seen["lost"].values() for disk in disks]
