from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from lab_kit import find_vm, make_lab

from hlb_hooks.lab.host.locks import LockTable, list_locked_files, mark_merging
from hlb_hooks.lab.host.registry import change_registry
from hlb_hooks.lab.host.removal import remove_snapshots
from hlb_hooks.lab.host.snapshots import create_snapshot
from hlb_hooks.lab.layout import Lab
from hlb_hooks.lab.sample_vms import DiskKind, SampleDisk, SampleVm

SMALL = SampleDisk(65536)
VMS = [
    SampleVm("on", disks=(SMALL, SampleDisk(65536, kind=DiskKind.INDEPENDENT))),
    SampleVm("off", disks=(SMALL,), power="off"),
    SampleVm("asleep", disks=(SMALL,), power="suspended"),
    SampleVm("far", disks=(SampleDisk(65536, is_elsewhere=True),)),
]


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return make_lab(tmp_path / "lab", VMS)


@pytest.fixture
def snapshot(lab: Lab) -> Iterator[None]:
    vm = find_vm(lab, "on")
    create_snapshot(lab, vm, "HLB-a", "", quiesce=False, memory=False)
    yield
    remove_snapshots(lab, vm)


def list_locked(lab: Lab, name: str) -> list[str]:
    locked = sorted(path.name for path in list_locked_files(lab, find_vm(lab, name)))
    return ["swap" if name.endswith(".vswp") else name for name in locked]


def test_a_running_vm_keeps_disks_and_swap_locked(lab: Lab) -> None:
    assert list_locked(lab, "on") == ["swap", "on-flat.vmdk", "on.vmx.lck", "on_1-flat.vmdk"]


@pytest.mark.usefixtures("snapshot")
def test_a_snapshot_frees_the_bases_it_covers(lab: Lab) -> None:
    assert list_locked(lab, "on") == [
        "on-000001-delta.vmdk",
        "swap",
        "on.vmx.lck",
        "on_1-flat.vmdk",
    ]


@pytest.mark.parametrize("name", ["off", "asleep"])
def test_a_vm_that_does_not_run_locks_nothing(lab: Lab, name: str) -> None:
    assert list_locked(lab, name) == []


def test_a_vm_that_waits_for_an_answer_has_its_files_open(lab: Lab) -> None:
    change_registry(lab, lambda vms: [replace(vm, power="stuck") for vm in vms])
    assert "off-flat.vmdk" in list_locked(lab, "off")


def test_a_merge_locks_the_whole_chain_even_of_a_vm_that_is_off(lab: Lab) -> None:
    vm = find_vm(lab, "off")
    create_snapshot(lab, vm, "HLB-a", "", quiesce=False, memory=False)
    assert list_locked(lab, "off") == []
    with mark_merging(lab, vm):
        assert list_locked(lab, "off") == ["off-000001-delta.vmdk", "off-flat.vmdk"]
    assert list_locked(lab, "off") == []


def test_the_mark_of_a_merge_that_was_killed_locks_nothing(lab: Lab) -> None:
    vm = find_vm(lab, "off")
    no_process = 2**22 + 1
    (lab.hostd / "tasks" / f"{vm.key}.merging").write_text(str(no_process))
    assert list_locked(lab, "off") == []


def test_the_table_answers_for_files_anywhere(lab: Lab) -> None:
    table = LockTable(lab)
    (far_disk,) = (
        list_locked_files(lab, find_vm(lab, "far"))
        - set(find_vm(lab, "far").folder.glob("*"))
        - {find_vm(lab, "far").config.with_name("far.vmx.lck")}
    )
    assert far_disk.parent.parent != find_vm(lab, "far").folder.parent
    assert table.is_locked(far_disk)
    assert not table.is_locked(far_disk.with_name("far.vmdk"))
    assert not table.is_locked(lab.folder / "lab.json")


def test_the_table_sees_through_a_datastores_label(lab: Lab) -> None:
    assert LockTable(lab).is_locked(lab.volumes / "storage1/on/on-flat.vmdk")


def test_the_table_follows_the_host(lab: Lab) -> None:
    table = LockTable(lab)
    vm = find_vm(lab, "on")
    base = vm.folder / "on-flat.vmdk"
    assert table.is_locked(base)
    create_snapshot(lab, vm, "HLB-a", "", quiesce=False, memory=False)
    assert not table.is_locked(base)
    remove_snapshots(lab, vm)
    assert table.is_locked(base)
    change_registry(lab, lambda vms: [replace(each, power="off") for each in vms])
    assert not table.is_locked(base)


def test_files_that_somebody_took_away_are_locked_by_nobody(lab: Lab) -> None:
    table = LockTable(lab)
    vm = find_vm(lab, "on")
    vm.config.unlink()
    assert not table.is_locked(vm.folder / "on-flat.vmdk")
    assert not LockTable(lab).is_locked(vm.folder / "on-flat.vmdk")
