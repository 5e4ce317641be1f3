"""Which chosen VM gets a snapshot, can be read as it is, or is left alone: on real files."""

from pathlib import Path
from typing import Any

import esx
import pytest

from hlb_hooks.base.catalogue import TEXTS
from hlb_hooks.decisions.admission import (
    Admission,
    Verdict,
    admit_by_files,
    refuse_by_power_state,
)
from hlb_hooks.effects.vm_files import read_vm
from hlb_hooks.effects.vmware_answers import PowerState

OURS = "HLB-gold-20261122T010000Z-0123abcd"
DISK, SECOND = b"x" * 512, b"y" * 512


@pytest.fixture
def host(tmp_path: Path) -> esx.Host:
    return esx.Host.create(tmp_path / "esx")


def admit(vmx: str, *, allow_linked_clones: bool = False) -> Admission:
    return admit_by_files(read_vm(vmx), allow_linked_clones=allow_linked_clones)


def edit(vmx: str, **values: str) -> None:
    config = esx.Vmx(Path(vmx))
    for key, value in values.items():
        config.set(key, value)
    config.save()


def reason_of(admission: Admission) -> str:
    assert admission.reason is not None
    return admission.reason.key


@pytest.mark.parametrize("power", ["on", "off", "suspended"])
def test_a_plain_vm_gets_a_snapshot_whatever_its_power_state(host: esx.Host, power: Any) -> None:
    assert admit(host.add_vm("a", power=power)) == Admission(Verdict.SNAPSHOT)


@pytest.mark.parametrize(
    ("names", "reason", "next_step"),
    [
        (["before upgrade"], "has_foreign_snapshot", "let_owner_remove"),
        (["before upgrade", "second"], "has_foreign_snapshot", "let_owner_remove"),
        ([OURS], "has_leftover", "settle_leftover"),
        ([OURS, "before upgrade"], "has_leftover", "settle_leftover"),
        (["Consolidate Helper"], "has_foreign_snapshot", "let_owner_remove"),
    ],
)
def test_a_vm_with_any_snapshot_is_left_alone(
    host: esx.Host, names: list[str], reason: str, next_step: str
) -> None:
    vmx = host.add_vm("a")
    for name in names:
        host.take_admin_snapshot(vmx, name)
    admission = admit(vmx)
    assert admission.verdict is Verdict.LEFT_OUT
    assert reason_of(admission) == reason
    assert admission.reason is not None
    assert admission.reason.words["names"] == ", ".join(names)
    assert admission.next_step is not None
    assert admission.next_step.key == next_step


def test_a_template_with_a_snapshot_is_left_alone_too(host: esx.Host) -> None:
    vmx = host.add_vm("t", template=True)
    host.take_admin_snapshot(vmx, "x")
    assert reason_of(admit(vmx)) == "has_foreign_snapshot"


def leave_delta_behind(host: esx.Host, vmx: str) -> None:
    host.take_admin_snapshot(vmx, "x")
    Path(vmx).with_suffix(".vmsd").write_bytes(b"")


@pytest.mark.parametrize("allow_linked_clones", [False, True])
def test_a_delta_that_nobody_accounts_for_is_left_alone(
    host: esx.Host, *, allow_linked_clones: bool
) -> None:
    vmx = host.add_vm("a")
    leave_delta_behind(host, vmx)
    admission = admit(vmx, allow_linked_clones=allow_linked_clones)
    assert admission.verdict is Verdict.LEFT_OUT
    assert reason_of(admission) == "has_unknown_delta"
    assert admission.reason is not None
    assert str(admission.reason.words["path"]).endswith("/a-000001.vmdk")


def make_linked_clone(host: esx.Host, **parent_options: Any) -> str:
    parent = host.add_vm("parent", **parent_options)
    clone = host.add_vm("clone")
    folder = Path(clone).parent
    for name in ("clone.vmdk", "clone-flat.vmdk"):
        (folder / name).unlink()
    delta = esx.create_delta(Path(parent).with_suffix(".vmdk"))
    extent = delta.with_name("parent-000001-delta.vmdk")
    text = delta.read_text("utf-8").replace(
        'parentFileNameHint="parent.vmdk"',
        f'parentFileNameHint="{Path(parent).parent}/parent.vmdk"',
    )
    (folder / "clone.vmdk").write_text(text.replace(extent.name, "clone-delta.vmdk"), "utf-8")
    extent.rename(folder / "clone-delta.vmdk")
    delta.unlink()
    return clone


