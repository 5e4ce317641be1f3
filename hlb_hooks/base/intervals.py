"""How often a VM is backed up: the words of the attribute BCK_FVM, and how long each is.

``1D 1M 1Q 1Y`` are those of the 2009 talk (daily, monthly, quarterly, yearly); ``1W`` besides.
"""

from dataclasses import dataclass

from dateutil.relativedelta import relativedelta


@dataclass(frozen=True)
class Interval:
    """One length of the calendar; ``longest_days``: the most days that it can be."""

    word: str
    length: relativedelta
    longest_days: int


INTERVALS = {
    interval.word: interval
    for interval in (
        Interval("1D", relativedelta(days=1), 1),
        Interval("1W", relativedelta(weeks=1), 7),
        Interval("1M", relativedelta(months=1), 31),
        Interval("1Q", relativedelta(months=3), 92),
        Interval("1Y", relativedelta(years=1), 366),
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
