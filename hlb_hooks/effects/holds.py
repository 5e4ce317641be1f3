"""What operators want left alone: single VMs, or, for a while, the whole host.

One small file in the state folder. It is replaced as a whole and never taken for empty: whoever
cannot read it does not know what is held, and begins nothing.
"""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from hlb_hooks.base import clock
from hlb_hooks.base.errors import StateError
from hlb_hooks.effects.effect_kind import changes, reads
from hlb_hooks.effects.regular_files import read_regular_file
from hlb_hooks.effects.replaced_files import replace_file

_NAME = "holds.json"
_VERSION = 1
_MAX_BYTES = 1 << 24


@dataclass(frozen=True)
class Hold:
    """One wish. ``vmx``: which VM, as the host prints its path; "" is the whole host."""

    vmx: str
    name: str
    who: str
    since: datetime
    why: str

    @property
    def is_drain(self) -> bool:
        """Whether it is the whole host that is to be left alone."""
        return not self.vmx


@reads
def read_holds(folder: str) -> tuple[Hold, ...]:
    """Give the wishes in a state folder. Raise StateError for a file that cannot be read."""
    path = os.path.join(folder, _NAME)
    try:
        tables = json.loads(read_regular_file(path, _MAX_BYTES))
        if tables["version"] != _VERSION:
            raise ValueError(f"version {tables['version']}, and this program reads {_VERSION}")
        return tuple(_decode(table) for table in tables["holds"])
    except (FileNotFoundError, NotADirectoryError):
        return ()  # of a state folder that is none the store complains, and begins nothing
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StateError(
            f"{path}: nobody knows what is held, it cannot be read: {error}",
            next_step="look into it, move it away, and say again what is held: hlb hold",
        ) from error


@changes
def write_holds(folder: str, holds: Iterable[Hold]) -> None:
    """Put the wishes in the place of those before. Raise StateError.

    The caller holds off others who would.
    """
    tables = [{**asdict(hold), "since": clock.format_utc(hold.since)} for hold in holds]
    path = os.path.join(folder, _NAME)
    data = json.dumps({"version": _VERSION, "holds": tables}, indent=1).encode("ascii")
    try:
        replace_file(path, data + b"\n")
    except OSError as error:
        raise StateError(
            f"{path}: cannot be written: {error.strerror}",
            next_step="make room or mend the folder; what was held before still is",
        ) from error


def _decode(table: Mapping[str, Any]) -> Hold:
    texts = {key: table[key] for key in ("vmx", "name", "who", "why")}
    if not all(isinstance(text, str) for text in texts.values()):
        raise ValueError("expected texts")
    return Hold(since=clock.parse_utc(table["since"]), **texts)
