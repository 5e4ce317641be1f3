"""Whether a VM's turn has come: pure, and in the host's own time zone."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import Enum

from hlb_hooks.base.intervals import Interval
from hlb_hooks.decisions.history import Backup, Past


class Turn(Enum):
    """Whether it is a VM's turn, and why."""

    EVERY_RUN = "every run"  # nothing says how often
    NEVER_YET = "never yet"  # no success is known
    CLOCK_SET_BACK = "clock set back"  # the only success is in the future
    DUE = "due"
    NOT_DUE = "not due"


@dataclass(frozen=True)
class Due:
    """A VM's turn; ``moment``: since when it is due, or when it will be.

    ``counted`` is the success it was reckoned from, ``uncounted`` a newer run that may have been
    one, only that nobody knows.
    """

    turn: Turn
    interval: Interval | None = None
    moment: datetime | None = None
    counted: Backup | None = None
    uncounted: Backup | None = None

    @property
    def is_due(self) -> bool:
        """Whether the VM is to be backed up now."""
        return self.turn is not Turn.NOT_DUE


EVERY_RUN = Due(Turn.EVERY_RUN)


def decide_due(
    interval: Interval | None, past: Past, *, now: datetime, slack: timedelta, zone: tzinfo
) -> Due:
    """Decide whether a VM is due at ``now``.

    A success of the future proves nothing, as the clock that it was made by is not to be trusted;
    the newest one of the past counts all the same.
    """
    if interval is None:
        return EVERY_RUN
    if past.last is None and past.future is not None:
        return Due(Turn.CLOCK_SET_BACK, interval, None, past.future, past.uncounted)
    if past.last is None:
        return Due(Turn.NEVER_YET, interval, uncounted=past.uncounted)
    moment = find_next(past.last.begun, interval, slack=slack, zone=zone)
    turn = Turn.DUE if now >= moment else Turn.NOT_DUE
    return Due(turn, interval, moment, past.last, past.uncounted)


def find_next(last: datetime, interval: Interval, *, slack: timedelta, zone: tzinfo) -> datetime:
    """Give when a VM that was last backed up at ``last`` is due again, in UTC.

    The calendar counts by the clock on the wall: a month after 31 January is the last day of
    February, and a day after 20:00 is 20:00, also when clocks were changed in between. An hour
    that is there twice counts from its first time, one that is not there from an hour later.
    """
    from dateutil import tz  # see base.clock

    wall = last.astimezone(zone).replace(tzinfo=None, fold=0) + interval.length
    return tz.resolve_imaginary(wall.replace(tzinfo=zone)).astimezone(UTC) - slack
