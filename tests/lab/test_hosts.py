"""Two hosts on one datastore: VMs that move, a host that dies, and what the other one sees."""

import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from administrator_kit import SMALL, find_task_lock, has_task
from lab_kit import find_vm, make_lab, no_hook, run, run_vmware_cmd, wait_for

from hlb_hooks.base.errors import UsageError
from hlb_hooks.lab.evidence import hash_vm, list_lost_disks, list_open_snapshots
from hlb_hooks.lab.files import hold_lock
from hlb_hooks.lab.host.faults import Fault, add_fault
from hlb_hooks.lab.host.guests import start_guests, stop_guests
from hlb_hooks.lab.host.hosts import (
    add_host,
    drop_stale_registrations,
    kill_host,
    move_vm,
    restart_hostd,
)
from hlb_hooks.lab.host.locks import LockTable, list_locked_files
from hlb_hooks.lab.host.neighbours import find_runner, list_hosts
from hlb_hooks.lab.host.operate import (
    HostFault,
    change_power,
    delete_all_snapshots,
    register,
    take_snapshot,
)
from hlb_hooks.lab.host.registry import RegisteredVm, read_registry
from hlb_hooks.lab.layout import Lab
from hlb_hooks.lab.sample_vms import SampleDisk, SampleVm

VMS = [
    SampleVm("vm", disks=(SMALL, SMALL)),
    SampleVm("far", disks=(SMALL, SampleDisk(65536, is_elsewhere=True))),
    SampleVm("off", disks=(SMALL,), power="off"),
    SampleVm("asleep", disks=(SMALL,), power="suspended"),
]
Pair = tuple[Lab, Lab]
MANAGEMENT_DOWN_EXIT_CODE = 14


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Pair]:
    first = make_lab(tmp_path / "lab", VMS)
    second = add_host(first, tmp_path / "lab-2", "esx2", no_hook)
    yield first, second
    for host in (first, second):
        stop_guests(host)
        kill_host(host)
    for vm in read_registry(first) + read_registry(second):
        assert list_lost_disks(first, vm) == []


def list_names(lab: Lab) -> set[str]:
    return {vm.folder.name for vm in read_registry(lab)}


def wait_for_write(lab: Lab, vm: RegisteredVm) -> None:
    then = hash_vm(lab, vm)
    wait_for(lambda: hash_vm(lab, vm) != then, "the guest to write")


def test_a_second_host_sees_the_datastores_under_the_same_paths(hosts: Pair) -> None:
    first, second = hosts
    assert second.volumes == first.volumes
    assert (second.folder / "vmfs/volumes/storage1/vm/vm.vmx").exists()
    assert run_vmware_cmd(second, "-l").stdout == ""
    move_vm(first, second, find_vm(first, "vm").config)
    (line,) = run_vmware_cmd(second, "-l").stdout.splitlines()
    assert line == str(first.volumes / "4a9b8a6e-3eca11a2-6a67-00144f0d8625/vm/vm.vmx")
    assert line not in run_vmware_cmd(first, "-l").stdout


def test_each_host_has_a_client_and_a_name_of_its_own(hosts: Pair) -> None:
    for host, name in zip(hosts, ("esx1", "esx2"), strict=True):
        found = tomllib.loads((host.sysdir / "hlb/hlb.toml").read_text("utf-8"))
        assert found["host"]["name"] == name == host.read_settings().host_name
        assert Path(found["host"]["vmware_cmd"]) == host.programs / "vmware-cmd"
        assert Path(found["paths"]["state_dir"]).is_relative_to(host.folder)
        assert [each.folder for each in list_hosts(host)] == [each.folder for each in hosts]
    assert run(hosts[1].programs / "vmware-cmd", "-l").exit_code == 0


@pytest.mark.parametrize("name", ["esx1", "esx2", "", "a/b", ".."])
def test_a_name_that_cannot_be_is_refused_before_anything_is_made(
    hosts: Pair, tmp_path: Path, name: str
) -> None:
    with pytest.raises(UsageError, match="cannot be called"):
        add_host(hosts[0], tmp_path / "lab-3", name, no_hook)
    assert not (tmp_path / "lab-3").exists()


def test_a_third_host_is_added_from_any_of_them(hosts: Pair, tmp_path: Path) -> None:
    third = add_host(hosts[1], tmp_path / "lab-3", "esx3", no_hook)
    assert len(list_hosts(hosts[0])) == 3
    move_vm(hosts[0], third, find_vm(hosts[0], "vm").config)
    assert list_names(third) == {"vm"}
    kill_host(third)


def test_a_vm_moves_while_its_guest_writes_and_nothing_is_lost(hosts: Pair) -> None:
    first, second = hosts
    vm = find_vm(first, "vm")
    for host in hosts:
        start_guests(host)
    take_snapshot(first, vm.config, "a")
    for source, target in ((first, second), (second, first), (first, second)):
        move_vm(source, target, vm.config)
        assert find_vm(target, "vm").power == "on"
        assert "vm" not in list_names(source)
        wait_for_write(target, vm)
        assert list_lost_disks(target, vm) == []
    delete_all_snapshots(second, vm.config)
    assert list_lost_disks(second, vm) == []


