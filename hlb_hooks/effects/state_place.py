"""The place of the state files, as a check looks at it: is it there, ours, writable, with room."""

import os
from dataclasses import dataclass

from hlb_hooks.base.errors import ConfigurationError
from hlb_hooks.effects.effect_kind import reads
from hlb_hooks.effects.found_runs import check_folder


@dataclass(frozen=True)
class StatePlace:
    """A folder, or, while it is not there, the nearest one above it. ``trouble``: who may write.

    ``free_bytes`` and ``free_files`` are None where the file system does not say.
    """

    folder: str
    is_there: bool
    trouble: ConfigurationError | None
    is_writable: bool
    free_bytes: int | None
    free_files: int | None


@reads
def look_at_place(folder: str) -> StatePlace:
    """Look at ``folder``. Nothing is written to find out whether it can be."""
    trouble = None
    is_there = True
    try:
        check_folder(folder)
    except FileNotFoundError:
        is_there = False
    except ConfigurationError as error:
        trouble = error
    except OSError as error:
        trouble = ConfigurationError(
            f"{folder}: the state folder cannot be looked at: {error.strerror}",
            next_step="mend its permissions, or the path",
        )
    existing = folder
    while not os.path.exists(existing) and existing != "/":
        existing = os.path.dirname(existing)
    # Also asks whether the file system is mounted read-only.
    is_writable = os.access(existing, os.W_OK | os.X_OK)
    try:
        status = os.statvfs(existing)
    except OSError:
        return StatePlace(folder, is_there, trouble, is_writable, None, None)
    free_bytes = status.f_bavail * status.f_frsize if status.f_blocks else None
    # Some file systems make room for names as they go, and count none.
    free_files = status.f_favail if status.f_files else None
    return StatePlace(folder, is_there, trouble, is_writable, free_bytes, free_files)


@reads
def read_modified_seconds(path: str) -> float | None:
    """Give when a file was last written, in seconds since 1970; None: it cannot be seen."""
    try:
        return os.stat(path).st_mtime
    except OSError:
        return None
