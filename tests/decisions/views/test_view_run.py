"""What the operator is shown of a run: from its records alone."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from view_kit import (
    OTHER,
    RUN,
    SNAPSHOT,
    VMX,
    asked,
    at,
    gone,
    intent,
    made,
    make_night,
    note,
    view,
)

from hlb_hooks.decisions.missed_disks import encode_missed_disks
from hlb_hooks.decisions.phrase import phrase
from hlb_hooks.decisions.views.run_view import DiskView, Outcome, RunState, TroubleView
from hlb_hooks.effects.records import Flag, Record

CHOSEN = note(
    0, Flag.CHOSEN, name="web", uuid="56 4d", BCK_FVM="1M", due_since="2026-11-21T20:00:00Z"
)
STARTED = note(4, Flag.STARTED, None)
HANDED_OVER = note(30, Flag.HANDED_OVER, None)
ENDED = note(30, Flag.ENDED, None)
GOOD = [CHOSEN, intent(1), made(2), STARTED, asked(20), gone(21), HANDED_OVER, ENDED]


def test_a_good_night_is_told_with_all_that_is_known() -> None:
    run = view(make_night(note(0, Flag.PRESENT), note(0, Flag.PRESENT, OTHER), *GOOD))
    assert (run.run, run.job, run.host, run.owner) == (RUN, "gold", "esx1", "avtar (pid 4711)")
    assert (run.begun, run.started, run.handed_over) == (at(0), at(4), at(30))
    assert (run.ended, run.latest, run.seconds) == (at(30), at(30), 1800)
    assert (run.state, run.exit, run.client_said) == (RunState.FINISHED, 0, None)
    totals = run.totals
    assert (totals.present, totals.chosen, totals.protected) == (2, 1, 1)
    assert (totals.failed, totals.pending, totals.open, totals.not_due) == (0, 0, 0, 0)
    (vm,) = run.vms
    assert (vm.name, vm.vmx, vm.uuid, vm.moved_to) == ("web", VMX, "56 4d", None)
    assert (vm.outcome, vm.flags) == (Outcome.PROTECTED, ("OK_snap", "OK_umount"))
    assert (vm.snapshot, vm.consistency, vm.is_read) == (SNAPSHOT, "quiesced", None)
    assert vm.attributes == {"BCK_FVM": "1M"}
    assert vm.due_since == datetime(2026, 11, 21, 20, tzinfo=UTC)
    assert vm.next_due is None
    assert [phase.seconds for phase in vm.phases] == [60, 60, 1080, 60]


@pytest.mark.parametrize(
    ("records", "state", "exit_code"),
    [
        ([CHOSEN], RunState.STARTING, 0),
        ([CHOSEN, intent(1), made(2), STARTED], RunState.BACKING_UP, 4),
        ([CHOSEN, intent(1), made(2), STARTED, asked(20)], RunState.REMOVING, 4),
        ([CHOSEN, intent(1), made(2), STARTED, HANDED_OVER], RunState.REMOVING, 4),
        (GOOD, RunState.FINISHED, 0),
        ([*GOOD[:-1], note(21, Flag.TORN), ENDED], RunState.FINISHED, 1),
    ],
)
def test_how_far_a_run_is(records: list[Record], state: RunState, exit_code: int) -> None:
    run = view(make_night(*records))
    assert run.state is state
    # Of one under way a VM whose turn has not come counts as the hooks' own report counts it.
    assert run.exit == (1 if state is RunState.STARTING else exit_code)


def test_a_run_whose_client_s_log_is_not_read_yet_is_not_finished() -> None:
    assert view(make_night(*GOOD, log=True)).state is RunState.AWAITING_LOG
    read = [note(40, Flag.OK_READ), note(40, Flag.VERDICT, None, said="Command completed")]
    run = view(make_night(*GOOD, *read, log=True))
    assert (run.state, run.client_said) == (RunState.FINISHED, "Command completed")
    assert run.vms[0].is_read is True
    failed = [note(40, Flag.FAILED_READ, reason="code 16"), note(40, Flag.VERDICT, None)]
    run = view(make_night(*GOOD, *failed, log=True))
    assert (run.vms[0].is_read, run.vms[0].outcome, run.exit) == (False, Outcome.FAILED, 1)


@pytest.mark.parametrize(
    ("records", "outcome"),
    [
        ([CHOSEN], Outcome.PENDING),
        ([CHOSEN, ENDED], Outcome.FAILED),
        ([CHOSEN, note(1, Flag.LEFT_OUT, reason="why", next="what")], Outcome.FAILED),
        ([CHOSEN, note(1, Flag.READABLE)], Outcome.READY),
        ([CHOSEN, note(1, Flag.READABLE), HANDED_OVER], Outcome.PROTECTED),
        ([CHOSEN, intent(1), made(2)], Outcome.READY),
        ([CHOSEN, intent(1), made(2), STARTED], Outcome.READY),
        ([CHOSEN, intent(1), made(2), STARTED, HANDED_OVER], Outcome.PROTECTED),
        ([CHOSEN, intent(1), made(2), STARTED, asked(20)], Outcome.PROTECTED),
        ([CHOSEN, intent(1), made(2), asked(3), note(4, Flag.MERGING)], Outcome.OPEN),
        ([CHOSEN, intent(1), made(2), note(3, Flag.TORN), note(4, Flag.MERGING)], Outcome.FAILED),
        ([note(0, Flag.NOT_DUE, reason="next due")], Outcome.NOT_DUE),
        ([note(0, Flag.LEFT_OUT, reason="root wants it left alone")], Outcome.HELD),
        ([note(0, Flag.ADOPTED, snapshot=SNAPSHOT, disks="[]")], Outcome.ADOPTED),
        (
            [note(0, Flag.ADOPTED, snapshot=SNAPSHOT, disks="[]"), note(1, Flag.FAILED_UMOUNT)],
            Outcome.OPEN,
        ),
    ],
)
def test_what_became_of_a_vm(records: list[Record], outcome: Outcome) -> None:
    (vm,) = view(make_night(*records)).vms
    assert vm.outcome is outcome


def test_the_numbers_add_up() -> None:
    waiting, failed = "/v/1/1.vmx", "/v/2/2.vmx"
    run = view(
        make_night(
            CHOSEN,
            note(0, Flag.CHOSEN, waiting),
            note(0, Flag.CHOSEN, failed),
            note(0, Flag.NOT_DUE, OTHER, next_due="2026-12-01T00:00:00Z"),
            intent(1),
            made(2),
            note(3, Flag.LEFT_OUT, failed, reason="why"),
        )
    )
    totals = run.totals
    assert (totals.chosen, totals.protected, totals.failed, totals.pending) == (3, 1, 1, 1)
    assert (totals.open, totals.not_due) == (1, 1)
    assert [vm.vmx for vm in run.vms] == [waiting, failed, VMX, OTHER]
    assert run.vms[3].next_due == datetime(2026, 12, 1, tzinfo=UTC)


def test_only_what_still_is_the_matter_is_shown_with_its_next_step() -> None:
    records = [
        *(CHOSEN, intent(1), made(2), asked(3)),
        note(4, Flag.FAILED_UMOUNT, reason="it was busy", next="wait"),
    ]
    (vm,) = view(make_night(*records)).vms
    assert vm.troubles == (TroubleView("it was busy", "wait"),)
    (vm,) = view(make_night(*records, asked(5), gone(6))).vms
    assert vm.troubles == ()


def test_the_disks_that_may_be_missed_are_told_once_each() -> None:
    missed = encode_missed_disks(
        [
            phrase("independent_disk", node="scsi0:1", path="/v/a b\nc.vmdk"),
            phrase("disk_elsewhere", node="scsi0:2", path="/w/d.vmdk"),
            phrase("space_unknown", datastore="/v"),
        ]
    )
    seen = note(1, Flag.NOTE, note="in words", missed=missed)
    (vm,) = view(make_night(CHOSEN, seen, seen)).vms
    assert vm.missed_disks == (
        DiskView("scsi0:1", "/v/a b\\nc.vmdk", "independent_disk"),
        DiskView("scsi0:2", "/w/d.vmdk", "disk_elsewhere"),
    )
    assert vm.notes == ("in words",)
    assert encode_missed_disks([phrase("space_unknown", datastore="/v")]) == ""


@pytest.mark.parametrize(
    "records",
    [
        [CHOSEN, note(1, Flag.NOTE, missed="nonsense")],
        [CHOSEN, note(1, Flag.NOTE, missed='[["a"]]')],
        [note(1, Flag.NOT_DUE, next_due="tomorrow")],
    ],
)
def test_a_record_that_makes_no_sense_is_an_error(records: Sequence[Record]) -> None:
    with pytest.raises((TypeError, ValueError)):
        view(make_night(*records))


def test_names_are_shown_as_the_report_shows_them() -> None:
    vmx = "/v/\udcff\n/\u202e<script>.vmx"
    bad = note(0, Flag.CHOSEN, vmx, name="a\\b\x1b", BCK_X="\t")
    (vm,) = view(make_night(bad, note(1, Flag.LEFT_OUT, vmx, reason="r\x1b", next="n\x07"))).vms
    assert vm.vmx == "/v/\\xff\\n/\\u202e<script>.vmx"
    assert (vm.name, vm.attributes) == ("a\\\\b\\x1b", {"BCK_X": "\\t"})
    assert vm.troubles == (TroubleView("r\\x1b", "n\\x07"),)