@pytest.mark.parametrize("parent_options", [{}, {"template": True}, {"datastore": "store (1)"}])
def test_a_linked_clone_is_left_out_unless_allowed(
    host: esx.Host, parent_options: dict[str, Any]
) -> None:
    clone = make_linked_clone(host, **parent_options)
    refused = admit(clone)
    assert refused.verdict is Verdict.LEFT_OUT
    assert reason_of(refused) == "is_linked_clone"
    assert refused.reason is not None
    assert str(refused.reason.words["path"]).endswith("/parent/parent.vmdk")
    assert admit(clone, allow_linked_clones=True).verdict is Verdict.SNAPSHOT


def test_a_linked_clone_with_a_delta_of_its_own_is_left_alone(host: esx.Host) -> None:
    clone = make_linked_clone(host)
    leave_delta_behind(host, clone)
    assert reason_of(admit(clone, allow_linked_clones=True)) == "has_unknown_delta"


@pytest.mark.parametrize("allow_linked_clones", [False, True])
def test_a_delta_beside_the_vmx_of_a_base_on_another_datastore_was_left_behind(
    host: esx.Host, *, allow_linked_clones: bool
) -> None:
    """ESX may put a delta beside the .vmx: where its base lies does not make it a clone."""
    vmx = host.add_vm("a", datastores={0: "store (1)"})
    base = host.disk_chain(vmx)[0]
    delta = Path(vmx).with_name("a-000001.vmdk")
    text = esx.create_delta(base).read_text("utf-8")
    delta.write_text(
        text.replace('parentFileNameHint="a.vmdk"', f'parentFileNameHint="{base}"'), "utf-8"
    )
    base.with_name("a-000001-delta.vmdk").rename(delta.with_name("a-000001-delta.vmdk"))
    edit(vmx, **{"scsi0:0.fileName": delta.name})
    admission = admit(vmx, allow_linked_clones=allow_linked_clones)
    assert (admission.verdict, reason_of(admission)) == (Verdict.LEFT_OUT, "has_unknown_delta")
    assert admission.reason is not None
    assert admission.reason.words["path"] == str(delta)
    assert admission.next_step is not None
    assert admission.next_step.key == "consolidate"


@pytest.mark.parametrize("word", ["virtual", "physical", "PHYSICAL", "whatever"])
def test_a_shared_bus_takes_no_snapshot(host: esx.Host, word: str) -> None:
    vmx = host.add_vm("a", extra_lines=[f'scsi0.sharedBus = "{word}"'])
    admission = admit(vmx)
    assert admission.verdict is Verdict.LEFT_OUT
    assert reason_of(admission) == "shares_bus"
    assert admission.reason is not None
    assert admission.reason.words["controllers"] == "scsi0"


def test_a_bus_that_is_not_shared_is_no_matter(host: esx.Host) -> None:
    vmx = host.add_vm("a", extra_lines=['scsi0.sharedBus = "none"'])
    assert admit(vmx).verdict is Verdict.SNAPSHOT


@pytest.mark.parametrize("word", ["TRUE", "true", "1", "yes"])
def test_snapshots_that_are_switched_off_are_not_made(host: esx.Host, word: str) -> None:
    vmx = host.add_vm("a", extra_lines=[f'snapshot.disabled = "{word}"'])
    assert reason_of(admit(vmx)) == "snapshots_disabled"


@pytest.mark.parametrize("create_type", ["fullDevice", "partitionedDevice", "vmfsRaw"])
def test_a_raw_disk_takes_no_snapshot(host: esx.Host, create_type: str) -> None:
    vmx = host.add_vm("a", disks=[DISK, SECOND])
    path = Path(vmx).with_name("a_1.vmdk")
    path.write_text(path.read_text("utf-8").replace('"vmfs"', f'"{create_type}"'), "utf-8")
    admission = admit(vmx)
    assert reason_of(admission) == "has_raw_disk"
    assert admission.reason is not None
    assert admission.reason.words["node"] == "scsi0:1"


