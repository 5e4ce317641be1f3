"""What the records of one VM add up to: its flags, its troubles, its snapshots."""

from datetime import UTC, datetime

import pytest
from effects_kit import VMX, tell_story

from hlb_hooks.effects.records import Flag, Record, make_record
from hlb_hooks.effects.vm_story import (
    REPORTED_FLAGS,
    AttemptState,
    VmStory,
    decode_disks,
    encode_disks,
)
from hlb_hooks.vmfiles.sighting import RecordedDisk

DISKS = (RecordedDisk("scsi0:0", ("/vm/a.vmdk",), "0123abcd", (("/vm/a-flat.vmdk", 65536),)),)
MOMENT = datetime(2026, 11, 22, 1, 0, 3, tzinfo=UTC)


def intend(snapshot: str = "HLB-1") -> Record:
    details = {"snapshot": snapshot, "quiesce": "1", "disks": encode_disks(DISKS)}
    return Record(MOMENT, Flag.INTENT_SNAP, VMX, details)


def story_of(*steps: Record | tuple[Flag, str] | Flag) -> VmStory:
    """Fold a VM's story: records as they are, flags with the reason they give."""
    records = [make_record(Flag.CHOSEN, VMX, name="wro215ts")]
    for step in steps:
        if isinstance(step, Record):
            records.append(step)
        elif isinstance(step, tuple):
            flag, reason = step
            records.append(make_record(flag, VMX, reason=reason, next=f"after {reason}"))
        else:
            records.append(make_record(step, VMX))
    return tell_story(*records).vms[VMX]


def of_snapshot(flag: Flag, snapshot: str = "HLB-1", **details: str) -> Record:
    return make_record(flag, VMX, snapshot=snapshot, **details)


