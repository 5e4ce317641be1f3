"""Who of several that found a stale claim replaces it: a file beside it, made exclusively.

Creating a file exclusively is the one step that a shared datastore does for one host alone. The
file's name says which claim it is about: whoever comes later, with another stale claim in mind,
does not wait for one that was killed here.
"""

import binascii
import contextlib
import os
import re
from collections.abc import Iterator

from hlb_hooks.base import clock
from hlb_hooks.effects.effect_kind import changes, reads

# Replacing a claim takes two small writes: a turn that is older was a killed one's.
_TURN_SECONDS = 60.0
_MODE = 0o600
_TURN = re.compile(r"\.[0-9a-f]{8}")


@contextlib.contextmanager
@changes
def taking_turn(path: str, about: str) -> Iterator[str]:
    """Be the one that replaces the file at ``path``; give the file beside it that says so.

    It is gone afterwards, unless it was renamed. Raise FileExistsError when another has the turn,
    and OSError when it cannot be taken.
    """
    beside = f"{path}.{binascii.crc32(about.encode('utf-8', 'backslashreplace')):08x}"
    try:
        os.close(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE))
    except FileExistsError:
        _end_old_turn(beside)
        raise
    try:
        yield beside
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(beside)


@reads
def list_turns(path: str) -> list[str]:
    """Give the files beside ``path`` that a killed process may have left."""
    folder, name = os.path.split(path)
    with contextlib.suppress(OSError):
        return [
            os.path.join(folder, entry)
            for entry in os.listdir(folder)
            if entry.startswith(f"{name}.") and _TURN.fullmatch(entry[len(name) :])
        ]
    return []


def _end_old_turn(beside: str) -> None:
    """Take a killed one's turn away. The next to come has it, and not this process.

    This one may be one of several that have just found the file.
    """
    with contextlib.suppress(FileNotFoundError):
        age_seconds = clock.read_utc_now().timestamp() - os.stat(beside).st_mtime
        if age_seconds > _TURN_SECONDS:
            os.unlink(beside)
