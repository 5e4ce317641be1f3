"""Data files that a client with a file cache will take for unchanged: pure."""

from collections.abc import Iterable

from hlb_hooks.vmfiles.sighting import RecordedDisk


def find_unmoved(before: Iterable[RecordedDisk], now: Iterable[RecordedDisk]) -> list[str]:
    """Give the data files whose size and mtime are as they were ``before``.

    avtar's file cache knows a file by path, size and mtime. A VM that ran has written to its
    disks, and merging a snapshot writes to them too; an mtime that has not moved all the same is
    one that the host does not keep.
    """
    known = {stamp for disk in before for stamp in _stamp(disk)}
    return [stamp[0] for disk in now for stamp in _stamp(disk) if stamp in known]


def _stamp(disk: RecordedDisk) -> Iterable[tuple[str, int, int]]:
    # Records of an older version have no mtimes, and so no stamps.
    for (path, size), modified_ns in zip(disk.extents, disk.modified_ns, strict=False):
        yield path, size, modified_ns
