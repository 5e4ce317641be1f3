"""Several VMs in one folder: what is deleted with one of them is not another's."""

import shutil
from pathlib import Path

import pytest
from lab_kit import find_vm, make_lab, run_vmware_cmd
from power_kit import SMALL, set_keys

from hlb_hooks.lab.evidence import list_lost_disks
from hlb_hooks.lab.host.guests import Guests
from hlb_hooks.lab.host.operate import change_power, delete_vm, take_snapshot
from hlb_hooks.lab.host.registry import RegisteredVm, read_registry
from hlb_hooks.lab.layout import Lab
from hlb_hooks.lab.sample_vms import SampleVm

VMS = [SampleVm(name, disks=(SMALL,), power="off") for name in ("web", "web-2", "other")]


def move_in(lab: Lab, guest: str, host: str) -> RegisteredVm:
    """Put the files of ``guest`` into the folder of ``host``, as some tools restore them."""
    vm, folder = find_vm(lab, guest), find_vm(lab, host).folder
    assert run_vmware_cmd(lab, "-s", "unregister", vm.config).exit_code == 0
    for path in vm.folder.iterdir():
        shutil.copy(path, folder / (path.name if path.name != "vmware.log" else f"{guest}.log"))
    shutil.rmtree(vm.folder)
    config = folder / vm.config.name
    assert run_vmware_cmd(lab, "-s", "register", config).exit_code == 0
    return next(each for each in read_registry(lab) if each.config == config)


@pytest.mark.parametrize("doomed", ["web", "web-2"])
def test_of_two_vms_in_a_folder_the_other_lives_on(tmp_path: Path, doomed: str) -> None:
    lab = make_lab(tmp_path / "lab", VMS)
    move_in(lab, "web-2", "web")
    vms = {vm.config.stem: vm for vm in read_registry(lab)}
    kept = vms["web-2" if doomed == "web" else "web"]
    for vm in (vms["web"], vms["web-2"]):
        take_snapshot(lab, vm.config, "a")
    delete_vm(lab, vms[doomed].config)
    left = {path.name for path in kept.folder.iterdir() if path.name != "vmware.log"}
    assert {f"{kept.config.stem}{end}" for end in (".vmx", ".vmdk", "-flat.vmdk", ".vmsd")} <= left
    assert f"{kept.config.stem}-000001-delta.vmdk" in left
    theirs = (f"{doomed}.vm", f"{doomed}-flat", f"{doomed}-0", f"{doomed}-S")
    assert [name for name in left if name.startswith(theirs)] == []
    change_power(lab, kept.config, "on")
    Guests(lab, 1).write_once(next(vm for vm in read_registry(lab) if vm.config == kept.config))
    assert list_lost_disks(lab, kept) == []


def test_a_disk_that_another_vm_has_taken_over_stays(tmp_path: Path) -> None:
    lab = make_lab(tmp_path / "lab", VMS)
    vm, other = find_vm(lab, "web"), find_vm(lab, "other")
    set_keys(other.config, scsi0_at_0__fileName=str(vm.folder / "web.vmdk"))
    delete_vm(lab, vm.config)
    assert {path.name for path in vm.folder.iterdir()} == {"web.vmdk", "web-flat.vmdk"}
