"""Reading a file that others may have put there: never one that keeps its reader waiting."""

import errno
import os
import stat
from typing import BinaryIO

from hlb_hooks.effects.effect_kind import reads

_PIECE_BYTES = 64 * 1024


@reads
def read_regular_file(path: str, limit_bytes: int) -> bytes:
    """Give the first ``limit_bytes`` of a file. Raise OSError, also for a pipe or a device.

    Opening a pipe that nobody writes to, or reading a terminal, would not come back, and one VM's
    folder must not hold up all others.
    """
    descriptor = _open(path, os.O_RDONLY)
    pieces = []
    try:
        # Not by a file object: that asks three things more of each of a host's thousands of files.
        while limit_bytes > 0 and (piece := os.read(descriptor, min(limit_bytes, _PIECE_BYTES))):
            pieces.append(piece)
            limit_bytes -= len(piece)
    finally:
        os.close(descriptor)
    return b"".join(pieces)


@reads
def open_regular_file(path: str, flags: int) -> BinaryIO:
    """Open a file for reading, and with ``os.O_RDWR`` for its descriptor to be written too.

    Raise OSError, also for a pipe or a device.
    """
    return open(_open(path, flags), "rb")


def _open(path: str, flags: int) -> int:
    descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return descriptor
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    raise OSError(errno.EINVAL, "not a regular file", path)
