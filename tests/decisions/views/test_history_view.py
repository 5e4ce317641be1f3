"""The runs of the past, from what is known in short."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest
from view_kit import BEGUN, OTHER, SNAPSHOT, VMX, made, make_night, note

from hlb_hooks.decisions.views.history_view import Result, find_vms, view_history
from hlb_hooks.decisions.views.status_view import LastSuccess, view_last_successes
from hlb_hooks.effects.found_runs import FoundRun
from hlb_hooks.effects.owner import LeaseOwner
from hlb_hooks.effects.records import Flag, Record
from hlb_hooks.effects.run_digest import RunDigest, VmIdentity
from hlb_hooks.effects.run_index import IndexEntry, Stamp
from hlb_hooks.effects.run_story import tell_run

WEB, DB = VmIdentity(VMX, "56 4d"), VmIdentity(OTHER, "56 4e")
NOW = BEGUN + timedelta(days=1)


def finished(
    name: str,
    days_ago: float,
    *,
    read: tuple[VmIdentity, ...] = (),
    unread: tuple[VmIdentity, ...] = (),
    failed: tuple[VmIdentity, ...] = (),
    not_due: tuple[VmIdentity, ...] = (),
    held: tuple[VmIdentity, ...] = (),
    names: tuple[tuple[str, str], ...] = (),
    job: str = "gold",
) -> FoundRun:
    begun = NOW - timedelta(days=days_ago)
    digest = RunDigest(
        name=name,
        job=job,
        host="esx1",
        begun=begun,
        latest=begun + timedelta(minutes=30),
        owner=LeaseOwner(begun, 1.0, "boot"),
        config_path="/x",
        is_handed_over=True,
        is_night=True,
        read=read,
        unread=unread,
        failed=failed,
        not_due=not_due,
        held=held,
        names=names,
        opened=(),
        unseen=(),
        closed="",
    )
    return FoundRun(f"/{name}", None, IndexEntry(name, Stamp(1, 2, 3, 4), digest))


def under_way(*records: Record) -> FoundRun:
    run = tell_run(make_night(*records), "/x")
    assert run is not None
    return FoundRun("/gold", run)


def test_the_newest_goes_first_with_its_numbers() -> None:
    runs = [
        finished("a", 3, read=(WEB,), failed=(DB,)),
        finished("b", 2, unread=(WEB,), not_due=(DB,)),
    ]
    newest, oldest = view_history(runs, None, None, None)
    assert (newest.run, newest.chosen, newest.protected, newest.not_due) == ("b", 1, 1, 1)
    assert (oldest.run, oldest.chosen, oldest.protected, oldest.failed) == ("a", 2, 1, 1)
    assert (oldest.seconds, oldest.is_finished, oldest.open, oldest.vms) == (1800, True, 0, None)


def test_of_a_run_under_way_what_waits_and_what_is_open_is_told() -> None:
    waiting = note(0, Flag.CHOSEN, OTHER)
    intent = note(1, Flag.INTENT_SNAP, snapshot=SNAPSHOT, disks="[]")
    (line,) = view_history(
        [under_way(note(0, Flag.CHOSEN), waiting, intent, made(2))], None, None, None
    )
    assert (line.chosen, line.protected, line.pending, line.open) == (2, 1, 1, 1)
    assert not line.is_finished
    (line,) = view_history([under_way(waiting)], None, None, frozenset({OTHER}))
    assert line.vms is not None
    assert [vm.result for vm in line.vms] == [Result.PENDING]


def test_runs_are_picked_by_time_and_job() -> None:
    runs = [finished("a", 3), finished("b", 2, job="silver"), finished("c", 1)]
    since = NOW - timedelta(days=2)
    assert [line.run for line in view_history(runs, since, None, None)] == ["c", "b"]
    assert [line.run for line in view_history(runs, since, "gold", None)] == ["c"]
    assert view_history(runs, None, "bronze", None) == ()


def test_what_became_of_a_vm_in_each_run_that_had_it() -> None:
    runs = [
        finished("a", 5, read=(WEB,)),
        finished("b", 4, unread=(WEB,), names=((VMX, "Wro"),)),
        finished("c", 3, failed=(WEB,)),
        finished("d", 2, not_due=(WEB, DB)),
        finished("e", 1, read=(DB,)),
    ]
    lines = view_history(runs, None, None, frozenset({VMX}))
    told = [(line.run, vm.name, vm.result) for line in lines for vm in line.vms or ()]
    assert told == [
        ("d", "wro215ts", Result.NOT_DUE),
        ("c", "wro215ts", Result.FAILED),
        ("b", "Wro", Result.PROTECTED),
        ("a", "wro215ts", Result.READ),
    ]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("wro215ts", {VMX}),
        (VMX, {VMX}),
        ("Wro server", {VMX}),
        ("*", {VMX, OTHER}),
        ("w*", {VMX}),
        ("WRO215TS", set()),
        ("unknown", set()),
    ],
)
def test_a_vm_is_found_as_in_a_targets_file(name: str, found: set[str]) -> None:
    named = finished("a", 2, failed=(WEB,), names=((VMX, "Wro server"),))
    assert find_vms([named, finished("b", 1, not_due=(DB,))], name) == found


def tell(
    runs: list[FoundRun], measures: Mapping[str, str] | None = None
) -> list[tuple[str, str, str | None, str | None]]:
    return [
        (each.job, each.name, each.run, each.uncounted)
        for each in view_last_successes(runs, measures, NOW)
    ]


def test_the_vm_without_any_success_goes_first_then_the_oldest() -> None:
    runs = [
        finished("a", 5, read=(DB,)),
        finished("b", 2, read=(WEB,)),
        finished("c", 1, failed=(WEB, DB, VmIdentity("/v/new/new.vmx", "1"))),
    ]
    assert tell(runs) == [
        ("gold", "new", None, None),
        ("gold", "db", "a", None),
        ("gold", "wro215ts", "b", None),
    ]
    moments: list[datetime | None] = [each.success for each in view_last_successes(runs, None, NOW)]
    assert moments == [None, NOW - timedelta(days=5), NOW - timedelta(days=2)]


def test_a_vm_that_the_job_has_not_chosen_for_a_week_is_not_its_any_more() -> None:
    runs = [finished("a", 9, read=(DB,)), finished("b", 1, read=(WEB,))]
    assert tell(runs) == [("gold", "wro215ts", "b", None)]
    runs.insert(1, finished("c", 7.5, not_due=(DB,)))
    assert tell(runs) == [("gold", "db", "a", None), ("gold", "wro215ts", "b", None)]


def test_what_counts_is_the_job_s_own_measure_and_jobs_that_are_gone_are_not_shown() -> None:
    runs = [finished("a", 2, unread=(WEB,)), finished("b", 1, unread=(WEB,), job="silver")]
    assert tell(runs, {"gold": "hooks"}) == [("gold", "wro215ts", "a", None)]
    assert tell(runs, {"silver": "read"}) == [("silver", "wro215ts", None, "b")]
    assert len(tell(runs)) == 2


def test_a_vm_whose_vmx_could_not_be_read_is_the_one_it_was() -> None:
    unknown = VmIdentity(VMX, "")
    runs = [finished("a", 2, read=(WEB,)), finished("b", 1, failed=(unknown,))]
    assert tell(runs) == [("gold", "wro215ts", "a", None)]


def test_another_vm_in_the_same_folder_was_never_backed_up() -> None:
    other = VmIdentity(VMX, "another")
    runs = [finished("a", 2, read=(WEB,)), finished("b", 1, failed=(other,))]
    assert tell(runs) == [("gold", "wro215ts", None, None)]


def test_a_vm_that_waits_for_its_turn_is_shown_and_names_are_escaped() -> None:
    waiting = note(0, Flag.CHOSEN, "/v/\udcff/x.vmx", name="a\nb", uuid="1")
    (found,) = view_last_successes([under_way(waiting)], None, NOW)
    assert found == LastSuccess("gold", "/v/\\xff/x.vmx", "a\\nb", None, None, None)
