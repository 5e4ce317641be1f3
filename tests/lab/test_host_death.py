"""A host that dies at any time: what goes with it, what is left, and who takes over."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from administrator_kit import SMALL, has_task
from lab_kit import find_vm, make_lab, no_hook, run_vmware_cmd, wait_for

from hlb_hooks.base.errors import HostError, UsageError
from hlb_hooks.lab.evidence import hash_vm, list_lost_disks, list_open_snapshots
from hlb_hooks.lab.host.disks import read_vm_disks
from hlb_hooks.lab.host.faults import Fault, add_fault
from hlb_hooks.lab.host.guests import are_guests_running, start_guests, stop_guests
from hlb_hooks.lab.host.hosts import (
    add_host,
    boot_host,
    drop_stale_registrations,
    fail_over,
    kill_host,
)
from hlb_hooks.lab.host.neighbours import find_runner, is_host_down
from hlb_hooks.lab.host.operate import (
    HostFault,
    change_power,
    delete_all_snapshots,
    take_snapshot,
)
from hlb_hooks.lab.host.processes import find_host_processes
from hlb_hooks.lab.host.registry import RegisteredVm, read_registry, set_power
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


def test_a_dead_host_does_nothing_and_locks_nothing(hosts: Pair) -> None:
    first, second = hosts
    vm = find_vm(first, "vm")
    start_guests(first)
    kill_host(first)
    assert not are_guests_running(first)
    assert find_host_processes(first) == []
    assert run_vmware_cmd(first, "-l").exit_code == MANAGEMENT_DOWN_EXIT_CODE
    assert find_runner(second, vm.config) is None
    with pytest.raises(HostError, match="is down"):
        start_guests(first)
    with pytest.raises(HostFault, match="not responding"):
        take_snapshot(first, vm.config, "a")


def test_guests_that_die_with_their_host_leave_no_half_write(hosts: Pair) -> None:
    first, _ = hosts
    for _ in range(10):
        start_guests(first)
        vm = find_vm(first, "vm")
        wait_for_write(first, vm)
        kill_host(first)
        for vm in read_registry(first):
            assert list_lost_disks(first, vm) == []
        boot_host(first)
        for name in ("vm", "far"):
            change_power(first, find_vm(first, name).config, "on")


def test_guests_are_killed_between_two_writes(hosts: Pair) -> None:
    first, _ = hosts
    start_guests(first)
    with first.hold_vm(find_vm(first, "vm").config):
        death = threading.Thread(target=kill_host, args=(first,))
        death.start()
        wait_for(lambda: is_host_down(first), "the death to begin")
        death.join(0.3)
        assert are_guests_running(first), "it cannot be known whether one was writing"
    death.join()
    assert not are_guests_running(first)


def test_the_other_host_starts_what_ran_and_the_list_of_the_dead_one_stays(hosts: Pair) -> None:
    first, second = hosts
    with pytest.raises(UsageError, match="is down"):
        fail_over(first, second)
    kill_host(first)
    taken = fail_over(first, second)
    assert {config.parent.name for config in taken} == {"vm", "far"} == list_names(second)
    assert all(vm.power == "on" for vm in read_registry(second))
    assert list_names(first) == {"vm", "far", "off", "asleep"}
    assert fail_over(first, second) == []


def test_a_host_boots_with_a_stale_list_until_it_is_dropped(hosts: Pair) -> None:
    first, second = hosts
    vm = find_vm(first, "vm")
    kill_host(first)
    fail_over(first, second)
    boot_host(first)
    powers = {vm.folder.name: vm.power for vm in read_registry(first)}
    assert powers == {"vm": "off", "far": "off", "off": "off", "asleep": "suspended"}
    assert run_vmware_cmd(first, vm.config, "getstate").stdout == "getstate() = off\n"
    assert "locked" in run_vmware_cmd(first, vm.config, "removesnapshots").stderr
    dropped = drop_stale_registrations(first, [second])
    assert {config.parent.name for config in dropped} == {"vm", "far"}
    assert list_names(first) == {"off", "asleep"}
    assert run_vmware_cmd(first, vm.config, "getstate").exit_code == 11


def test_what_was_not_taken_over_can_be_started_after_the_boot(hosts: Pair) -> None:
    first, _ = hosts
    kill_host(first)
    boot_host(first)
    start_guests(first)
    change_power(first, find_vm(first, "vm").config, "on")
    wait_for_write(first, find_vm(first, "vm"))


def test_a_merge_that_dies_leaves_deltas_and_no_entry_and_the_disks_are_right(
    hosts: Pair,
) -> None:
    first, second = hosts
    vm = find_vm(first, "vm")
    start_guests(first)
    take_snapshot(first, vm.config, "a")
    wait_for_write(first, vm)
    add_fault(first, Fault("timeout", seconds=30))
    assert run_vmware_cmd(first, vm.config, "removesnapshots").exit_code == 7
    # The client may be gone before the task has touched anything.
    wait_for(lambda: list_open_snapshots(first)[vm.config] == ("?",), "the entry to go")
    kill_host(first)
    assert list_open_snapshots(first)[vm.config] == ("?",)
    assert not has_task(first, vm)
    assert list_lost_disks(second, vm) == []
    start_guests(second)
    fail_over(first, second)
    wait_for_write(second, vm)
    assert list_lost_disks(second, vm) == []
    take_snapshot(second, vm.config, "rescue")
    delete_all_snapshots(second, vm.config)
    assert not any(disk.chain.is_delta for disk in read_vm_disks(vm))


@pytest.mark.parametrize("delay_seconds", [0.0, 0.02, 0.05, 0.1, 0.15])
def test_a_host_that_dies_at_any_time_loses_no_write(hosts: Pair, delay_seconds: float) -> None:
    first, _ = hosts
    vm = find_vm(first, "vm")
    start_guests(first)
    program = first.programs / "vmware-cmd"
    client = subprocess.Popen(
        [
            "sh",
            "-c",
            f"while '{program}' '{vm.config}' createsnapshot a b 0 0 && "
            f"'{program}' '{vm.config}' removesnapshots; do :; done",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(0.3 + delay_seconds)
    kill_host(first)
    client.wait()
    assert list_lost_disks(first, vm) == []
    boot_host(first)
    change_power(first, vm.config, "on")
    start_guests(first)
    wait_for_write(first, vm)
    take_snapshot(first, vm.config, "rescue")
    delete_all_snapshots(first, vm.config)
    assert list_lost_disks(first, vm) == []
    assert list_open_snapshots(first) == {}


def start(words: list[str | Path], **options: str | Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        words,
        stdout=subprocess.DEVNULL,
        cwd=options.get("cwd"),
        env={**os.environ, "HLB_CONFIG": str(options.get("config", ""))},
    )


def test_a_host_takes_its_own_processes_along_and_nobody_elses(hosts: Pair, tmp_path: Path) -> None:
    first, second = hosts
    vm = find_vm(first, "vm")
    for host in hosts:
        add_fault(host, Fault("hang"))
    wait = "import time; time.sleep(60)"
    writer = f"log = open({str(first.vardir / 'own.log')!r}, 'w'); {wait}"
    (first.vardir / "own.log").touch()
    reader = f"log = open({str(first.vardir / 'own.log')!r}); {wait}"
    locker = f"log = open({str(second.hostd / 'locks/any')!r}, 'w'); {wait}"
    on_shared = f"log = open({str(vm.folder / 'vmware.log')!r}, 'a'); {wait}"
    hook = first.sysdir / "scripts/initial_backup"
    hook.write_text("#!/bin/sh\nsleep 60\n")
    tool = tmp_path / "hlb"
    tool.write_text(f"#!{sys.executable}\n{wait}\n")
    tool.chmod(0o755)
    state = first.vardir / "hlb/run.state"
    guard = ["-c", wait, "-m", "hlb_hooks.entry.guard", "--state"]
    own = [
        start([first.programs / "vmware-cmd", vm.config, "getstate"]),
        start(["bin/vmware-cmd", vm.config, "getstate"], cwd=first.folder),
        start([hook]),
        start([sys.executable, "-c", writer]),
        start([tool, "reap", f"--config={first.sysdir}/hlb/hlb.toml"]),
        start([tool, "reap"], config=first.sysdir / "hlb/hlb.toml"),
        start([sys.executable, *guard, state]),
    ]
    others = [
        start([second.programs / "vmware-cmd", vm.config, "getstate"]),
        start([sys.executable, "-c", reader]),
        start([sys.executable, "-c", locker]),
        start([sys.executable, "-c", on_shared]),
        start([tool, "reap"], config=second.sysdir / "hlb/hlb.toml"),
        start([tool, "lab", "mount", first.folder]),
        start([sys.executable, *guard, second.vardir / "hlb/run.state"]),
        start([sys.executable, "-c", wait, state]),
    ]
    try:
        expected = {process.pid for process in own}
        wait_for(lambda: expected <= set(find_host_processes(first)), "all of them to be at work")
        (child,) = set(find_host_processes(first)) - expected
        assert Path(f"/proc/{child}/cmdline").read_bytes() == b"sleep\x0060\x00"
        assert set(kill_host(first)) == {*expected, child}
        for process in own:
            assert process.wait() == -signal.SIGKILL
        assert [process.poll() for process in others] == [None] * len(others)
    finally:
        for process in own + others:
            process.kill()
            process.wait()


def test_a_vm_that_waits_for_an_answer_dies_with_its_host_and_is_started_elsewhere(
    hosts: Pair,
) -> None:
    first, second = hosts
    vm = find_vm(first, "vm")
    set_power(first, vm.config, "stuck")
    kill_host(first)
    assert vm.config in fail_over(first, second)
    assert find_vm(second, "vm").power == "on"
