"""The only source of the time. Waiting and dates go through here, so that tests can own both."""

import time
from datetime import UTC, datetime


def read_utc_now() -> datetime:
    """Give the present time in UTC, to the second: the precision of names and records."""
    return datetime.now(UTC).replace(microsecond=0)


def read_seconds_since_boot() -> float:
    """Give seconds on a clock that no administrator sets: it starts anew at each boot."""
    return time.clock_gettime(time.CLOCK_MONOTONIC)


def sleep_seconds(seconds: float) -> None:
    """Wait for ``seconds``."""
    time.sleep(seconds)


def format_utc(moment: datetime) -> str:
    """Give ``moment`` as ``2026-11-22T14:15:16Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_utc(text: str) -> datetime:
    """Read what ``format_utc`` wrote. Raise ValueError for anything else."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def from_nanoseconds(nanoseconds: int) -> datetime:
    """Give the time, in UTC, of a file's time stamp."""
    return datetime.fromtimestamp(nanoseconds / 1e9, tz=UTC)