def test_a_vm_none_of_whose_disks_is_covered_is_left_out(host: esx.Host) -> None:
    vmx = host.add_vm("a", disks=[DISK, SECOND], independent=[0], raw_devices={1: "physical"})
    admission = admit(vmx)
    assert admission.verdict is Verdict.LEFT_OUT
    assert reason_of(admission) == "nothing_covered"
    assert [note.key for note in admission.notes] == ["independent_disk", "physical_rdm"]


@pytest.mark.parametrize(
    ("options", "notes"),
    [
        ({}, []),
        ({"independent": [1]}, [("independent_disk", "scsi0:1")]),
        ({"raw_devices": {1: "physical"}}, [("physical_rdm", "scsi0:1")]),
        ({"raw_devices": {1: "virtual"}}, []),
        ({"datastores": {1: "store (1)"}}, [("disk_elsewhere", "scsi0:1")]),
        (
            {"datastores": {1: "store (1)"}, "independent": [1]},
            [("independent_disk", "scsi0:1"), ("disk_elsewhere", "scsi0:1")],
        ),
    ],
)
def test_what_a_backup_may_miss_is_said_and_stops_nothing(
    host: esx.Host, options: dict[str, Any], notes: list[tuple[str, str]]
) -> None:
    admission = admit(host.add_vm("a", disks=[DISK, SECOND], **options))
    assert admission.verdict is Verdict.SNAPSHOT
    assert [(note.key, note.words["node"]) for note in admission.notes] == notes


def test_a_template_is_readable_without_a_snapshot(host: esx.Host) -> None:
    admission = admit(host.add_vm("t", template=True))
    assert (admission.verdict, reason_of(admission)) == (Verdict.READABLE, "is_template")


@pytest.mark.parametrize(
    "options",
    [
        {"extra_lines": ['scsi0.sharedBus = "virtual"']},
        {"extra_lines": ['snapshot.disabled = "TRUE"']},
        {"raw_devices": {0: "physical"}},
        {"independent": [0]},
    ],
)
def test_what_stands_in_the_way_of_a_snapshot_is_no_matter_for_a_template(
    host: esx.Host, options: dict[str, Any]
) -> None:
    assert admit(host.add_vm("a", **options)).verdict is Verdict.LEFT_OUT
    template = admit(host.add_vm("t", template=True, **options))
    assert (template.verdict, reason_of(template)) == (Verdict.READABLE, "is_template")


def test_a_template_on_a_delta_that_nobody_accounts_for_is_left_alone(host: esx.Host) -> None:
    vmx = host.add_vm("t", template=True)
    leave_delta_behind(host, vmx)
    assert reason_of(admit(vmx, allow_linked_clones=True)) == "has_unknown_delta"


def test_a_vm_without_any_disk_is_left_out_and_its_file_to_be_looked_at(host: esx.Host) -> None:
    admission = admit(host.add_vm("a", disks=[]))
    assert (admission.verdict, reason_of(admission)) == (Verdict.LEFT_OUT, "has_no_disk")
    assert admission.next_step is not None
    assert admission.next_step.key == "look_at_vmx"


def test_a_vmx_that_was_cut_short_is_not_taken_for_a_vm_that_can_be_read(host: esx.Host) -> None:
    vmx = Path(host.add_vm("a"))
    data = vmx.read_bytes()
    vmx.write_bytes(data[: data.index(b"scsi0:0.present")])
    assert reason_of(admit(str(vmx))) == "has_no_disk"


def test_a_disk_that_is_not_present_does_not_count(host: esx.Host) -> None:
    vmx = host.add_vm("a", disks=[DISK, SECOND], independent=[1])
    edit(vmx, **{"scsi0:1.present": "FALSE"})
    assert admit(vmx) == Admission(Verdict.SNAPSHOT)


@pytest.mark.parametrize("state", list(PowerState))
def test_only_a_vm_that_waits_for_an_answer_is_refused_by_its_state(state: PowerState) -> None:
    refused = refuse_by_power_state(state)
    assert (refused is not None) is (state is PowerState.STUCK)
    assert refused is None or [phrase.key for phrase in refused] == ["is_stuck", "answer_it"]


def test_every_reason_can_be_spoken(host: esx.Host) -> None:
    shared = host.add_vm("a", extra_lines=['scsi0.sharedBus = "virtual"'])
    admission = admit(shared)
    for phrase in (admission.reason, admission.next_step, *admission.notes):
        assert phrase is not None
        for text in TEXTS[phrase.key]:
            assert text.format(**phrase.words)
