"""Since when the operator wants to know: pure, and by the clock on the host's wall."""

import re
from datetime import UTC, datetime, timedelta, tzinfo

from dateutil import tz

from hlb_hooks.base.errors import UsageError
from hlb_hooks.base.text import escape

_AGO = re.compile(r"([0-9]{1,5})([hdw])", re.ASCII)
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


def parse_since(text: str, now: datetime, zone: tzinfo) -> datetime:
    """Give the moment, in UTC, that ``2026-11-01``, ``2026-11-01 20:00`` or ``7d`` means.

    A date begins at midnight in ``zone``; ``7d`` is a week before ``now``. Raise UsageError for
    anything else.
    """
    try:
        if match := _AGO.fullmatch(text):
            return now - timedelta(**{_UNITS[match[2]]: int(match[1])})
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = tz.resolve_imaginary(moment.replace(tzinfo=zone))
        return moment.astimezone(UTC)
    except (OverflowError, ValueError) as error:
        raise UsageError(
            f"--since {escape(text)}: expected a date such as 2026-11-01, or 12h, 7d, 4w",
            next_step="say --since 2026-11-01, or --since 7d",
        ) from error
