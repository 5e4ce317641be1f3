"""Whether a VM's turn has come: by the calendar and the clock on the host's wall."""

from datetime import UTC, datetime, timedelta

import pytest
from dateutil import tz
from hypothesis import given
from hypothesis import strategies as st

from hlb_hooks.base.intervals import INTERVALS
from hlb_hooks.decisions.due import Turn, decide_due, find_next
from hlb_hooks.decisions.history import Backup, Past

# Poland's rule, as POSIX writes it: no file of a system is needed. 1 am UTC, both ways.
WARSAW = tz.tzstr("CET-1CEST,M3.5.0,M10.5.0/3")
NO_SLACK = timedelta()


def at(text: str) -> datetime:
    """Read a moment on a wall in Warsaw; one that is there twice is the first, but for a ``*``."""
    wall = datetime.fromisoformat(text.rstrip("*")).replace(tzinfo=WARSAW)
    return wall.replace(fold=int(text.endswith("*"))).astimezone(UTC)


@pytest.mark.parametrize(
    ("last", "word", "expected"),
    [
        ("2026-11-02 20:00", "1D", "2026-11-03 20:00"),
        ("2026-11-02 20:00", "1W", "2026-11-09 20:00"),
        ("2026-11-02 20:00", "1M", "2026-12-02 20:00"),
        ("2026-11-02 20:00", "1Q", "2027-02-02 20:00"),
        ("2026-11-02 20:00", "1Y", "2027-11-02 20:00"),
        # month ends
        ("2026-01-31 20:00", "1M", "2026-02-28 20:00"),
        ("2028-01-31 20:00", "1M", "2028-02-29 20:00"),
        ("2026-02-28 20:00", "1M", "2026-03-28 20:00"),
        ("2026-03-31 20:00", "1M", "2026-04-30 20:00"),
        ("2026-11-30 20:00", "1Q", "2027-02-28 20:00"),
        ("2026-12-31 23:59", "1D", "2027-01-01 23:59"),
        # leap days
        ("2028-02-29 20:00", "1Y", "2029-02-28 20:00"),
        ("2028-02-28 20:00", "1D", "2028-02-29 20:00"),
        ("2027-02-28 20:00", "1Y", "2028-02-28 20:00"),
        # clocks go forward on 2026-03-29, from 02:00 to 03:00
        ("2026-03-28 20:00", "1D", "2026-03-29 20:00"),
        ("2026-03-28 02:30", "1D", "2026-03-29 03:30"),
        ("2026-02-28 02:30", "1M", "2026-03-28 02:30"),
        # and back on 2026-10-25, from 03:00 to 02:00
        ("2026-10-24 20:00", "1D", "2026-10-25 20:00"),
        ("2026-10-24 02:30", "1D", "2026-10-25 02:30"),
        ("2026-10-25 02:30", "1D", "2026-10-26 02:30"),
        ("2026-10-25 02:30*", "1D", "2026-10-26 02:30"),
    ],
)
@pytest.mark.parametrize("slack_hours", [0, 6, 23])
def test_the_calendar_counts_by_the_clock_on_the_wall(
    last: str, word: str, expected: str, slack_hours: int
) -> None:
    slack = timedelta(hours=slack_hours)
    moment = find_next(at(last), INTERVALS[word], slack=slack, zone=WARSAW)
    assert moment == at(expected) - slack
    assert moment.utcoffset() == timedelta()


def test_the_same_moment_is_another_day_elsewhere() -> None:
    last = datetime(2026, 1, 30, 23, 30, tzinfo=UTC)  # 31 January in Warsaw
    month = INTERVALS["1M"]
    assert find_next(last, month, slack=NO_SLACK, zone=WARSAW) == at("2026-02-28 00:30")
    in_utc = find_next(last, month, slack=NO_SLACK, zone=UTC)
    assert in_utc == datetime(2026, 2, 28, 23, 30, tzinfo=UTC)


NOW = at("2026-11-22 20:00")
BEFORE = Backup("before", at("2026-10-22 20:00"))
YESTERDAY = Backup("yesterday", at("2026-11-21 20:00"))
TOMORROW = Backup("tomorrow", at("2026-11-23 20:00"))


