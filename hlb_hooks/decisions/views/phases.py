"""What a VM went through in a run, and how long each part took: from its records' times."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from hlb_hooks.effects.records import Flag, Record


class PhaseKind(StrEnum):
    """The parts of a VM's night, in their order."""

    WAITING = "waiting"
    MAKING = "making"
    OPEN = "open"
    REMOVING = "removing"


@dataclass(frozen=True)
class Phase:
    """One part of a VM's night."""

    kind: Annotated[PhaseKind, "waiting for its turn, snapshot being made, open, or being removed"]
    begun: Annotated[datetime, "when it began"]
    ended: Annotated[datetime | None, "when it ended; null while it lasts"]
    seconds: Annotated[int, "how long it took, or has taken so far"]


def trace_phases(
    records: Iterable[Record], begun: datetime, over: datetime | None, now: datetime
) -> tuple[Phase, ...]:
    """Give the phases of one VM from its own ``records``, in their order.

    ``begun`` is the run's begin; ``over``, once nothing of it is open any more, its last moment.
    A clock that was set back makes no phase shorter than nothing.
    """
    trace = _Trace()
    for record in records:
        trace.follow(record, begun)
    if trace.current is not None and over is not None:
        trace.end(over)
    phases = [_make_phase(kind, since, until) for kind, since, until in trace.passed]
    if trace.current is not None:
        kind, since = trace.current
        phases.append(Phase(kind, since, None, _count_seconds(since, now)))
    return tuple(phases)


class _Trace:
    """The phases so far, and the one that lasts."""

    def __init__(self) -> None:
        self.passed: list[tuple[PhaseKind, datetime, datetime]] = []
        self.current: tuple[PhaseKind, datetime] | None = None

    def begin(self, kind: PhaseKind, moment: datetime) -> None:
        if self.current is None or self.current[0] is not kind:
            self.end(moment)
            self.current = kind, moment

    def end(self, moment: datetime, *kinds: PhaseKind) -> None:
        """End the phase that lasts, if it is one of ``kinds``, or whichever it is."""
        if self.current is not None and (not kinds or self.current[0] in kinds):
            self.passed.append((*self.current, moment))
            self.current = None

    def follow(self, record: Record, begun: datetime) -> None:
        """Take in the next record."""
        moment = record.moment
        match record.flag:
            case Flag.CHOSEN:
                self.begin(PhaseKind.WAITING, begun)
            case Flag.INTENT_SNAP:
                self.begin(PhaseKind.MAKING, moment)
            case Flag.OK_SNAP | Flag.ADOPTED:
                self.begin(PhaseKind.OPEN, moment)
            case Flag.INTENT_UMOUNT:
                self.begin(PhaseKind.REMOVING, moment)
            case Flag.LEFT_OUT | Flag.READABLE | Flag.FAILED_SNAP | Flag.NOT_MADE:
                self.end(moment, PhaseKind.WAITING, PhaseKind.MAKING)
            case Flag.FAILED_UMOUNT if self.current and self.current[0] is PhaseKind.REMOVING:
                # It is there still, and will be tried again.
                self.begin(PhaseKind.OPEN, moment)
            case Flag.OK_UMOUNT:
                self.end(moment)
        if record.details.get("closed") == "1":
            self.end(moment)


def _make_phase(kind: PhaseKind, since: datetime, until: datetime) -> Phase:
    return Phase(kind, since, until, _count_seconds(since, until))


def _count_seconds(since: datetime, until: datetime) -> int:
    return max(0, round((until - since).total_seconds()))
