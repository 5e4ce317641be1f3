"""Files for others to read, in a folder that may belong to somebody else."""

import contextlib
import os
import re

from hlb_hooks.effects.effect_kind import changes

# Whoever reads them is not root: the folder decides who may.
_MODE = 0o644


@changes
def publish_file(path: str, data: bytes) -> None:
    """Write beside ``path``, then rename: a reader finds the old data or the new, whole.

    The folder's owner may put links in the way: none is followed. Of two who publish at once
    either may win. Raise OSError.
    """
    beside = f"{path}.{os.getpid()}.new"
    try:
        _remove_left(path)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        descriptor = os.open(beside, flags, _MODE)
        try:
            os.fchmod(descriptor, _MODE)  # whatever the umask
            with open(descriptor, "wb", closefd=False) as file:
                file.write(data)
        finally:
            os.close(descriptor)
        os.replace(beside, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise


def _remove_left(path: str) -> None:
    """Remove what writers left that were killed, among them one that had this process's pid."""
    folder, name = os.path.split(path)
    left = re.compile(rf"{re.escape(name)}\.([0-9]{{1,9}})\.new")
    for entry in os.listdir(folder):
        match = left.fullmatch(entry)
        if match and (int(match[1]) == os.getpid() or not os.path.exists(f"/proc/{match[1]}")):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(folder, entry))
