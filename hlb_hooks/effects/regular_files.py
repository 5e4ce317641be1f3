"""Reading a file that others may have put there: never one that keeps its reader waiting."""

import errno
import os
import stat

from hlb_hooks.effects.effect_kind import reads


@reads
def read_regular_file(path: str, limit_bytes: int) -> bytes:
    """Give the first ``limit_bytes`` of a file. Raise OSError, also for a pipe or a device.

    Opening a pipe that nobody writes to, or reading a terminal, would not come back, and one VM's
    folder must not hold up all others.
    """
    with open(path, "rb", opener=_open_without_waiting) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", path)
        return file.read(limit_bytes)


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)
