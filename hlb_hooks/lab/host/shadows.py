"""The shadow of a disk: the copy to which every write of its guest goes too.

A disk that came from elsewhere, as a restore brings one, has none, or that of the disk whose place
it takes.
"""

from hlb_hooks.lab.files import PRIVATE_MODE, write_file
from hlb_hooks.lab.host.chain_edit import is_of_another_vm
from hlb_hooks.lab.host.disks import OpenDisk, read_vm_disks
from hlb_hooks.lab.host.registry import RegisteredVm
from hlb_hooks.lab.layout import Lab


def add_missing_shadows(lab: Lab, vm: RegisteredVm) -> None:
    """Give each disk that has none a shadow: its content now.

    Raise VmFileError or OSError when the VM's files are not in order.
    """
    _write_shadows(lab, vm, replaces=False)


def renew_shadows(lab: Lab, vm: RegisteredVm) -> None:
    """Let the content of each disk now be what its guest wrote, whatever was there before.

    Raise VmFileError or OSError when the VM's files are not in order.
    """
    _write_shadows(lab, vm, replaces=True)


def _write_shadows(lab: Lab, vm: RegisteredVm, *, replaces: bool) -> None:
    with lab.hold_vm(vm.config):
        for disk in read_vm_disks(vm):
            base = disk.link_paths[-1]
            shadow = lab.shadow_file(base)
            # The base of a linked clone has the shadow of the VM that it belongs to.
            if not disk.has_content or is_of_another_vm(vm, base):
                continue
            if replaces or not shadow.exists():
                with OpenDisk(disk) as opened:
                    write_file(shadow, opened.read_content(), PRIVATE_MODE)
