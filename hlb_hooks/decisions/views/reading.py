"""When the client read a VM, as the guard saw it: for how long its snapshot was needed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from hlb_hooks.decisions.views.phases import Phase, PhaseKind
from hlb_hooks.effects.records import Record

_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
_WITH_SNAPSHOT = frozenset({PhaseKind.OPEN, PhaseKind.REMOVING})


@dataclass(frozen=True)
class ReadingView:
    """When the client held a VM's disks open, as exactly as [run] guard_poll_seconds lets it be."""

    begun: Annotated[datetime, "when the guard saw it first"]
    ended: Annotated[datetime, "when the guard saw it last"]
    seconds: Annotated[int, "from the one to the other"]
    beyond_seconds: Annotated[
        int | None, "how much longer its snapshot was there; null: it had none, or it is open"
    ]


def find_reading(records: Iterable[Record], phases: Iterable[Phase]) -> ReadingView | None:
    """Give what a guard noted of one VM, if one did. Raise KeyError or ValueError."""
    seen = [record.details for record in records if "read_from" in record.details]
    if not seen:
        return None
    begun = min(_read_moment(details["read_from"]) for details in seen)
    ended = max(_read_moment(details["read_until"]) for details in seen)
    seconds = max(0, round((ended - begun).total_seconds()))
    there = [phase for phase in phases if phase.kind in _WITH_SNAPSHOT]
    beyond = None
    if there and all(phase.ended is not None for phase in there):
        beyond = max(0, sum(phase.seconds for phase in there) - seconds)
    return ReadingView(begun, ended, seconds, beyond)


def add_beyond(readings: Iterable[ReadingView | None]) -> int | None:
    """Give how long all snapshots were there beyond the reading, in seconds, if that is known."""
    known = [each.beyond_seconds for each in readings if each is not None]
    counted = [seconds for seconds in known if seconds is not None]
    return sum(counted) if counted else None


def _read_moment(text: str) -> datetime:
    return datetime.strptime(text, _FORMAT).replace(tzinfo=UTC)
