"""A VM's disks as they were before a snapshot, for a host that did not see them then."""

from pathlib import Path

import esx
import pytest
from effects_kit import record_disks_of

from hlb_hooks.base.errors import VmFileError
from hlb_hooks.effects.base_disks import find_changed_base, record_disks_below
from hlb_hooks.effects.vm_files import read_vm
from hlb_hooks.vmfiles.sighting import RecordedDisk

DISKS = [b"x" * 1024, b"y" * 512]


@pytest.fixture
def host(tmp_path: Path) -> esx.Host:
    return esx.Host.create(tmp_path / "esx")


def below(vmx: str, snapshots: int) -> tuple[RecordedDisk, ...]:
    return record_disks_below(read_vm(vmx), snapshots)


def make_linked_clone(host: esx.Host) -> str:
    """Make a VM whose disk is a delta on the base of another one."""
    parent, clone = host.add_vm("parent"), host.add_vm("clone")
    folder = Path(clone).parent
    (folder / "clone-flat.vmdk").unlink()
    delta = esx.create_delta(Path(parent).with_suffix(".vmdk"))
    extent = delta.with_name("parent-000001-delta.vmdk")
    text = delta.read_text("utf-8").replace(
        'Hint="parent.vmdk"', f'Hint="{Path(parent).with_suffix(".vmdk")}"'
    )
    (folder / "clone.vmdk").write_text(text.replace(extent.name, "clone-delta.vmdk"), "utf-8")
    extent.rename(folder / "clone-delta.vmdk")
    delta.unlink()
    return clone


@pytest.mark.parametrize("snapshots", [0, 1, 3])
def test_the_disks_below_our_snapshot_are_those_of_before(host: esx.Host, snapshots: int) -> None:
    vmx = host.add_vm("a b", disks=DISKS)
    before = record_disks_of(vmx)
    for number in range(snapshots):
        host.take_admin_snapshot(vmx, f"s{number}")
    assert below(vmx, snapshots) == before
    assert [disk.chain for disk in below(vmx, 0)] == list(read_vm(vmx).chains.values())


def test_a_disk_on_another_datastore_keeps_its_place(host: esx.Host) -> None:
    vmx = host.add_vm("a", disks=DISKS, datastores={1: "store (1)"})
    before = record_disks_of(vmx)
    host.take_admin_snapshot(vmx, "s")
    assert below(vmx, 1) == before


def test_what_the_guest_writes_meanwhile_is_not_in_the_base(host: esx.Host) -> None:
    vmx = host.add_vm("a")
    before = record_disks_of(vmx)
    host.take_admin_snapshot(vmx, "s")
    host.write_guest(vmx, "scsi0:0", 0, b"new")
    assert below(vmx, 1) == before
    assert find_changed_base(below(vmx, 1), read_vm(vmx)) == ""


def test_a_disk_that_no_snapshot_covers_is_not_recorded(host: esx.Host) -> None:
    vmx = host.add_vm("a", disks=DISKS, independent=[1])
    host.take_admin_snapshot(vmx, "s")
    assert [disk.node for disk in below(vmx, 1)] == ["scsi0:0"]


def test_a_linked_clone_goes_back_to_its_own_delta_and_not_to_its_parent(host: esx.Host) -> None:
    clone = make_linked_clone(host)
    before = record_disks_of(clone)
    host.take_admin_snapshot(clone, "s")
    assert below(clone, 1) == before
    assert [Path(path).name for path in before[0].chain] == ["clone.vmdk", "parent.vmdk"]


@pytest.mark.parametrize(("taken", "asked"), [(0, 1), (1, 2), (2, 4)])
def test_too_few_deltas_for_the_snapshots_are_an_error(
    host: esx.Host, taken: int, asked: int
) -> None:
    vmx = host.add_vm("a")
    for number in range(taken):
        host.take_admin_snapshot(vmx, f"s{number}")
    with pytest.raises(VmFileError) as caught:
        below(vmx, asked)
    assert f"disk scsi0:0 has {taken} deltas for {asked} snapshots" in caught.value.message
    assert vmx in caught.value.message
    assert caught.value.next_step


def test_one_disk_with_too_few_deltas_is_enough(host: esx.Host) -> None:
    vmx = host.add_vm("a", disks=DISKS)
    host.take_admin_snapshot(vmx, "s")
    config = esx.Vmx(Path(vmx))
    config.set("scsi0:1.fileName", "a_1.vmdk")
    config.save()
    with pytest.raises(VmFileError, match="scsi0:1 has 0 deltas for 1 snapshots"):
        below(vmx, 1)


def test_a_linked_clone_without_its_snapshot_s_delta_has_too_few(host: esx.Host) -> None:
    clone = make_linked_clone(host)
    with pytest.raises(VmFileError, match="deltas for 1 snapshots"):
        below(clone, 1)


def test_a_base_file_that_is_gone_is_an_error_naming_it(host: esx.Host) -> None:
    vmx = host.add_vm("a")
    host.take_admin_snapshot(vmx, "s")
    lost = Path(vmx).with_name("a-flat.vmdk")
    lost.unlink()
    with pytest.raises(VmFileError) as caught:
        below(vmx, 1)
    assert str(lost) in caught.value.message
