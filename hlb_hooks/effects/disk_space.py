"""How much room a datastore has."""

import os
from dataclasses import dataclass

from hlb_hooks.effects.effect_kind import reads


@dataclass(frozen=True)
class DiskSpace:
    """The size of a file system and what is free of it, in bytes."""

    total_bytes: int
    free_bytes: int


@reads
def read_disk_space(folder: str) -> DiskSpace | None:
    """Give the room at ``folder``, or None where it cannot be known.

    The console's view of VMFS may say nothing (zero blocks); then nobody is held up by it.
    """
    try:
        status = os.statvfs(folder)
    except OSError:
        return None
    if status.f_blocks <= 0:
        return None
    return DiskSpace(status.f_blocks * status.f_frsize, status.f_bavail * status.f_frsize)
