"""Files that decide what we do as root: read only if nobody else could have written them."""

import os
import shlex
import stat

from hlb_hooks.base.errors import ConfigurationError
from hlb_hooks.base.text import escape

_CHUNK_BYTES = 1 << 16


def read_trusted(path: str, what: str, max_bytes: int, *, if_missing: str = "") -> bytes:
    """Give the content of the file ``path`` (symlinks are followed), at most ``max_bytes`` bytes.

    ``what`` says in messages what the file is ("configuration", "targets file"); ``if_missing``
    is the next step to name when there is none. Owner, mode and content come from one opened
    descriptor: nobody can exchange the file between the check and the reading.

    Raises ConfigurationError if it is missing, unreadable, no regular file or too large, if group
    or others may write it, or if its owner is neither root nor the effective user.
    """
    descriptor = _open(path, what, if_missing)
    try:
        _check_descriptor(descriptor, path, what)
        content = read_at_most(descriptor, max_bytes + 1)
    except OSError as error:
        raise _unreadable(path, what, error) from error
    finally:
        os.close(descriptor)
    if len(content) > max_bytes:
        raise ConfigurationError(
            f"{escape(path)}: this {what} is larger than {max_bytes} bytes",
            next_step=f"check that this is the {what} you mean",
        )
    return content


def check_trusted(path: str, what: str = "file") -> None:
    """Refuse ``path``, as ``read_trusted`` does, if somebody else could have written it."""
    descriptor = _open(path, what, "")
    try:
        _check_descriptor(descriptor, path, what)
    finally:
        os.close(descriptor)


def may_be_trusted(status: os.stat_result) -> bool:
    """Tell whether only root and the effective user can have written what has this ``status``."""
    return status.st_uid in {0, os.geteuid()} and not _others_may_write(status)


def open_for_reading(path: str) -> int:
    """Open ``path`` and give the descriptor. A FIFO does not block. Raises OSError, ValueError."""
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)


def read_at_most(descriptor: int, max_bytes: int) -> bytes:
    """Give what ``descriptor`` has, up to ``max_bytes`` bytes. Raises OSError."""
    content = bytearray()
    while len(content) < max_bytes:
        chunk = os.read(descriptor, min(_CHUNK_BYTES, max_bytes - len(content)))
        if not chunk:
            break
        content += chunk
    return bytes(content)


def _open(path: str, what: str, if_missing: str) -> int:
    try:
        return open_for_reading(path)
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"{escape(path)}: there is no such {what}",
            next_step=if_missing or "create it, or correct the path",
        ) from error
    except (OSError, ValueError) as error:
        raise _unreadable(path, what, error) from error


def _check_descriptor(descriptor: int, path: str, what: str) -> None:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise ConfigurationError(
            f"{escape(path)}: expected a {what}, and this is no regular file",
            next_step="name a regular file",
        )
    if may_be_trusted(status):
        return
    # The name that was asked for may be a symlink: the file behind it is the one to mend.
    real_path = escape(shlex.quote(os.path.realpath(path)))
    if _others_may_write(status):
        raise ConfigurationError(
            f"{escape(path)}: group or others may write this {what}"
            f" (mode {stat.S_IMODE(status.st_mode):04o}), so it is not used",
            next_step=f"look whether it is as you left it, then: chmod go-w {real_path}",
        )
    raise ConfigurationError(
        f"{escape(path)}: this {what} belongs to user {status.st_uid},"
        f" expected root or user {os.geteuid()}, so it is not used",
        next_step=f"look whether it is as you left it, then: chown root {real_path}",
    )


def _others_may_write(status: os.stat_result) -> bool:
    return bool(status.st_mode & (stat.S_IWGRP | stat.S_IWOTH))


def _unreadable(path: str, what: str, error: OSError | ValueError) -> ConfigurationError:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return ConfigurationError(
        f"{escape(path)}: this {what} cannot be read: {reason}",
        next_step="correct the path or its permissions",
    )
