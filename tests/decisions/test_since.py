"""Since when: by date on the host's wall, or so long ago."""

from datetime import UTC, datetime

import pytest
from dateutil import tz

from hlb_hooks.base.errors import UsageError
from hlb_hooks.decisions.since import parse_since

NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
WARSAW = tz.gettz("Europe/Warsaw")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-01", datetime(2026, 10, 31, 23, 0, tzinfo=UTC)),
        ("2026-07-01", datetime(2026, 6, 30, 22, 0, tzinfo=UTC)),
        ("2026-11-01 20:00", datetime(2026, 11, 1, 19, 0, tzinfo=UTC)),
        ("2026-11-01T20:00Z", datetime(2026, 11, 1, 20, 0, tzinfo=UTC)),
        # the night in which clocks are set forward has no 02:30
        ("2026-03-29 02:30", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        ("7d", datetime(2026, 11, 15, 1, 0, tzinfo=UTC)),
        ("12h", datetime(2026, 11, 21, 13, 0, tzinfo=UTC)),
        ("4w", datetime(2026, 10, 25, 1, 0, tzinfo=UTC)),
        ("0d", NOW),
    ],
)
def test_a_date_or_so_long_ago(text: str, moment: datetime) -> None:
    assert WARSAW is not None
    assert parse_since(text, NOW, WARSAW) == moment


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "7", "d", "7m", "-7d", "1.5d", "0001-01-01", "2026-13-01", "7d\n", "\u0667d"],
)
def test_anything_else_is_a_usage_error_that_says_what_is_expected(text: str) -> None:
    with pytest.raises(UsageError, match="expected a date such as 2026-11-01, or 12h, 7d, 4w"):
        parse_since(text, NOW, WARSAW or UTC)
