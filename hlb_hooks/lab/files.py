"""Files, folders and locks of a lab: modes that no umask changes, content that is never half."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

FILE_MODE = 0o644
PRIVATE_MODE = 0o600
PROGRAM_MODE = 0o755
FOLDER_MODE = 0o755
PRIVATE_FOLDER_MODE = 0o700


def make_folder(path: Path, mode: int = FOLDER_MODE) -> None:
    """Make a folder of that very mode, whatever the umask, with all that lead to it."""
    if path.is_dir():
        return
    make_folder(path.parent)
    try:
        path.mkdir()
    except FileExistsError:
        # Two clients of one lab may start at the same instant; who made it sets its mode.
        if not path.is_dir():
            raise
    else:
        path.chmod(mode)


def write_file(path: Path, data: bytes, mode: int = FILE_MODE) -> None:
    """Put ``data`` in place of ``path`` at once, with that very mode, whatever the umask."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    with temporary.open("wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(data)
    temporary.replace(path)


@contextlib.contextmanager
def hold_lock(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on ``path`` while the block runs; waits for it as long as it takes."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_MODE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def try_lock(path: Path) -> int | None:
    """Take an exclusive lock on ``path`` if it is free: its descriptor, or None."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_MODE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def is_locked(path: Path) -> bool:
    """Tell whether some process holds the lock on ``path``."""
    descriptor = try_lock(path)
    if descriptor is None:
        return True
    os.close(descriptor)
    return False