# steps, reported flags, open, unsettled, ready, protected
FOLDS = [
    ([], [], 0, 0, 0, 0),
    ([intend()], [], 1, 1, 0, 0),
    ([intend(), of_snapshot(Flag.NOT_MADE)], [], 0, 1, 0, 0),
    (
        [intend(), of_snapshot(Flag.NOT_MADE), of_snapshot(Flag.FAILED_SNAP, reason="no")],
        [Flag.FAILED_SNAP],
        0,
        1,
        0,
        0,
    ),
    (
        [intend(), of_snapshot(Flag.NOT_MADE), of_snapshot(Flag.NOT_MADE, closed="1")],
        [],
        0,
        0,
        0,
        0,
    ),
    ([intend(), of_snapshot(Flag.FAILED_SNAP)], [Flag.FAILED_SNAP], 1, 1, 0, 0),
    ([intend(), of_snapshot(Flag.OK_SNAP)], [Flag.OK_SNAP], 1, 1, 1, 1),
    # The first attempt was refused, the second, crash-consistent one was made.
    (
        [
            intend("HLB-1"),
            of_snapshot(Flag.NOT_MADE, "HLB-1"),
            of_snapshot(Flag.FAILED_SNAP, "HLB-1"),
            intend("HLB-2"),
            of_snapshot(Flag.OK_SNAP, "HLB-2"),
        ],
        [Flag.OK_SNAP],
        1,
        1,
        1,
        1,
    ),
    # A record that says "not made" cannot make a snapshot unseen that the files showed.
    (
        [intend(), of_snapshot(Flag.OK_SNAP), of_snapshot(Flag.NOT_MADE)],
        [Flag.OK_SNAP],
        1,
        1,
        1,
        1,
    ),
    (
        [intend(), of_snapshot(Flag.OK_SNAP), of_snapshot(Flag.INTENT_UMOUNT)],
        [Flag.OK_SNAP],
        1,
        1,
        1,
        1,
    ),
    (
        [intend(), of_snapshot(Flag.OK_SNAP), of_snapshot(Flag.OK_UMOUNT)],
        [Flag.OK_SNAP, Flag.OK_UMOUNT],
        0,
        0,
        1,
        1,
    ),
    (
        [intend(), of_snapshot(Flag.OK_SNAP), Flag.MERGING],
        [Flag.OK_SNAP, Flag.MERGING],
        1,
        1,
        1,
        1,
    ),
    (
        [intend(), of_snapshot(Flag.OK_SNAP), Flag.MERGING, of_snapshot(Flag.OK_UMOUNT)],
        [Flag.OK_SNAP, Flag.OK_UMOUNT],
        0,
        0,
        1,
        1,
    ),
    (
        [intend(), of_snapshot(Flag.OK_SNAP), Flag.FAILED_UMOUNT, Flag.MERGING],
        [Flag.OK_SNAP, Flag.MERGING],
        1,
        1,
        1,
        1,
    ),
    (
        [intend(), of_snapshot(Flag.OK_SNAP), Flag.MERGING, Flag.FAILED_UMOUNT],
        [Flag.OK_SNAP, Flag.FAILED_UMOUNT],
        1,
        1,
        1,
        1,
    ),
    (
        [intend(), of_snapshot(Flag.OK_SNAP), Flag.FAILED_UMOUNT, of_snapshot(Flag.OK_UMOUNT)],
        [Flag.OK_SNAP, Flag.OK_UMOUNT],
        0,
        0,
        1,
        1,
    ),
    (
        [intend(), of_snapshot(Flag.OK_SNAP), of_snapshot(Flag.TORN, closed="1")],
        [Flag.OK_SNAP, Flag.TORN],
        0,
        0,
        1,
        0,
    ),
    (
        [intend(), of_snapshot(Flag.OK_SNAP), Flag.TORN, of_snapshot(Flag.OK_UMOUNT)],
        [Flag.OK_SNAP, Flag.TORN, Flag.OK_UMOUNT],
        0,
        0,
        1,
        0,
    ),
    (
        [intend(), of_snapshot(Flag.OK_SNAP), of_snapshot(Flag.OK_UMOUNT), Flag.OK_READ],
        [Flag.OK_SNAP, Flag.OK_READ, Flag.OK_UMOUNT],
        0,
        0,
        1,
        1,
    ),
    (
        [intend(), of_snapshot(Flag.OK_SNAP), of_snapshot(Flag.OK_UMOUNT), Flag.FAILED_READ],
        [Flag.OK_SNAP, Flag.FAILED_READ, Flag.OK_UMOUNT],
        0,
        0,
        1,
        0,
    ),
    ([Flag.READABLE], [Flag.READABLE], 0, 0, 1, 1),
    ([Flag.LEFT_OUT], [Flag.LEFT_OUT], 0, 0, 0, 0),
    # Late, but there: the thread that was out of time got its snapshot after all.
    (
        [intend(), Flag.FAILED_SNAP, of_snapshot(Flag.OK_SNAP)],
        [Flag.OK_SNAP],
        1,
        1,
        1,
        1,
    ),
    # Two attempts, of which nobody knows; each is closed by its own record.
    (
        [intend("HLB-1"), intend("HLB-2"), of_snapshot(Flag.OK_UMOUNT, "HLB-2")],
        [Flag.OK_UMOUNT],
        1,
        1,
        0,
        0,
    ),
    # A record about a snapshot that nobody meant to make opens nothing.
    ([of_snapshot(Flag.OK_SNAP, "HLB-9")], [Flag.OK_SNAP], 0, 0, 1, 1),
]


@pytest.mark.parametrize(
    ("steps", "flags", "is_open", "is_unsettled", "is_ready", "is_protected"), FOLDS
)
def test_a_vm_s_records_add_up(
    steps: list[Record | Flag],
    flags: list[Flag],
    *,
    is_open: int,
    is_unsettled: int,
    is_ready: int,
    is_protected: int,
) -> None:
    vm = story_of(*steps)
    assert list(vm.reported_flags) == flags
    found = (vm.is_open, bool(vm.unsettled_attempts), vm.is_ready, vm.is_protected)
    assert found == tuple(map(bool, (is_open, is_unsettled, is_ready, is_protected)))
    run = tell_story(*[step for step in steps if isinstance(step, Record)])
    assert [story.vmx for story in run.open_vms] == [VMX] * is_open
    assert [story.vmx for story in run.unsettled_vms] == [VMX] * is_unsettled


@pytest.mark.parametrize(
    ("flags", "is_in_trouble"),
    [
        ([], False),
        ([Flag.MERGING], True),
        ([Flag.FAILED_UMOUNT], True),
        ([Flag.MERGING, Flag.OK_UMOUNT], False),
    ],
)
def test_an_unfinished_removal_is_trouble(flags: list[Flag], *, is_in_trouble: bool) -> None:
    steps = [of_snapshot(flag) for flag in flags]
    vm = story_of(intend(), of_snapshot(Flag.OK_SNAP), *steps)
    assert vm.is_open_in_trouble is is_in_trouble


