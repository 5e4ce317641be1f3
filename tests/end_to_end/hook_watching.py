"""Waiting for processes, finding guards, and pictures of folders to compare."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

# How long anything that must come is waited for; a busy machine is slow.
PATIENCE_SECONDS = 60.0
GUARD_MODULE = "hlb_hooks.entry.guard"


def wait_until(
    condition: Callable[[], object], what: str, limit_seconds: float = PATIENCE_SECONDS
) -> None:
    """Return when ``condition`` holds; fail, saying ``what`` never came."""
    deadline = time.monotonic() + limit_seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {limit_seconds:g} s in vain: {what}")
        time.sleep(0.02)


def read_words(process: Path) -> list[bytes]:
    """Give the command line of a process, or nothing when it is gone."""
    with suppress(OSError):
        return (process / "cmdline").read_bytes().split(b"\0")
    return []


def find_guards(root: Path) -> Iterator[int]:
    """Give the guards of the runs below ``root``."""

    def is_guard(words: list[bytes]) -> bool:
        if GUARD_MODULE.encode() not in words or b"--state" not in words:
            return False
        return root in Path(os.fsdecode(words[words.index(b"--state") + 1])).parents

    return find_processes(is_guard)


def find_processes(is_wanted: Callable[[list[bytes]], bool]) -> Iterator[int]:
    """Give the processes with such a command line; not what they fork to run a command.

    What is forked has its parent's command line until it runs its program.
    """
    found = {
        int(entry.name): _read_parent(entry)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and is_wanted(read_words(entry))
    }
    return (pid for pid, parent in found.items() if parent not in found)


def _read_parent(process: Path) -> int | None:
    with suppress(OSError):
        # The second field is the program's name, which may hold anything.
        return int((process / "stat").read_bytes().rpartition(b")")[2].split()[1])
    return None


def kill_guards(root: Path) -> None:
    for pid in find_guards(root):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not list(find_guards(root)), "the end of the guards that were killed")


def picture(root: Path, without: Sequence[Path] = ()) -> dict[str, tuple[Any, ...]]:
    """Give what a folder is: each entry's kind, mode, content, and time of change."""
    seen: dict[str, tuple[Any, ...]] = {}
    for path in [root, *sorted(root.rglob("*"))]:
        if any(path == other or other in path.parents for other in without):
            continue
        status = path.lstat()
        content: object = None
        if path.is_symlink():
            content = path.readlink()
        elif path.is_file():
            content = path.read_bytes()
        seen[str(path)] = (status.st_mode, status.st_mtime_ns, content)
    return seen
