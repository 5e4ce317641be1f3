"""How often a VM is backed up: the words of the attribute BCK_FVM, and how long each is.

``1D 1M 1Q 1Y`` are those of the 2009 talk (daily, monthly, quarterly, yearly); ``1W`` besides.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dateutil.relativedelta import relativedelta


@dataclass(frozen=True)
class Interval:
    """One length of the calendar; ``longest_days``: the most days that it can be."""

    word: str
    longest_days: int
    days: int = 0
    months: int = 0

    @property
    def length(self) -> "relativedelta":
        """The length, to be added to a moment."""
        # As dear as a bare start of Python, and most hooks reckon with no calendar.
        from dateutil.relativedelta import relativedelta

        return relativedelta(days=self.days, months=self.months)


INTERVALS = {
    interval.word: interval
    for interval in (
        Interval("1D", 1, days=1),
        Interval("1W", 7, days=7),
        Interval("1M", 31, months=1),
        Interval("1Q", 92, months=3),
        Interval("1Y", 366, months=12),
    )
}
INTERVAL_WORDS = ", ".join(INTERVALS)


def explain_retention(interval: Interval, retention_days: int, key: str) -> str:
    """Say why ``interval`` cannot be with a retention of so many days, or give an empty string.

    ``key`` is the retention's key; 0 days: it is not said, and nothing is checked.
    """
    if not retention_days or interval.longest_days < retention_days:
        return ""
    return (
        f"expected an interval below {key}, {retention_days}: the last backup would have expired "
        f"when the next is due, after up to {interval.longest_days} days"
    )
