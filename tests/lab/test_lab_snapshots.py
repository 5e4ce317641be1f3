"""The files of a VM before, during and after a snapshot."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lab_kit import find_vm, make_lab

from hlb_hooks.lab.evidence import hash_vm, list_instants, list_lost_disks
from hlb_hooks.lab.host.delta import BLOCK_BYTES, DeltaFile
from hlb_hooks.lab.host.disks import OpenDisk, hash_disk, read_vm_disks, read_vmx
from hlb_hooks.lab.host.guests import Guests
from hlb_hooks.lab.host.merge import merge_in_pieces, merge_rest
from hlb_hooks.lab.host.registry import RegisteredVm
from hlb_hooks.lab.host.removal import remove_snapshots
from hlb_hooks.lab.host.snapshots import HostFault, create_snapshot, read_vmsd
from hlb_hooks.lab.layout import Lab
from hlb_hooks.lab.sample_vms import DiskKind, SampleDisk, SampleVm
from hlb_hooks.vmfiles.chain import read_chain
from hlb_hooks.vmfiles.vmdk import Descriptor

SMALL = SampleDisk(16 * BLOCK_BYTES)
ELSEWHERE = SampleDisk(16 * BLOCK_BYTES, is_elsewhere=True)
INDEPENDENT = SampleDisk(16 * BLOCK_BYTES, kind=DiskKind.INDEPENDENT)
RAW = SampleDisk(16 * BLOCK_BYTES, kind=DiskKind.PHYSICAL_RAW_DEVICE)
TWO_DISKS = SampleVm("vm", disks=(SMALL, SMALL))


def make_vm(folder: Path, sample: SampleVm, dialect: str = "console") -> tuple[Lab, RegisteredVm]:
    lab = make_lab(folder / "lab", [sample], dialect=dialect)
    return lab, find_vm(lab, sample.directory)


def take(lab: Lab, vm: RegisteredVm, name: str = "HLB-a", *, memory: bool = False) -> None:
    create_snapshot(lab, vm, name, "text", quiesce=True, memory=memory)


def write_as_guest(lab: Lab, vm: RegisteredVm, times: int = 40, seed: int = 1) -> None:
    guests = Guests(lab, seed)
    for _ in range(times):
        guests.write_once(vm)


def list_files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def read_disk_names(vm: RegisteredVm) -> dict[str, str]:
    return {disk.node: disk.file_name for disk in read_vmx(vm).disks()}


def test_a_snapshot_adds_three_files_a_disk_and_changes_two(tmp_path: Path) -> None:
    lab, vm = make_vm(tmp_path, TWO_DISKS)
    before = list_files(vm.folder)
    take(lab, vm)
    after = list_files(vm.folder)
    assert set(after) - set(before) == {
        "vm-000001.vmdk",
        "vm-000001-delta.vmdk",
        "vm_1-000001.vmdk",
        "vm_1-000001-delta.vmdk",
        "vm-Snapshot1.vmsn",
    }
    assert {name for name in before if before[name] != after[name]} == {"vm.vmx", "vm.vmsd"}
    assert read_disk_names(vm) == {"scsi0:0": "vm-000001.vmdk", "scsi0:1": "vm_1-000001.vmdk"}


def test_a_delta_names_its_parent_by_cid_and_by_name(tmp_path: Path) -> None:
    lab, vm = make_vm(tmp_path, TWO_DISKS)
    take(lab, vm)
    base, delta = (
        Descriptor.parse((vm.folder / name).read_bytes(), name)
        for name in ("vm.vmdk", "vm-000001.vmdk")
    )
    assert (delta.create_type, delta.parent_file_name_hint) == ("vmfsSparse", "vm.vmdk")
    assert delta.parent_cid == base.cid != delta.cid
    assert delta.capacity_bytes == base.capacity_bytes


def test_the_list_of_snapshots_names_the_disks_below(tmp_path: Path) -> None:
    lab, vm = make_vm(tmp_path, TWO_DISKS)
    take(lab, vm, 'HLB "quoted" | two\nlines żółw')
    (entry,) = read_vmsd(vm).snapshots
    assert entry.display_name == 'HLB "quoted" | two\nlines żółw'
    assert entry.disks == (("scsi0:0", "vm.vmdk"), ("scsi0:1", "vm_1.vmdk"))
    assert (entry.uid, entry.file_name, entry.parent_uid) == (1, "vm-Snapshot1.vmsn", None)


def test_a_second_snapshot_stands_on_the_first(tmp_path: Path) -> None:
    lab, vm = make_vm(tmp_path, TWO_DISKS)
    take(lab, vm, "first")
    take(lab, vm, "second")
    first, second = read_vmsd(vm).snapshots
    assert (second.uid, second.parent_uid) == (2, first.uid)
    assert second.disks[0] == ("scsi0:0", "vm-000001.vmdk")
    chain = read_vm_disks(vm)[0].link_paths
    assert [path.name for path in chain] == ["vm-000002.vmdk", "vm-000001.vmdk", "vm.vmdk"]


def test_removing_leaves_the_files_as_they_were_but_for_cid_and_counter(tmp_path: Path) -> None:
    lab, vm = make_vm(tmp_path, TWO_DISKS)
    before = list_files(vm.folder)
    take(lab, vm)
    remove_snapshots(lab, vm)
    after = list_files(vm.folder)
    assert after["vm.vmsd"] == b'.encoding = "UTF-8"\nsnapshot.lastUID = "1"\n'
    assert {**after, "vm.vmsd": b""} == before


def test_a_base_that_was_merged_into_gets_a_new_cid(tmp_path: Path) -> None:
    lab, vm = make_vm(tmp_path, TWO_DISKS)
    before = list_files(vm.folder)
    take(lab, vm)
    disk = read_vm_disks(vm)[0]
    with OpenDisk(disk) as content:
        content.write_block(3, b"\xaa" * BLOCK_BYTES)
    remove_snapshots(lab, vm)
    after = list_files(vm.folder)
    assert after["vm.vmdk"] != before["vm.vmdk"]
    assert after["vm_1.vmdk"] == before["vm_1.vmdk"]
    assert read_vm_disks(vm)[0].chain.broken_links == ()


def test_a_number_is_not_used_again_while_its_files_lie_there(tmp_path: Path) -> None:
    lab, vm = make_vm(tmp_path, TWO_DISKS)
    (vm.folder / "vm-000001-delta.vmdk").write_bytes(b"forgotten")
    (vm.folder / "vm-000002.vmdk").write_bytes(b"forgotten")
    take(lab, vm)
    assert read_disk_names(vm)["scsi0:0"] == "vm-000003.vmdk"
    remove_snapshots(lab, vm)
    assert (vm.folder / "vm-000001-delta.vmdk").read_bytes() == b"forgotten"


def test_the_counter_goes_on_after_the_last_snapshot_is_gone(tmp_path: Path) -> None:
    lab, vm = make_vm(tmp_path, TWO_DISKS)
    for number in (1, 2, 3):
        take(lab, vm)
        assert read_vmsd(vm).snapshots[0].uid == number
        remove_snapshots(lab, vm)
    assert read_vmsd(vm).last_uid == 3


@pytest.mark.parametrize("disk", [INDEPENDENT, RAW])
def test_a_disk_that_a_snapshot_does_not_cover_stays_as_it_is(
    tmp_path: Path, disk: SampleDisk
) -> None:
    lab, vm = make_vm(tmp_path, SampleVm("vm", disks=(SMALL, disk)))
    take(lab, vm)
    assert read_disk_names(vm) == {"scsi0:0": "vm-000001.vmdk", "scsi0:1": "vm_1.vmdk"}
    assert read_vmsd(vm).snapshots[0].disks == (("scsi0:0", "vm.vmdk"),)
    remove_snapshots(lab, vm)
    assert read_disk_names(vm) == {"scsi0:0": "vm.vmdk", "scsi0:1": "vm_1.vmdk"}


def test_a_console_keeps_a_far_disks_delta_in_the_vms_own_folder(tmp_path: Path) -> None:
    lab, vm = make_vm(tmp_path, SampleVm("vm", disks=(SMALL, ELSEWHERE)))
    far = read_vm_disks(vm)[1].descriptor
    take(lab, vm)
    disk = read_vm_disks(vm)[1]
    assert disk.descriptor == vm.folder / "vm_1-000001.vmdk"
    assert disk.chain.top.descriptor.parent_file_name_hint == str(far)
    write_as_guest(lab, vm)
    remove_snapshots(lab, vm)
    assert read_disk_names(vm)["scsi0:1"] == str(far)
    assert list_lost_disks(lab, vm) == []


def test_by_vcli_a_far_disks_delta_lies_beside_it(tmp_path: Path) -> None:
    lab, vm = make_vm(tmp_path, SampleVm("vm", disks=(SMALL, ELSEWHERE)), "vcli")
    far = read_vm_disks(vm)[1].descriptor
    take(lab, vm)
    disk = read_vm_disks(vm)[1]
    assert disk.descriptor == far.with_name("vm_1-000001.vmdk")
    assert disk.chain.top.descriptor.parent_file_name_hint == far.name
    write_as_guest(lab, vm)
    remove_snapshots(lab, vm)
    assert list_lost_disks(lab, vm) == []


def test_the_state_file_says_the_level_and_holds_the_configuration(tmp_path: Path) -> None:
    lab, vm = make_vm(tmp_path, TWO_DISKS)
    configuration = vm.config.read_bytes()
    take(lab, vm, memory=True)
    state = (vm.folder / "vm-Snapshot1.vmsn").read_bytes()
    assert b"quiesce = 1\nmemory = 1\n" in state
    assert state.endswith(configuration)


@pytest.mark.parametrize("key", ["snapshot.disabled", "scsi0.sharedBus"])
def test_a_vm_that_allows_no_snapshot_is_refused_and_left_alone(tmp_path: Path, key: str) -> None:
    lab, vm = make_vm(tmp_path, TWO_DISKS)
    vm.config.write_bytes(vm.config.read_bytes() + f'{key} = "TRUE"\n'.encode())
    before = list_files(vm.folder)
    with pytest.raises(HostFault):
        take(lab, vm)
    assert list_files(vm.folder) == before


def test_removing_with_no_entry_leaves_deltas_that_nobody_accounts_for(tmp_path: Path) -> None:
    lab, vm = make_vm(tmp_path, TWO_DISKS)
    take(lab, vm)
    (vm.folder / "vm.vmsd").write_bytes(b"")
    before = list_files(vm.folder)
    remove_snapshots(lab, vm)
    assert list_files(vm.folder) == before


def test_the_host_notes_what_each_disk_held_at_the_instant(tmp_path: Path) -> None:
    lab, vm = make_vm(tmp_path, SampleVm("vm", disks=(SMALL, INDEPENDENT, RAW)))
    then = hash_vm(lab, vm)
    take(lab, vm)
    write_as_guest(lab, vm)
    (instant,) = list_instants(lab, vm)
    assert {disk.node: disk.sha256 for disk in instant.disks} == then
    assert [disk.is_covered for disk in instant.disks] == [True, False]
    assert hash_vm(lab, vm) != then
    # The base is still what it was, which is the whole point.
    base = read_chain(lambda path: Path(path).read_bytes(), str(vm.folder / "vm.vmdk"))
    assert base.extent_paths()[0][0] == str(instant.disks[0].data_files[0])
    remove_snapshots(lab, vm)
    assert list_instants(lab, vm) == [instant]


@settings(max_examples=25, deadline=None)
@given(
    steps=st.lists(st.sampled_from(["take", "remove", "write"]), max_size=12), seed=st.integers()
)
def test_a_disk_is_what_its_guest_wrote_whatever_happens_to_its_snapshots(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str], seed: int
) -> None:
    lab, vm = make_vm(tmp_path_factory.mktemp("lab"), TWO_DISKS)
    for number, step in enumerate(steps):
        if step == "take":
            take(lab, vm)
        elif step == "remove":
            remove_snapshots(lab, vm)
        else:
            write_as_guest(lab, vm, 5, seed + number)
        assert list_lost_disks(lab, vm) == []
    remove_snapshots(lab, vm)
    assert list_lost_disks(lab, vm) == []
    assert not list(vm.folder.glob("*delta*"))


def test_a_merge_of_several_deltas_lets_the_newest_win(tmp_path: Path) -> None:
    lab, vm = make_vm(tmp_path, SampleVm("vm", disks=(SMALL,)))
    for value in (1, 2, 3):
        take(lab, vm)
        with OpenDisk(read_vm_disks(vm)[0]) as content:
            for number in range(value, 6):
                content.write_block(number, bytes([value]) * BLOCK_BYTES)
    disk = read_vm_disks(vm)[0]
    expected = hash_disk(disk)
    *deltas, base = disk.data_files
    assert merge_in_pieces(lab, vm, tuple(deltas), base, 0.0)
    assert hash_disk(disk) == expected
    # The guest writes once more after the long part, before the short one.
    with DeltaFile(deltas[0]) as delta:
        delta.write_block(9, b"\x09" * BLOCK_BYTES)
    expected = hash_disk(disk)
    assert merge_rest(tuple(deltas), base)
    remove_snapshots(lab, vm)
    assert hash_vm(lab, vm) == {"scsi0:0": expected}