@pytest.mark.parametrize(
    ("steps", "reasons"),
    [
        ([], []),
        ([(Flag.LEFT_OUT, "stuck")], ["stuck"]),
        ([(Flag.FAILED_SNAP, "refused"), Flag.OK_SNAP], []),
        ([(Flag.MERGING, "merging"), Flag.OK_UMOUNT], []),
        ([(Flag.FAILED_UMOUNT, "refused"), Flag.OK_UMOUNT], []),
        ([(Flag.FAILED_UMOUNT, "refused"), (Flag.MERGING, "merging")], ["merging"]),
        # What remains a failure keeps its reason, whatever goes well afterwards.
        ([Flag.OK_SNAP, (Flag.TORN, "base changed"), Flag.OK_UMOUNT], ["base changed"]),
        ([(Flag.FAILED_SNAP, "unclear"), Flag.OK_UMOUNT], ["unclear"]),
        ([Flag.OK_SNAP, (Flag.FAILED_READ, "not read"), Flag.OK_UMOUNT], ["not read"]),
        ([(Flag.TORN, "torn"), (Flag.FAILED_UMOUNT, "refused")], ["torn", "refused"]),
        ([(Flag.FAILED_UMOUNT, "refused"), (Flag.TORN, "torn"), Flag.OK_UMOUNT], ["torn"]),
        ([(Flag.FAILED_UMOUNT, "first"), (Flag.FAILED_UMOUNT, "second")], ["second"]),
    ],
)
def test_a_failure_keeps_its_reason_as_long_as_it_stands(
    steps: list[Flag | tuple[Flag, str]], reasons: list[str]
) -> None:
    vm = story_of(*steps)
    assert [trouble.reason for trouble in vm.current_troubles] == reasons
    assert [trouble.next_step for trouble in vm.current_troubles] == [
        f"after {reason}" for reason in reasons
    ]
    assert vm.reason == (reasons[0] if reasons else "")


def test_a_removal_that_was_asked_for_is_remembered() -> None:
    assert not story_of(intend()).is_removal_begun
    assert story_of(intend(), of_snapshot(Flag.INTENT_UMOUNT)).is_removal_begun


def test_notes_are_kept_once_in_their_order() -> None:
    vm = story_of(
        make_record(Flag.CHOSEN, VMX, note="first\nsecond"),
        make_record(Flag.OK_SNAP, VMX, note="third"),
        make_record(Flag.CHOSEN, VMX, note="second"),
    )
    assert vm.notes == ["first", "second", "third"]
    assert vm.name == "wro215ts"


def test_an_attempt_remembers_when_and_on_what_disks() -> None:
    attempt = story_of(intend()).attempts["HLB-1"]
    assert attempt.state is AttemptState.UNCLEAR
    assert (attempt.intended, attempt.disks) == (MOMENT, DISKS)


def test_the_disks_of_an_intent_are_read_back() -> None:
    odd = RecordedDisk("ide0:1", ("/a b/\udcff.vmdk", "/c\n.vmdk"), "0" * 8, (("/x", 1 << 60),))
    assert decode_disks(encode_disks([*DISKS, odd])) == (*DISKS, odd)
    assert decode_disks("[]") == ()


def test_every_flag_of_a_vm_has_its_place_in_the_report_or_none() -> None:
    silent = {Flag.PRESENT, Flag.CHOSEN, Flag.INTENT_SNAP, Flag.NOT_MADE, Flag.INTENT_UMOUNT}
    silent |= {Flag.ADOPTED, Flag.MOVED, Flag.NOTE}
    of_run = {Flag.STATE, Flag.OWNER, Flag.CONFIG, Flag.GUARD, Flag.INVENTORY, Flag.STARTED}
    of_run |= {Flag.HANDED_OVER, Flag.ENDED, Flag.VERDICT}
    assert set(REPORTED_FLAGS) | silent | of_run == set(Flag)
    assert len(set(REPORTED_FLAGS)) == len(REPORTED_FLAGS)
