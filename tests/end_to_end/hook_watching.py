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
    for entry in Path("/proc").iterdir():
        words = read_words(entry)
        if GUARD_MODULE.encode() in words and b"--state" in words:
            state = Path(os.fsdecode(words[words.index(b"--state") + 1]))
            if root in state.parents:
                yield int(entry.name)


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
