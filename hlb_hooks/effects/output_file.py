"""A file that an operator asked for: there as a whole or not at all, wherever it is to be."""

import contextlib
import os
import stat
import tempfile

from hlb_hooks.base.errors import UsageError
from hlb_hooks.base.text import escape
from hlb_hooks.effects.effect_kind import changes
from hlb_hooks.effects.replaced_files import sync_folder

_NEXT_STEP = "name a file in a folder that takes it, or leave --output out"


@changes
def write_output_file(path: str, data: bytes) -> None:
    """Put ``data`` at ``path``, an absolute one; a file that is there keeps its mode.

    A link and whatever is no regular file are refused: the folder may be anybody's, and nothing
    like /dev/null is to be replaced. Raise UsageError.
    """
    try:
        mode = _read_mode(path)
        # A name that nobody can have foreseen, and made with O_EXCL: see /tmp.
        descriptor, beside = tempfile.mkstemp(prefix=".hlb-", dir=os.path.dirname(path))
        try:
            with open(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                if mode is not None:
                    os.fchmod(descriptor, mode)
                os.fsync(descriptor)
            os.replace(beside, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(beside)
            raise
        sync_folder(os.path.dirname(path))
    except OSError as error:
        raise UsageError(
            f"--output {escape(path)}: cannot be written: {error.strerror}", next_step=_NEXT_STEP
        ) from error


def _read_mode(path: str) -> int | None:
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode):
        raise UsageError(
            f"--output {escape(path)}: expected a regular file, or none", next_step=_NEXT_STEP
        )
    return stat.S_IMODE(status.st_mode)
