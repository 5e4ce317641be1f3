"""The only source of the time. Waiting and dates go through here, so that tests can own both."""

import time
from datetime import UTC, datetime, tzinfo


def read_utc_now() -> datetime:
    """Give the present time in UTC, to the second: the precision of names and records."""
    return datetime.now(UTC).replace(microsecond=0)


def read_seconds_since_boot() -> float:
    """Give seconds on a clock that no administrator sets: it starts anew at each boot."""
    return time.clock_gettime(time.CLOCK_MONOTONIC)


def sleep_seconds(seconds: float) -> None:
    """Wait for ``seconds``."""
    time.sleep(seconds)


def read_time_zone() -> tzinfo:
    """Give the host's time zone: by $TZ, else /etc/localtime, with all its changes of clocks."""
    from dateutil import tz  # twice a bare start, and only intervals need a time zone

    # A $TZ that names none is for the C library the same as UTC, and so it is for tzlocal.
    return tz.gettz() or tz.tzlocal()


def format_local(moment: datetime, zone: tzinfo) -> str:
    """Give ``moment`` as people there read it: ``2026-11-22 15:15+01:00``."""
    return moment.astimezone(zone).isoformat(sep=" ", timespec="minutes")


def format_utc(moment: datetime) -> str:
    """Give ``moment`` as ``2026-11-22T14:15:16Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_utc(text: str) -> datetime:
    """Read what ``format_utc`` wrote. Raise ValueError for anything else."""
    # strptime takes ten times as long, and a state file has tens of thousands of these.
    moment = datetime.fromisoformat(text)
    if moment.isoformat() != text[:-1] + "+00:00":
        raise ValueError(f"{text!r} is not of the form 2026-11-22T14:15:16Z")
    return moment


def from_nanoseconds(nanoseconds: int) -> datetime:
    """Give the time, in UTC, of a file's time stamp."""
    return datetime.fromtimestamp(nanoseconds / 1e9, tz=UTC)
