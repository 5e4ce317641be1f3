"""What a check says of snapshots, backups, the clock and the reaper."""

from datetime import timedelta

import pytest
from night_kit import NOW, READ, look, make_records

from hlb_hooks.decisions.check_runs import (
    check_backups,
    check_clock,
    check_reaper,
    check_snapshots,
)
from hlb_hooks.decisions.findings import Finding, Severity
from hlb_hooks.effects.reap_trace import ReapTrace
from hlb_hooks.effects.records import Flag

OPEN = (Flag.OK_SNAP,)
STUCK = (Flag.OK_SNAP, Flag.FAILED_UMOUNT)
CRON = ("/etc/cron.d/hlb",)


def shown(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.severity.name, finding.what.key) for finding in findings]


@pytest.mark.parametrize(
    ("hours", "flags", "found"),
    [
        (0, READ, [("OK", "snapshots_open")]),
        (11, OPEN, [("OK", "snapshots_open")]),
        (13, OPEN, [("CRITICAL", "snapshot_stays")]),
        (1, STUCK, [("CRITICAL", "files_unreadable")]),
        (13, STUCK, [("CRITICAL", "files_unreadable"), ("CRITICAL", "snapshot_stays")]),
    ],
)
def test_a_snapshot_that_stays_wants_a_hand(
    hours: float, flags: tuple[Flag, ...], found: list[tuple[str, str]]
) -> None:
    overview = look(make_records(hours, [("web", flags)], is_ended=flags == READ))
    assert shown(check_snapshots(overview, [])) == found


def test_a_run_that_has_nobody_wants_a_hand() -> None:
    (finding,) = check_snapshots(look(), ["gold-1"])
    assert finding.severity is Severity.CRITICAL
    assert finding.what.words == {"run": "gold-1"}
    assert finding.next_step is not None


@pytest.mark.parametrize(
    ("hours", "flags", "found"),
    [
        (1, READ, [("OK", "successes_in_time")]),
        (27, READ, [("CRITICAL", "success_late")]),
        (1, (Flag.LEFT_OUT,), [("WARNING", "last_run_failed")]),
        (27, (Flag.LEFT_OUT,), [("CRITICAL", "success_never"), ("WARNING", "last_run_failed")]),
    ],
)
def test_a_vm_without_a_success_in_time_is_named(
    hours: float, flags: tuple[Flag, ...], found: list[tuple[str, str]]
) -> None:
    assert shown(check_backups(look(make_records(hours, [("web", flags)])), ["gold"])) == found


def test_a_job_that_never_ran_is_named() -> None:
    findings = check_backups(look(make_records(1, [("web", READ)])), ["gold", "silver"])
    assert shown(findings) == [("WARNING", "job_never_ran")]
    assert findings[0].what.words == {"job": "silver"}


@pytest.mark.parametrize(
    ("minutes", "severity"), [(-60, "OK"), (4, "OK"), (6, "WARNING"), (100_000, "WARNING")]
)
def test_a_run_of_the_future_says_that_the_clock_was_set_back(minutes: int, severity: str) -> None:
    begun = [NOW - timedelta(days=3), NOW + timedelta(minutes=minutes)]
    (finding,) = check_clock(look(), begun, timedelta(days=1))
    assert finding.severity.name == severity


@pytest.mark.parametrize(
    ("minutes_ago", "schedules", "has_runs", "found"),
    [
        (5, (), True, ("OK", "reaper_good")),
        (-30, (), True, ("OK", "reaper_good")),
        (61, CRON, True, ("WARNING", "reaper_late")),
        (25 * 60, CRON, True, ("CRITICAL", "reaper_late")),
        (None, (), True, ("WARNING", "reaper_unscheduled")),
        (None, (), False, ("WARNING", "reaper_unscheduled")),
        (None, CRON, True, ("WARNING", "reaper_never_ran")),
        (None, CRON, False, ("OK", "reaper_scheduled")),
    ],
)
def test_the_reaper_is_to_run_again_and_again(
    minutes_ago: int | None, schedules: tuple[str, ...], found: tuple[str, str], *, has_runs: bool
) -> None:
    moment = NOW - timedelta(minutes=minutes_ago or 0)
    trace = None if minutes_ago is None else ReapTrace(moment, 0)
    finding = check_reaper(trace, schedules, NOW, is_folder_there=has_runs)
    assert shown([finding]) == [found]
    assert (finding.next_step is None) is (finding.severity is Severity.OK)
