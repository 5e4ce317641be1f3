"""What the tests of an administrator's work share: VMs to work on, and looks at their disks."""

from pathlib import Path

from hlb_hooks.lab.files import is_locked
from hlb_hooks.lab.host.disks import read_vm_disks
from hlb_hooks.lab.host.guests import Guests
from hlb_hooks.lab.host.registry import RegisteredVm
from hlb_hooks.lab.host.snapshots import read_vmsd
from hlb_hooks.lab.layout import Lab
from hlb_hooks.lab.sample_vms import SampleDisk, SampleVm

SMALL = SampleDisk(65536)
VMS = [
    SampleVm("vm", disks=(SMALL, SMALL)),
    SampleVm("far", disks=(SMALL, SampleDisk(65536, is_elsewhere=True)), power="off"),
    SampleVm("it's (2)", disks=(SMALL,), power="off", datastore=1),
    SampleVm("golden", disks=(SMALL,), power="off", is_template=True),
]


def find_second_datastore(lab: Lab) -> Path:
    return (lab.volumes / "store (2)").resolve()


def write_since(lab: Lab, vm: RegisteredVm, times: int = 30, seed: int = 1) -> None:
    guests = Guests(lab, seed)
    for _ in range(times):
        guests.write_once(vm)


def list_names(vm: RegisteredVm) -> list[str]:
    return [entry.display_name for entry in read_vmsd(vm).snapshots]


def list_chain(vm: RegisteredVm) -> list[str]:
    return [path.name for path in read_vm_disks(vm)[0].link_paths]


def has_task(lab: Lab, vm: RegisteredVm) -> bool:
    return is_locked(find_task_lock(lab, vm))


def find_task_lock(lab: Lab, vm: RegisteredVm) -> Path:
    return lab.hostd / "tasks" / f"{vm.key}.lock"
