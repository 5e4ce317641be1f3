"""avtar's process lock file: one command at a time under one name.

That there is one, and when it is made, is known from logs; what avtar does when another has it is
not. Here it fails, or waits, as an option says.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from hlb_hooks.base.errors import HlbError
from hlb_hooks.lab.client.cancel import Cancellation
from hlb_hooks.lab.client.log import AvtarLog, quote_path
from hlb_hooks.lab.files import try_lock

_POLL_SECONDS = 0.05


@contextlib.contextmanager
def hold_process_lock(
    log: AvtarLog, path: Path, cancellation: Cancellation, *, waits: bool
) -> Iterator[None]:
    """Hold the lock file at ``path``, with this process's number in it, while the block runs.

    Raise HlbError when another process holds it, unless ``waits``.
    """
    log.info(5588, f"- Creating process lock file {quote_path(path)}, pid={os.getpid()}")
    descriptor = _take(path)
    while descriptor is None:
        if not waits:
            # The real wording and number are not known.
            raise HlbError(f"Process lock file {quote_path(path)} belongs to another avtar")
        cancellation.sleep(_POLL_SECONDS)
        descriptor = _take(path)
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
        yield
    finally:
        path.unlink()
        os.close(descriptor)


def _take(path: Path) -> int | None:
    while (descriptor := try_lock(path)) is not None:
        # Whoever had it removed it: what was locked then is a file that has no name any more.
        if os.fstat(descriptor).st_nlink:
            return descriptor
        os.close(descriptor)
    return None
