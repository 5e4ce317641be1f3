"""The daemon at work while snapshots come and go beside it."""

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from lab_kit import find_vm, make_lab, run_vmware_cmd, wait_for

from hlb_hooks.base.errors import HostError
from hlb_hooks.lab.client.store import hash_file
from hlb_hooks.lab.evidence import hash_vm, list_instants, list_lost_disks
from hlb_hooks.lab.host.disks import hash_disk, read_vm_disks
from hlb_hooks.lab.host.guests import Guests, are_guests_running, start_guests, stop_guests
from hlb_hooks.lab.host.registry import change_registry, read_registry, set_power
from hlb_hooks.lab.layout import Lab
from hlb_hooks.lab.sample_vms import DiskKind, SampleDisk, SampleVm

SMALL = SampleDisk(65536)
VMS = [
    SampleVm("one", disks=(SMALL, SampleDisk(65536, kind=DiskKind.INDEPENDENT))),
    SampleVm("two", disks=(SMALL, SampleDisk(65536, is_elsewhere=True))),
    SampleVm("raw", disks=(SMALL, SampleDisk(65536, kind=DiskKind.PHYSICAL_RAW_DEVICE))),
    SampleVm("off", disks=(SMALL,), power="off"),
]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    lab = make_lab(tmp_path / "lab", VMS)
    yield lab
    stop_guests(lab)


def has_changed(lab: Lab, name: str, then: dict[str, str]) -> bool:
    return hash_vm(lab, find_vm(lab, name)) != then


def wait_for_write(lab: Lab, name: str, then: dict[str, str]) -> None:
    wait_for(lambda: has_changed(lab, name, then), f"the guest of {name} to write")


def test_guests_of_running_vms_write_and_others_do_not(lab: Lab) -> None:
    then = {vm.folder.name: hash_vm(lab, vm) for vm in read_registry(lab)}
    start_guests(lab)
    for name in ("one", "two", "raw"):
        wait_for_write(lab, name, then[name])
    assert not has_changed(lab, "off", then["off"])


def test_nothing_is_lost_and_what_is_read_is_the_instant_time_and_again(lab: Lab) -> None:
    start_guests(lab)
    vm = find_vm(lab, "two")
    for _ in range(15):
        then = hash_vm(lab, vm)
        wait_for_write(lab, "two", then)
        words = ["createsnapshot", "HLB-a", "text", "1", "0"]
        assert run_vmware_cmd(lab, vm.config, *words).exit_code == 0
        instant = list_instants(lab, vm)[-1]
        then = {disk.node: disk.sha256 for disk in instant.disks}
        wait_for_write(lab, "two", then)
        for disk in instant.disks:
            assert hash_file(disk.data_files[0]) == disk.sha256
        assert run_vmware_cmd(lab, vm.config, "removesnapshots").exit_code == 0
        assert list_lost_disks(lab, vm) == []
    assert are_guests_running(lab)


def test_the_guest_goes_on_writing_while_its_snapshot_is_merged(tmp_path: Path) -> None:
    vms = [SampleVm("vm", disks=(SampleDisk(1 << 20),))]
    lab = make_lab(tmp_path / "lab", vms, merge_pause_seconds=0.05)
    vm = find_vm(lab, "vm")
    run_vmware_cmd(lab, vm.config, "createsnapshot", "a", "b", "0", "0")
    guests = Guests(lab, 1)
    for _ in range(600):
        guests.write_once(vm)
    start_guests(lab)
    try:
        assert run_vmware_cmd(lab, vm.config, "removesnapshots").exit_code == 0
    finally:
        stop_guests(lab)
    assert list_lost_disks(lab, vm) == []
    assert not read_vm_disks(vm)[0].chain.is_delta


def test_a_vm_that_is_started_is_written_to_from_then_on(lab: Lab) -> None:
    start_guests(lab)
    then = hash_vm(lab, find_vm(lab, "off"))
    change_registry(lab, lambda vms: [replace(vm, power="on") for vm in vms])
    wait_for_write(lab, "off", then)


def test_a_guest_that_waits_for_its_turn_does_not_write_to_a_vm_that_is_off_by_then(
    lab: Lab,
) -> None:
    start_guests(lab)
    vm = find_vm(lab, "one")
    wait_for_write(lab, "one", hash_vm(lab, vm))
    with lab.hold_vm(vm.config):
        # Time for the daemon to come to this VM and wait for it.
        time.sleep(0.3)
        set_power(lab, vm.config, "off")
        then = {disk.node: hash_disk(disk) for disk in read_vm_disks(vm)}
    wait_for_write(lab, "two", hash_vm(lab, find_vm(lab, "two")))
    assert hash_vm(lab, vm) == then


def test_a_vm_whose_files_are_gone_does_not_stop_the_others(lab: Lab) -> None:
    start_guests(lab)
    vm = find_vm(lab, "one")
    with lab.hold_vm(vm.config):
        for path in vm.folder.iterdir():
            path.unlink()
    then = hash_vm(lab, find_vm(lab, "two"))
    wait_for_write(lab, "two", then)
    assert are_guests_running(lab)


def test_the_daemon_is_on_its_own_and_gone_after_stop(lab: Lab) -> None:
    assert not are_guests_running(lab)
    start_guests(lab)
    pid = int((lab.hostd / "guests.pid").read_text())
    assert os.getsid(pid) != os.getsid(0)
    assert Path(f"/proc/{pid}/cwd").readlink() == Path("/")
    held = [Path(f"/proc/{pid}/fd/{number}").readlink() for number in (0, 1, 2)]
    assert held == [Path("/dev/null"), lab.hostd / "guests.log", lab.hostd / "guests.log"]
    stop_guests(lab)
    assert not are_guests_running(lab)
    wait_for(lambda: not Path(f"/proc/{pid}/exe").exists(), "the process to be gone")
    assert (lab.hostd / "guests.log").read_text() == ""


def test_a_second_daemon_is_refused_and_the_first_goes_on(lab: Lab) -> None:
    start_guests(lab)
    pid = (lab.hostd / "guests.pid").read_text()
    with pytest.raises(HostError, match="run already"):
        start_guests(lab)
    assert (lab.hostd / "guests.pid").read_text() == pid


def test_stopping_what_does_not_run_is_no_error(lab: Lab) -> None:
    stop_guests(lab)
    start_guests(lab)
    stop_guests(lab)
    stop_guests(lab)


def test_guests_that_were_killed_can_be_started_again(lab: Lab) -> None:
    start_guests(lab)
    os.kill(int((lab.hostd / "guests.pid").read_text()), signal.SIGKILL)
    wait_for(lambda: not are_guests_running(lab), "the lock to be free")
    start_guests(lab)
    assert are_guests_running(lab)
