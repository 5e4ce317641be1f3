"""Deleting one snapshot of several, all of them, and the helper that a host may use for it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from administrator_kit import VMS, list_chain, list_names, write_since
from lab_kit import find_vm, make_lab, run_vmware_cmd

from hlb_hooks.lab.evidence import hash_vm, list_instants, list_lost_disks, list_open_snapshots
from hlb_hooks.lab.host.disks import read_vm_disks
from hlb_hooks.lab.host.operate import (
    HostFault,
    change_power,
    delete_all_snapshots,
    delete_snapshot,
    delete_vm,
    take_snapshot,
)
from hlb_hooks.lab.host.registry import RegisteredVm, read_registry
from hlb_hooks.lab.host.removal import Manner, remove_snapshots
from hlb_hooks.lab.host.snapshots import read_vmsd
from hlb_hooks.lab.layout import Lab


@pytest.fixture(params=["console", "vcli"])
def lab(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lab]:
    lab = make_lab(tmp_path / "lab", VMS, dialect=request.param)
    yield lab
    for vm in read_registry(lab):
        assert list_lost_disks(lab, vm) == []


@pytest.fixture
def vm(lab: Lab) -> RegisteredVm:
    return find_vm(lab, "vm")


def take_three(lab: Lab, vm: RegisteredVm) -> None:
    for name in ("a", "b", "c"):
        take_snapshot(lab, vm.config, name)
        write_since(lab, vm, seed=ord(name))


@pytest.mark.parametrize(
    ("name", "left", "chain"),
    [
        ("a", ["b", "c"], ["vm-000003.vmdk", "vm-000002.vmdk", "vm.vmdk"]),
        ("b", ["a", "c"], ["vm-000003.vmdk", "vm-000001.vmdk", "vm.vmdk"]),
        ("c", ["a", "b"], ["vm-000002.vmdk", "vm-000001.vmdk", "vm.vmdk"]),
    ],
)
def test_one_of_several_snapshots_is_deleted_and_no_other(
    lab: Lab, vm: RegisteredVm, name: str, left: list[str], chain: list[str]
) -> None:
    take_three(lab, vm)
    then = hash_vm(lab, vm)
    delete_snapshot(lab, vm.config, name)
    assert list_names(vm) == left
    assert list_chain(vm) == chain
    assert hash_vm(lab, vm) == then
    assert all(disk.chain.broken_links == () for disk in read_vm_disks(vm))
    first, second = read_vmsd(vm).snapshots
    assert (first.parent_uid, second.parent_uid) == (None, first.uid)
    # Each names what is below it, so that the next removal finds the way.
    assert [entry.disks[0][1] for entry in (first, second)] == [chain[2], chain[1]]
    for each in left:
        write_since(lab, vm, seed=9)
        delete_snapshot(lab, vm.config, each)
        assert list_lost_disks(lab, vm) == []
    assert list_open_snapshots(lab) == {}
    assert not list(vm.folder.glob("*-0*")) + list(vm.folder.glob("*.vmsn"))


def test_a_snapshots_disks_stay_what_they_were_when_another_goes(
    lab: Lab, vm: RegisteredVm
) -> None:
    take_three(lab, vm)
    delete_snapshot(lab, vm.config, "a")
    instant = list_instants(lab, vm)[1]
    assert instant.snapshot == "b"
    delete_snapshot(lab, vm.config, "c")
    # What "b" froze is the base by now, and the only delta is above it.
    base = read_vm_disks(vm)[0].chain.base
    hashes = {disk.node: disk.sha256 for disk in instant.disks}
    import hashlib

    data = Path(base.extent_paths[0]).read_bytes()
    assert hashlib.sha256(data).hexdigest() == hashes["scsi0:0"]


def test_deleting_a_snapshot_that_there_is_not_is_refused(lab: Lab, vm: RegisteredVm) -> None:
    take_snapshot(lab, vm.config, "a")
    with pytest.raises(HostFault, match="could not be found"):
        delete_snapshot(lab, vm.config, "A")
    assert list_names(vm) == ["a"]


def test_delete_all_takes_deltas_along_that_no_entry_accounts_for(
    lab: Lab, vm: RegisteredVm
) -> None:
    take_three(lab, vm)
    vm.config.with_suffix(".vmsd").write_bytes(b"")
    delete_all_snapshots(lab, vm.config)
    assert len(list_chain(vm)) == 4
    take_snapshot(lab, vm.config, "rescue")
    delete_all_snapshots(lab, vm.config)
    assert list_chain(vm) == ["vm.vmdk"]


def test_a_merge_stops_at_the_disk_of_another_vm(lab: Lab, vm: RegisteredVm) -> None:
    take_snapshot(lab, vm.config, "made into a clone's parent")
    vm.config.with_suffix(".vmsd").write_bytes(b"")
    (first, second) = read_vm_disks(vm)
    other = find_vm(lab, "golden").folder
    for disk in (first, second):
        for path in (disk.link_paths[-1], disk.data_files[-1]):
            path.rename(other / path.name)
            shadow = lab.shadow_file(path)
            if shadow.exists():
                shadow.rename(lab.shadow_file(other / path.name))
        text = disk.descriptor.read_bytes()
        name = disk.link_paths[-1].name.encode()
        hint = b'parentFileNameHint="%b"'
        moved = hint % bytes(other / name.decode())
        disk.descriptor.write_bytes(text.replace(hint % name, moved))
    write_since(lab, vm)
    take_snapshot(lab, vm.config, "a")
    write_since(lab, vm, seed=2)
    delete_all_snapshots(lab, vm.config)
    assert list_chain(vm) == ["vm-000001.vmdk", "vm.vmdk"]
    change_power(lab, vm.config, "off")
    delete_vm(lab, vm.config)
    assert (other / "vm-flat.vmdk").exists()


@pytest.mark.parametrize("helper", ["merged", "left", "hidden"])
def test_a_helper_takes_the_writes_of_a_running_vm_meanwhile(
    lab: Lab, vm: RegisteredVm, helper: str
) -> None:
    take_snapshot(lab, vm.config, "a")
    write_since(lab, vm)
    seen = []

    def look() -> None:
        seen.extend([list_names(vm), list_chain(vm)])
        write_since(lab, vm, seed=5)

    remove_snapshots(lab, vm, Manner(helper=helper, entry_gone=look))
    assert seen == [["Consolidate Helper"], ["vm-000002.vmdk", "vm-000001.vmdk", "vm.vmdk"]]
    is_merged = helper == "merged"
    assert list_chain(vm) == (["vm.vmdk"] if is_merged else ["vm-000002.vmdk", "vm.vmdk"])
    assert list_names(vm) == (["Consolidate Helper"] if helper == "left" else [])
    assert not read_vm_disks(vm)[0].chain.broken_links
    assert len(list_instants(lab, vm)) == 1, "the helper is no snapshot that anybody asked for"


def test_a_host_may_show_its_helper_as_a_habit(lab: Lab, vm: RegisteredVm) -> None:
    lab.write_settings(replace(lab.read_settings(), shows_helper=True))
    for remove in (
        lambda: run_vmware_cmd(lab, vm.config, "removesnapshots"),
        lambda: delete_all_snapshots(lab, vm.config),
        lambda: delete_snapshot(lab, vm.config, "a"),
    ):
        take_snapshot(lab, vm.config, "a")
        write_since(lab, vm)
        uid = read_vmsd(vm).last_uid
        remove()
        assert read_vmsd(vm).last_uid == (uid or 0) + 1, "the helper had a number of its own"
        assert (list_names(vm), list_chain(vm)) == ([], ["vm.vmdk"])


@pytest.mark.parametrize(
    ("after_removal", "expected"),
    [
        ("counter", b'.encoding = "UTF-8"\nsnapshot.lastUID = "1"\n'),
        (
            "zero",
            b'.encoding = "UTF-8"\nsnapshot.lastUID = "1"\nsnapshot.numSnapshots = "0"\n',
        ),
        ("empty", b""),
        ("absent", None),
    ],
)
def test_the_last_removal_leaves_what_the_settings_say(
    lab: Lab, vm: RegisteredVm, after_removal: str, expected: bytes | None
) -> None:
    lab.write_settings(replace(lab.read_settings(), vmsd_after_removal=after_removal))
    vmsd = vm.config.with_suffix(".vmsd")
    for number in (1, 2):
        take_snapshot(lab, vm.config, "a")
        assert len(list_instants(lab, vm)) == number
        delete_all_snapshots(lab, vm.config)
        if number == 1:
            assert (vmsd.read_bytes() if vmsd.exists() else None) == expected
        none = "" if lab.read_settings().dialect == "console" else "0"
        said = run_vmware_cmd(lab, vm.config, "hassnapshot").stdout
        assert said == f"hassnapshot() = {none}\n"
