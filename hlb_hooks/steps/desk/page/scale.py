"""Where a moment stands on the page's time line, and which moments have a mark: pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from hlb_hooks.decisions.views.run_view import RunView

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_STEPS_SECONDS = (
    *(1, 2, 5, 10, 15, 30),
    *(minutes * _MINUTE for minutes in (1, 2, 5, 10, 15, 30)),
    *(hours * _HOUR for hours in (1, 2, 3, 6, 12)),
    *(days * _DAY for days in (1, 2, 7, 14, 30, 90)),
)
_MOST_MARKS = 7


@dataclass(frozen=True)
class Scale:
    """The time line from ``begun`` to ``ended``, which are never the same moment."""

    begun: datetime
    ended: datetime

    def place(self, moment: datetime) -> float:
        """Give where ``moment`` is, in percent; what is outside stands at the edge."""
        share = (moment - self.begun) / (self.ended - self.begun)
        return round(min(max(share, 0.0), 1.0) * 100, 3)

    def find_marks(self, zone: tzinfo) -> list[datetime]:
        """Give the round moments, on the clock of ``zone``, that have a mark."""
        length = (self.ended - self.begun).total_seconds()
        fitting = (step for step in _STEPS_SECONDS if length / step <= _MOST_MARKS)
        step = next(fitting, _STEPS_SECONDS[-1])
        local = self.begun.astimezone(zone)
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        passed = (local.replace(tzinfo=None) - midnight.replace(tzinfo=None)).total_seconds()
        first = self.begun + timedelta(seconds=-passed % step)
        marks: list[datetime] = []
        while first <= self.ended and len(marks) <= _MOST_MARKS:
            marks.append(first)
            first += timedelta(seconds=step)
        return marks


def make_scale(run: RunView, now: datetime) -> Scale:
    """Give the time line that all parts of all VMs of ``run`` are on."""
    moments = list(_list_moments(run))
    if run.ended is None:
        moments.append(now)
    begun, ended = min(moments), max(moments)
    return Scale(begun, max(ended, begun + timedelta(seconds=1)))


def _list_moments(run: RunView) -> Iterable[datetime]:
    yield run.begun
    yield from (each for each in (run.started, run.handed_over, run.ended) if each is not None)
    for vm in run.vms:
        for phase in vm.phases:
            yield phase.begun
            yield phase.ended or phase.begun
