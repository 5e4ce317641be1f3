"""Putting a file in the place of another, so that every reader finds one of the two, whole."""

import contextlib
import os

from hlb_hooks.effects.effect_kind import changes

_MODE = 0o600
_SUFFIX = ".new"


@changes
def replace_file(path: str, data: bytes) -> None:
    """Write ``data`` beside ``path``, onto the disk, and rename it over. Raise OSError.

    Of two writers at once either may win, but for the caller's own lock.
    """
    beside = path + _SUFFIX
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _MODE)
        try:
            with open(descriptor, "wb", closefd=False) as file:
                file.write(data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(beside, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise
    sync_folder(os.path.dirname(path))


@changes
def sync_folder(folder: str) -> None:
    """Have the names in ``folder`` on the disk. Raise OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
