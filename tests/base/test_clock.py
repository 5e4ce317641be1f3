"""The time has one source and one written form."""

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlb_hooks.base import clock


def test_now_is_utc_to_the_second() -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    now = clock.read_utc_now()
    assert before <= now <= datetime.now(UTC)
    assert now.microsecond == 0
    assert now.utcoffset() == timedelta()


@given(st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)))  # noqa: DTZ001  hypothesis wants them naive
def test_a_written_moment_is_read_back_to_the_second(moment: datetime) -> None:
    assert clock.parse_utc(clock.format_utc(moment)) == moment.replace(microsecond=0)


def test_another_time_zone_is_written_as_utc() -> None:
    there = timezone(timedelta(hours=2))
    moment = datetime(2026, 11, 22, 1, 0, 3, tzinfo=there)
    assert clock.format_utc(moment) == "2026-11-21T23:00:03Z"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-22",
        "2026-11-22T01:00:0",
        "2026-11-22T01:00:03",
        "2026-11-22 01:00:03Z",
        "2026-13-22T01:00:03Z",
        "2026-11-22T01:00:03Z ",
        "2026-11-22T01:00:03+00:00",
        "2026-11-22T01:00:03.000Z",
        "20261122T010003Z",
        "2026-W47-7T01:00:03Z",
    ],
)
def test_another_form_of_a_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"isoformat|of the form|month"):
        clock.parse_utc(text)


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("UTC", "2026-07-01 12:00+00:00"),
        ("CET-1CEST,M3.5.0,M10.5.0/3", "2026-07-01 14:00+02:00"),
        ("EST5", "2026-07-01 07:00-05:00"),
        # As the C library takes it.
        ("Nowhere/Else", "2026-07-01 12:00+00:00"),
    ],
)
def test_the_host_s_own_zone_is_that_of_tz(
    monkeypatch: pytest.MonkeyPatch, zone: str, shown: str
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        moment = datetime(2026, 7, 1, 12, tzinfo=UTC)
        assert clock.format_local(moment, clock.read_time_zone()) == shown
    finally:
        monkeypatch.undo()
        time.tzset()


def test_the_seconds_since_boot_do_not_go_back() -> None:
    first = clock.read_seconds_since_boot()
    clock.sleep_seconds(0.001)
    second = clock.read_seconds_since_boot()
    assert 0 < first < second <= time.clock_gettime(time.CLOCK_MONOTONIC)