@pytest.mark.parametrize(
    ("word", "past", "turn", "counted"),
    [
        (None, Past(), Turn.EVERY_RUN, None),
        (None, Past(last=YESTERDAY), Turn.EVERY_RUN, None),
        ("1M", Past(), Turn.NEVER_YET, None),
        ("1M", Past(uncounted=YESTERDAY), Turn.NEVER_YET, None),
        ("1M", Past(last=BEFORE), Turn.DUE, BEFORE),
        ("1M", Past(last=BEFORE, uncounted=YESTERDAY), Turn.DUE, BEFORE),
        ("1M", Past(last=YESTERDAY), Turn.NOT_DUE, YESTERDAY),
        ("1D", Past(last=YESTERDAY), Turn.DUE, YESTERDAY),
        ("1M", Past(future=TOMORROW), Turn.CLOCK_SET_BACK, TOMORROW),
        # What the clock showed by mistake neither keeps a VM waiting nor takes its success away.
        ("1M", Past(last=YESTERDAY, future=TOMORROW), Turn.NOT_DUE, YESTERDAY),
        ("1M", Past(last=BEFORE, future=TOMORROW), Turn.DUE, BEFORE),
    ],
)
def test_whose_turn_it_is(word: str | None, past: Past, turn: Turn, counted: Backup | None) -> None:
    interval = None if word is None else INTERVALS[word]
    due = decide_due(interval, past, now=NOW, slack=NO_SLACK, zone=WARSAW)
    assert (due.turn, due.counted) == (turn, counted)
    assert due.is_due is (turn is not Turn.NOT_DUE)
    assert due.uncounted is (None if interval is None else past.uncounted)


@pytest.mark.parametrize("seconds", [-1, 0, 1])
def test_a_vm_is_due_from_the_very_second_on(seconds: int) -> None:
    slack = timedelta(hours=6)
    now = at("2026-11-22 14:00") + timedelta(seconds=seconds)
    due = decide_due(INTERVALS["1M"], Past(last=BEFORE), now=now, slack=slack, zone=WARSAW)
    assert due.is_due is (seconds >= 0)
    assert due.moment == at("2026-11-22 14:00")


MOMENTS = st.datetimes(
    datetime(2009, 1, 1),  # noqa: DTZ001  hypothesis wants them naive
    datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
WORDS = st.sampled_from(sorted(INTERVALS))
SHORTEST_DAYS = {"1D": 1, "1W": 7, "1M": 28, "1Q": 89, "1Y": 365}
AN_HOUR = timedelta(hours=1)


@given(MOMENTS, WORDS, st.integers(0, 23))
def test_an_interval_is_never_shorter_or_longer_than_the_calendar_has_it(
    last: datetime, word: str, slack_hours: int
) -> None:
    slack = timedelta(hours=slack_hours)
    length = find_next(last, INTERVALS[word], slack=slack, zone=WARSAW) + slack - last
    assert timedelta(SHORTEST_DAYS[word]) - AN_HOUR <= length
    assert length <= timedelta(INTERVALS[word].longest_days) + AN_HOUR


@given(MOMENTS, WORDS, st.integers(0, 23), MOMENTS)
def test_who_is_due_stays_due_until_a_success(
    last: datetime, word: str, slack_hours: int, now: datetime
) -> None:
    past = Past(last=Backup("run", last))
    slack = timedelta(hours=slack_hours)

    def is_due(moment: datetime) -> bool:
        return decide_due(INTERVALS[word], past, now=moment, slack=slack, zone=WARSAW).is_due

    later = now + timedelta(days=1)
    assert is_due(later) or not is_due(now)


@given(st.lists(MOMENTS, min_size=1, max_size=30), WORDS)
def test_a_nightly_job_never_lets_a_vm_wait_for_a_night_too_long(
    jitters: list[datetime], word: str
) -> None:
    """Runs begin within three hours of 20:00; slack makes up for it."""
    last = at("2026-01-31 20:00")
    interval = INTERVALS[word]
    for night, jitter in enumerate(jitters * 400, start=1):
        evening = (datetime(2026, 1, 31, 20) + timedelta(days=night)).replace(tzinfo=WARSAW)  # noqa: DTZ001
        now = evening.astimezone(UTC) + timedelta(minutes=jitter.minute * 3)
        due = decide_due(
            interval, Past(last=Backup("r", last)), now=now, slack=timedelta(hours=6), zone=WARSAW
        )
        if due.is_due:
            assert now - last < timedelta(interval.longest_days, hours=5)
            last = now
        if night > 450:
            break
