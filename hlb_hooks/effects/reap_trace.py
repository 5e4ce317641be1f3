"""When ``hlb reap`` last ran, by its own word, and what makes it run: cron, or a timer."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from hlb_hooks.base import clock
from hlb_hooks.base.errors import StateError
from hlb_hooks.effects.effect_kind import changes, reads
from hlb_hooks.effects.regular_files import read_regular_file
from hlb_hooks.effects.replaced_files import replace_file

_NAME = "last-reap"
_LINE = re.compile(r"(\S+) exit=([0-9]{1,3})\n")
_CALL = re.compile(r"^[^#\n]*\bhlb\b[^#\n]*\breap\b", re.MULTILINE)
_MAX_BYTES = 1 << 20
# The tables of Vixie cron and cronie, and the units of systemd.
_PLACES = (
    "etc/crontab",
    "etc/cron.d/*",
    "var/spool/cron/*",
    "var/spool/cron/crontabs/*",
    "etc/systemd/system/*.service",
    "usr/lib/systemd/system/*.service",
    "lib/systemd/system/*.service",
)


@dataclass(frozen=True)
class ReapTrace:
    """When a reap was over, and its exit code."""

    moment: datetime
    exit_code: int


@reads
def read_reap_trace(folder: str) -> ReapTrace | None:
    """Give the trace in a state folder; None: there is none, or none that can be read."""
    try:
        text = read_regular_file(os.path.join(folder, _NAME), 256).decode("ascii")
        match = _LINE.fullmatch(text)
        return ReapTrace(clock.parse_utc(match[1]), int(match[2])) if match else None
    except (OSError, ValueError):
        return None


@changes
def write_reap_trace(folder: str, exit_code: int) -> None:
    """Put down that a reap is over, in a state folder that is there. Raise StateError."""
    text = f"{clock.format_utc(clock.read_utc_now())} exit={exit_code}\n"
    path = os.path.join(folder, _NAME)
    try:
        replace_file(path, text.encode("ascii"))
    except FileNotFoundError:
        return  # no run has ever begun here, and so nothing was reaped
    except OSError as error:
        raise StateError(
            f"{path}: cannot be written: {error.strerror}",
            next_step="make room or mend the folder; hlb check takes the reaper for idle meanwhile",
        ) from error


@reads
def find_reap_schedules(root: str = "/") -> tuple[str, ...]:
    """Give the cron tables and units below ``root`` that run ``hlb reap``."""
    return tuple(dict.fromkeys(_find_schedules(Path(root))))


def _find_schedules(root: Path) -> Iterator[str]:
    for place in _PLACES:
        for path in sorted(root.glob(place)):
            try:
                text = read_regular_file(str(path), _MAX_BYTES).decode("utf-8", "replace")
            except OSError:
                continue
            if _CALL.search(text):
                # /lib is often a link to /usr/lib.
                yield str(path.resolve())