@pytest.mark.parametrize("name", ["off", "asleep"])
def test_a_vm_that_does_not_run_moves_as_it_is(hosts: Pair, name: str) -> None:
    power = find_vm(hosts[0], name).power
    move_vm(*hosts, find_vm(hosts[0], name).config)
    assert find_vm(hosts[1], name).power == power


def test_a_vm_does_not_move_during_a_task_or_to_a_host_that_is_down(hosts: Pair) -> None:
    first, second = hosts
    vm = find_vm(first, "vm")
    with hold_lock(find_task_lock(first, vm)), pytest.raises(HostFault, match="another task"):
        move_vm(first, second, vm.config)
    kill_host(second)
    with pytest.raises(HostFault, match="not responding"):
        move_vm(first, second, vm.config)
    assert find_vm(first, "vm").power == "on"


def test_hosts_of_two_datastores_have_nothing_to_do_with_each_other(
    hosts: Pair, tmp_path: Path
) -> None:
    stranger = make_lab(tmp_path / "other", 0)
    for target in (stranger, hosts[0]):
        with pytest.raises(UsageError, match="not two hosts on one datastore"):
            move_vm(hosts[0], target, find_vm(hosts[0], "vm").config)


def test_each_host_sees_what_the_other_one_locks(hosts: Pair) -> None:
    first, second = hosts
    vm = find_vm(first, "vm")
    base = vm.folder / "vm-flat.vmdk"
    table = LockTable(second)
    assert table.is_locked(base)
    take_snapshot(first, vm.config, "a")
    assert not table.is_locked(base)
    assert table.is_locked(vm.folder / "vm-000001-delta.vmdk")
    register(second, vm.config)
    assert list_locked_files(second, find_vm(second, "vm"))
    kill_host(first)
    assert not LockTable(second).is_locked(vm.folder / "vm-000001-delta.vmdk")


def test_one_task_at_a_time_whichever_host_it_is_asked_of(hosts: Pair) -> None:
    first, second = hosts
    vm = find_vm(first, "off")
    register(second, vm.config)
    add_fault(first, Fault("timeout", seconds=0.5))
    assert run_vmware_cmd(first, vm.config, "createsnapshot", "a", "b", "0", "0").exit_code == 7
    assert "another task" in run_vmware_cmd(second, vm.config, "removesnapshots").stderr
    wait_for(lambda: not has_task(first, vm), "the task to end")
    assert run_vmware_cmd(second, vm.config, "removesnapshots").exit_code == 0
    assert list_open_snapshots(first) == {}


def test_only_what_runs_elsewhere_is_dropped_from_a_list(hosts: Pair) -> None:
    first, second = hosts
    register(second, find_vm(first, "vm").config)
    assert drop_stale_registrations(first, [second]) == []
    assert [config.parent.name for config in drop_stale_registrations(second, [first])] == ["vm"]
    assert read_registry(second) == []


def test_a_vm_runs_on_one_host_at_most(hosts: Pair) -> None:
    first, second = hosts
    vm = find_vm(first, "vm")
    register(second, vm.config)
    assert run_vmware_cmd(second, vm.config, "getstate").stdout == "getstate() = off\n"
    for words in (("createsnapshot", "a", "b", "0", "0"), ("removesnapshots",)):
        assert "since it is locked" in run_vmware_cmd(second, vm.config, *words).stderr
    with pytest.raises(HostFault, match="since it is locked"):
        change_power(second, vm.config, "on")
    change_power(first, vm.config, "off")
    change_power(second, vm.config, "on")
    runner = find_runner(first, vm.config)
    assert runner is not None
    assert runner.folder == second.folder


def test_while_the_daemon_restarts_no_client_reaches_it(hosts: Pair) -> None:
    first, second = hosts
    vm = find_vm(first, "vm")
    restart_hostd(first, 60)
    for words in (("-l",), (vm.config, "getstate"), (vm.config, "removesnapshots")):
        assert run_vmware_cmd(first, *words).exit_code == MANAGEMENT_DOWN_EXIT_CODE
    assert run_vmware_cmd(second, "-l").exit_code == 0
    restart_hostd(first, 0)
    assert run_vmware_cmd(first, "-l").exit_code == 0


@pytest.mark.parametrize("kills_tasks", [False, True])
def test_a_client_that_waits_loses_the_daemon_and_the_task_goes_on_or_not(
    tmp_path: Path, *, kills_tasks: bool
) -> None:
    lab = make_lab(tmp_path / "lab", VMS[:1])
    if kills_tasks:
        from dataclasses import replace

        lab.write_settings(replace(lab.read_settings(), hostd_restart_kills_tasks=True))
    vm = find_vm(lab, "vm")
    add_fault(lab, Fault("slow_task", seconds=1.5))
    client = subprocess.Popen(
        [lab.programs / "vmware-cmd", vm.config, "createsnapshot", "a", "b", "0", "0"],
        stderr=subprocess.PIPE,
    )
    wait_for(lambda: has_task(lab, vm), "the task to begin")
    restart_hostd(lab, 60)
    _, said = client.communicate()
    if not kills_tasks:
        assert client.returncode == MANAGEMENT_DOWN_EXIT_CODE
        assert b"Could not connect to vmware-authd" in said
    assert has_task(lab, vm) != kills_tasks
    wait_for(lambda: not has_task(lab, vm), "the task to end")
    assert bool(list_open_snapshots(lab)) != kills_tasks
