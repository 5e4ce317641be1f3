"""When each VM of a job should have been backed up again, and how a night went."""

from datetime import timedelta

import pytest
from night_kit import NOW, READ, find, look, make_config, make_records

from hlb_hooks.decisions.overview import Night
from hlb_hooks.effects.records import Flag, Record

WEB = [("web", READ)]
FAILED = [("web", (Flag.LEFT_OUT,))]


def hours_late(*runs: list[Record]) -> float:
    """Give by how many hours the only VM is late; below zero there is time left."""
    overview = look(*runs)
    (vm,) = overview.wanted
    return (overview.now - vm.expected_by) / timedelta(hours=1)


@pytest.mark.parametrize(
    ("interval", "late_hours", "allowed_hours"),
    [("", 2, 26), ("1D", 2, 26), ("1W", 0, 168), ("1D", 24, 48)],
)
def test_a_success_is_expected_an_interval_and_the_grace_after_the_last(
    interval: str, late_hours: int, allowed_hours: int
) -> None:
    config = make_config(interval=interval, late_hours=late_hours)
    assert hours_late(make_records(30, WEB, config=config)) == 30 - allowed_hours


def test_what_failed_since_is_no_success() -> None:
    assert hours_late(make_records(30, WEB), make_records(1, FAILED)) == 4


def test_a_month_counts_by_the_calendar() -> None:
    overview = look(make_records(24 * 22, WEB, config=make_config(interval="1M")))
    # From 31 October on.
    assert overview.wanted[0].expected_by == NOW.replace(month=11, day=30, hour=22)


def test_a_vm_that_was_never_backed_up_is_late_by_the_first_run_of_its_job() -> None:
    assert hours_late(make_records(30, FAILED), make_records(1, FAILED)) == 4


def test_a_vm_that_was_never_backed_up_has_time_while_a_run_is_under_way() -> None:
    assert hours_late(make_records(30, FAILED), make_records(1, FAILED, is_ended=False)) == -25


def test_a_vm_that_the_targets_no_longer_choose_is_not_waited_for() -> None:
    overview = look(make_records(300, [("old", READ), *WEB]), make_records(1, WEB))
    assert [vm.name for vm in overview.wanted] == ["web"]
    assert overview.late == ()


def test_a_vm_that_was_not_due_is_waited_for_all_the_same() -> None:
    details = {"name": "web", "BCK_FVM": "1W"}
    waiting = Record(NOW, Flag.NOT_DUE, "/v/web/web.vmx", details)
    overview = look(make_records(300, WEB), make_records(1, more=[waiting]))
    assert [vm.name for vm in overview.late] == ["web"]


@pytest.mark.parametrize(
    ("hook", "is_one"), [("initial_backup", True), ("", True), ("snap_request", False)]
)
def test_a_run_that_was_made_by_hand_is_no_night(hook: str, *, is_one: bool) -> None:
    assert find(make_records(1, WEB, hook=hook)).digest.is_night is is_one


def test_a_run_that_adopted_a_snapshot_is_no_night() -> None:
    head, end = make_records(1)[:3], make_records(1)[-1]
    assert not find([*head, end]).digest.is_night


def test_what_is_open_counts_from_its_first_record() -> None:
    overview = look(make_records(30, [("web", (Flag.OK_SNAP,))], is_ended=False))
    assert [each.vm.name for each in overview.open] == ["web"]
    assert overview.oldest_open == timedelta(hours=30)
    assert look().oldest_open == timedelta()


def test_a_night_knows_how_long_its_parts_took_and_what_failed() -> None:
    begun = NOW - timedelta(hours=5)

    def after(minutes: int, flag: Flag) -> Record:
        return Record(begun + timedelta(minutes=minutes), flag, None)

    first = Record(begun + timedelta(minutes=70), Flag.INTENT_UMOUNT, "/v/web/web.vmx")
    last = Record(begun + timedelta(minutes=90), Flag.INTENT_UMOUNT, "/v/web/web.vmx")
    more = [after(10, Flag.STARTED), first, last, after(100, Flag.ENDED)]
    vms = [("web", READ), ("db", (Flag.LEFT_OUT,)), ("app", (Flag.OK_SNAP, Flag.TORN))]
    records = make_records(5, vms, more=more, is_ended=False)
    night = Night(find(records).run, tuple(records))
    assert night.phases == {
        "start": timedelta(minutes=10),
        "reading": timedelta(minutes=60),
        "removal": timedelta(minutes=30),
    }
    assert night.failures == {"LEFT_OUT": 1, "TORN": 1}


def test_a_clock_that_was_set_back_makes_no_part_shorter_than_nothing() -> None:
    records = make_records(1, more=[Record(NOW - timedelta(hours=2), Flag.STARTED)])
    assert Night(find(records).run, tuple(records)).phases == {"start": timedelta()}
