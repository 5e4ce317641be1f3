"""The log of the backup client that owns a run: which one it is, and what it wrote for the run."""

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hlb_hooks.effects import processes
from hlb_hooks.effects.effect_kind import reads

_OPTION = "--logfile"
# No line of a client is that long; the rest of one that is tells nothing.
_LINE_BYTES = 64 * 1024


@dataclass(frozen=True)
class OwnerLog:
    """A log as it was when the run began: by inode, as logs are rotated, and its size in bytes."""

    path: str
    inode: int
    begun_at_bytes: int

    def to_details(self) -> dict[str, str]:
        """Give the log as details of a record."""
        return {
            "log": self.path,
            "log_inode": str(self.inode),
            "log_bytes": str(self.begun_at_bytes),
        }


def owner_log_from_details(details: Mapping[str, str]) -> OwnerLog | None:
    """Read what ``to_details`` gave; None where there is no log. Raise KeyError or ValueError."""
    if "log" not in details:
        return None
    return OwnerLog(details["log"], int(details["log_inode"]), int(details["log_bytes"]))


@reads
def find_owner_log(pid: int) -> OwnerLog | None:
    """Give the log that a client's ``--logfile`` names, or None where it has none to be read."""
    path = find_log_path(processes.read_arguments(pid))
    if not path:
        return None
    try:
        # A relative one counts from where the client is.
        path = os.path.join(processes.read_folder(pid), path)
        status = os.stat(path)
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return OwnerLog(path, status.st_ino, status.st_size)


def find_log_path(words: Sequence[str]) -> str:
    """Give what a command line says with ``--logfile=PATH`` or ``--logfile PATH``, or nothing."""
    for index, word in enumerate(words):
        option, is_joined, path = word.partition("=")
        if option == _OPTION:
            return path if is_joined else next(iter(words[index + 1 : index + 2]), "")
    return ""


@reads
def read_lines(log: OwnerLog) -> Iterator[str]:
    """Give the lines that were written since the run began. Raise OSError.

    FileNotFoundError: the log is gone, or another file has its name now.
    """
    descriptor = os.open(log.path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if status.st_ino != log.inode or not stat.S_ISREG(status.st_mode):
            raise FileNotFoundError(f"{log.path} is another file than when the run began")
        # One that was emptied meanwhile has only what came after.
        file.seek(log.begun_at_bytes if log.begun_at_bytes <= status.st_size else 0)
        while line := file.readline(_LINE_BYTES):
            yield os.fsdecode(line.rstrip(b"\r\n"))
