"""What the records of a run add up to."""

import json
from datetime import UTC, datetime

import pytest
from effects_kit import RUN, VMX, make_head, tell_story

from hlb_hooks.base.config import Config
from hlb_hooks.base.errors import StateError
from hlb_hooks.effects.owner import LeaseOwner, ProcessOwner
from hlb_hooks.effects.processes import ProcessIdentity
from hlb_hooks.effects.records import Flag, Record, make_record
from hlb_hooks.effects.run_story import tell_run

PATH = "/var/hlb/gold.state"
MOMENT = datetime(2026, 11, 22, 1, 0, 3, tzinfo=UTC)


def test_a_run_is_what_its_head_says() -> None:
    run = tell_story()
    assert (run.name, run.job, run.host, run.boot_id) == (RUN, "gold", "esx1", "boot")
    assert run.owner == ProcessOwner(ProcessIdentity(1, 1, "boot"), "avtar")
    assert run.config == Config("/etc/hlb.toml")
    assert run.vms == {}
    assert not (run.is_handed_over or run.is_ended)
    assert run.guard is None


@pytest.mark.parametrize("length", [0, 1, 2])
def test_a_run_that_never_had_a_whole_head_did_nothing(length: int) -> None:
    assert tell_run(make_head()[:length], PATH) is None


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_story_without_its_whole_head_is_an_error(missing: int) -> None:
    head = make_head()
    del head[missing]
    with pytest.raises(StateError, match="its head is missing") as caught:
        tell_run([*head, make_record(Flag.PRESENT, VMX)], PATH)
    assert PATH in caught.value.message


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_story_with_two_heads_is_an_error(number: int) -> None:
    with pytest.raises(StateError, match="twice"):
        tell_story(make_head(run="other")[number])


@pytest.mark.parametrize(
    ("flag", "attribute"),
    [
        (Flag.HANDED_OVER, "is_handed_over"),
        (Flag.ENDED, "is_ended"),
    ],
)
def test_a_run_s_own_flags_are_told(flag: Flag, attribute: str) -> None:
    assert getattr(tell_story(make_record(flag)), attribute) is True


def test_what_is_written_for_the_reader_alone_changes_nothing() -> None:
    head = make_head()
    for_reader = [make_record(Flag.STARTED)]
    assert tell_run([*head, *for_reader], PATH) == tell_run(head, PATH)


@pytest.mark.parametrize(
    ("details", "is_night"),
    [({"hook": "initial_backup"}, True), ({}, True), ({"hook": "snap_request"}, False)],
)
def test_a_night_is_what_the_start_hook_has_made(
    details: dict[str, str], *, is_night: bool
) -> None:
    assert tell_story(make_record(Flag.INVENTORY, count="0", **details)).is_night is is_night
    assert not tell_story().is_night


def test_the_last_guard_is_the_one_at_its_post() -> None:
    first = make_record(Flag.GUARD, pid="7", start_ticks="70", boot_id="b")
    second = make_record(Flag.GUARD, pid="8", start_ticks="80", boot_id="b")
    assert tell_story(first, second).guard == ProcessIdentity(8, 80, "b")


@pytest.mark.parametrize(
    "record",
    [
        Record(MOMENT, "WONDERFUL", VMX),
        Record(MOMENT, "WONDERFUL"),
        Record(MOMENT, "ok_snap", VMX),
        Record(MOMENT, "", None),
        make_record(Flag.GUARD, pid="seven", start_ticks="70", boot_id="b"),
        make_record(Flag.GUARD, pid="7"),
        make_record(Flag.INTENT_SNAP, VMX),
        make_record(Flag.INTENT_SNAP, VMX, snapshot="HLB-1"),
        make_record(Flag.INTENT_SNAP, VMX, snapshot="HLB-1", disks="["),
        make_record(Flag.INTENT_SNAP, VMX, snapshot="HLB-1", disks="7"),
        make_record(Flag.INTENT_SNAP, VMX, snapshot="HLB-1", disks="[7]"),
        make_record(Flag.INTENT_SNAP, VMX, snapshot="HLB-1", disks='[{"node": "scsi0:0"}]'),
        make_record(Flag.INTENT_SNAP, VMX, snapshot="HLB-1", disks="[" * 100_000),
    ],
)
def test_a_record_that_makes_no_sense_is_an_error(record: Record) -> None:
    with pytest.raises(StateError, match="make no sense together") as caught:
        tell_story(record)
    assert PATH in caught.value.message
    assert caught.value.next_step


@pytest.mark.parametrize(
    ("number", "details"),
    [
        (0, {"run": "r", "job": "j", "host": "h"}),
        (1, {"kind": "process", "pid": "x", "start_ticks": "1", "boot_id": "b", "name": "n"}),
        (1, {"kind": "lease", "until": "tomorrow"}),
        (1, {}),
        (2, {"json": "{"}),
        (2, {"json": "[]"}),
        (2, {"json": json.dumps({"path": "/x", "run": {"language": "de"}})}),
        (2, {}),
    ],
)
def test_a_head_that_makes_no_sense_is_an_error(number: int, details: dict[str, str]) -> None:
    head = make_head()
    head[number] = Record(MOMENT, head[number].flag, None, details)
    with pytest.raises(StateError, match="make no sense together"):
        tell_run(head, PATH)


def test_a_lease_owns_as_well_as_a_process() -> None:
    lease = LeaseOwner(MOMENT, 1234.0, "boot")
    head = make_head()
    head[1] = make_record(Flag.OWNER, **lease.to_details())
    run = tell_run(head, PATH)
    assert run is not None
    assert run.owner == lease


def test_present_vms_keep_the_host_s_order_and_chosen_ones_their_names() -> None:
    run = tell_story(
        make_record(Flag.PRESENT, "/c.vmx"),
        make_record(Flag.PRESENT, "/a.vmx"),
        make_record(Flag.PRESENT, "/b.vmx"),
        make_record(Flag.CHOSEN, "/b.vmx", name="bee"),
        make_record(Flag.CHOSEN, "/c.vmx", name="sea"),
    )
    assert list(run.vms) == ["/c.vmx", "/a.vmx", "/b.vmx"]
    assert [(vm.vmx, vm.name) for vm in run.chosen] == [("/c.vmx", "sea"), ("/b.vmx", "bee")]


def test_ten_thousand_vms_add_up() -> None:
    records = [make_record(Flag.PRESENT, f"/{number}.vmx") for number in range(10_000)]
    records += [make_record(Flag.CHOSEN, f"/{number}.vmx") for number in range(0, 10_000, 2)]
    run = tell_story(*records)
    assert (len(run.vms), len(run.chosen)) == (10_000, 5_000)
