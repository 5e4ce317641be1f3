"""What a run comes to in short."""

import pytest
from effects_kit import VMX, make_head, tell_story

from hlb_hooks.effects.records import Flag, Record, make_record
from hlb_hooks.effects.run_digest import VmIdentity, digest_run

VM = VmIdentity(VMX, "56 4d")
SNAPSHOT = "HLB-gold-20261122T010000Z-0123abcd"


def note(flag: Flag, **details: str) -> Record:
    return make_record(flag, VMX, **details)


CHOSEN = note(Flag.CHOSEN, name="web", uuid=VM.uuid)
INTENT = note(Flag.INTENT_SNAP, snapshot=SNAPSHOT, disks="[]")
MADE = note(Flag.OK_SNAP, snapshot=SNAPSHOT)
GONE = note(Flag.OK_UMOUNT, snapshot=SNAPSHOT)
READ = note(Flag.OK_READ)


@pytest.mark.parametrize(
    ("records", "read", "unread"),
    [
        ([CHOSEN, INTENT, MADE, GONE, READ], [VM], []),
        ([CHOSEN, INTENT, MADE, READ], [VM], []),
        ([CHOSEN, note(Flag.READABLE), READ], [VM], []),
        ([CHOSEN, INTENT, MADE, GONE], [], [VM]),
        ([CHOSEN, note(Flag.READABLE)], [], [VM]),
        ([CHOSEN, INTENT, MADE, note(Flag.TORN), GONE, READ], [], []),
        ([CHOSEN, INTENT, MADE, GONE, note(Flag.FAILED_READ)], [], []),
        ([CHOSEN, INTENT, note(Flag.FAILED_SNAP)], [], []),
        ([CHOSEN, note(Flag.LEFT_OUT)], [], []),
        ([CHOSEN, INTENT, MADE, note(Flag.LEFT_OUT), GONE], [], []),  # taken back
        ([CHOSEN], [], []),
        ([note(Flag.NOT_DUE, uuid=VM.uuid)], [], []),
        ([note(Flag.PRESENT)], [], []),
        ([note(Flag.ADOPTED, snapshot=SNAPSHOT, disks="[]"), GONE], [], []),
        ([note(Flag.CHOSEN, name="web"), INTENT, MADE, READ], [VmIdentity(VMX, "")], []),
    ],
)
def test_only_what_was_protected_counts_and_what_was_read_is_told_from_what_is_not_known(
    records: list[Record], read: list[VmIdentity], unread: list[VmIdentity]
) -> None:
    digest = digest_run(tell_story(*records))
    assert (list(digest.read), list(digest.unread)) == (read, unread)


@pytest.mark.parametrize(
    ("records", "failed", "not_due"),
    [
        ([CHOSEN, INTENT, MADE, GONE, READ], [], []),
        ([CHOSEN, INTENT, MADE, note(Flag.TORN), GONE], [VM], []),
        ([CHOSEN, note(Flag.LEFT_OUT)], [VM], []),
        ([CHOSEN, INTENT, MADE, note(Flag.FAILED_READ)], [VM], []),
        ([CHOSEN], [], []),  # its turn has not come
        ([CHOSEN, make_record(Flag.ENDED)], [VM], []),
        ([note(Flag.NOT_DUE, uuid=VM.uuid)], [], [VM]),
        ([note(Flag.PRESENT)], [], []),
        ([note(Flag.ADOPTED, snapshot=SNAPSHOT, disks="[]")], [], []),
    ],
)
def test_what_failed_is_told_from_what_waits_and_from_what_was_not_due(
    records: list[Record], failed: list[VmIdentity], not_due: list[VmIdentity]
) -> None:
    digest = digest_run(tell_story(*records))
    assert (list(digest.failed), list(digest.not_due)) == (failed, not_due)


def test_what_an_operator_held_is_neither_failed_nor_not_due() -> None:
    digest = digest_run(tell_story(note(Flag.LEFT_OUT, name="web", uuid=VM.uuid)))
    assert (digest.held, digest.failed, digest.not_due) == ((VM,), (), ())
    assert digest.names == ((VMX, "web"),)


def test_a_name_is_kept_where_the_folder_does_not_tell_it() -> None:
    same = note(Flag.CHOSEN, name="wro215ts", uuid=VM.uuid)
    assert digest_run(tell_story(CHOSEN)).names == ((VMX, "web"),)
    assert digest_run(tell_story(same)).names == ()
    assert digest_run(tell_story(note(Flag.NOT_DUE, name="web"))).names == ((VMX, "web"),)


def test_a_run_s_head_and_its_end_hook_are_in_it() -> None:
    run = tell_story(CHOSEN)
    digest = digest_run(run)
    assert (digest.name, digest.job, digest.host) == (run.name, run.job, run.host)
    assert (digest.begun, digest.owner, digest.config_path) == (
        run.begun,
        run.owner,
        "/etc/hlb.toml",
    )
    assert not digest.is_handed_over
    assert digest_run(tell_story(make_record(Flag.HANDED_OVER))).is_handed_over


def test_the_latest_moment_is_the_latest_whatever_the_order() -> None:
    moments = [record.moment for record in make_head()]
    future = Record(moments[0].replace(year=2050), Flag.NOTE, VMX)
    assert digest_run(tell_story(CHOSEN, future, CHOSEN)).latest == future.moment


def test_a_snapshot_that_was_asked_for_and_never_seen_is_remembered_where_the_vm_is() -> None:
    moved = note(Flag.MOVED, to="/elsewhere/web.vmx", disks="[]")
    closed = note(Flag.NOT_MADE, snapshot=SNAPSHOT, closed="1")
    assert digest_run(tell_story(CHOSEN, INTENT)).unseen == ((VMX, SNAPSHOT),)
    assert digest_run(tell_story(CHOSEN, INTENT, closed)).unseen == ((VMX, SNAPSHOT),)
    assert digest_run(tell_story(INTENT, moved)).unseen == (("/elsewhere/web.vmx", SNAPSHOT),)
    assert digest_run(tell_story(CHOSEN, INTENT, MADE)).unseen == ()


def test_a_snapshot_that_came_and_went_is_known_again() -> None:
    gone = digest_run(tell_story(CHOSEN, INTENT, MADE, GONE))
    assert gone.may_have_closed(SNAPSHOT)
    assert not gone.may_have_closed(SNAPSHOT.replace("abcd", "abce"))
    for records in ([CHOSEN, INTENT, MADE], [CHOSEN, INTENT], [CHOSEN]):
        assert not digest_run(tell_story(*records)).may_have_closed(SNAPSHOT)
