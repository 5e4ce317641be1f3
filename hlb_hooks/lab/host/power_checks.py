"""What a host looks at before it starts a VM: its configuration, its disks, and who has them open.

Words of VMware's disk library, from vmware.log and dialogs that were published (VMware KB 1002511
and 1007849, forum threads on VMware Server 1.x): the sentence on the disk, and a reason. How
``vmware-cmd`` of ESX 3.5 passes them on is not known; the generic shape of a fault stands in.
"""

import os
from pathlib import Path

from hlb_hooks.base.errors import VmFileError
from hlb_hooks.lab.host.delta import DeltaFile
from hlb_hooks.lab.host.disks import LabDisk, read_disk, read_vmx
from hlb_hooks.lab.host.locks import list_locked_files, list_opened_files
from hlb_hooks.lab.host.neighbours import list_all_vms
from hlb_hooks.lab.host.registry import HostFault, RegisteredVm
from hlb_hooks.lab.layout import Lab
from hlb_hooks.vmfiles.chain import Link
from hlb_hooks.vmfiles.vmx import Vmx, VmxDisk

FILE_MISSING = "The system cannot find the file specified"
PARENT_CHANGED = "The parent virtual disk has been modified since the child was created"
LOCKED = "Failed to lock the file"
# For a file that is there and wrong, the library's words are not known for each case.
NO_DISK = "The file specified is not a virtual disk"
_FULL_SIZE_KINDS = frozenset({"VMFS", "VMFSRDM"})


def check_startable(lab: Lab, vm: RegisteredVm) -> None:
    """Raise HostFault for a VM that a host could not start from its files as they are now.

    Nobody may hold the VM, nor start another one meanwhile. A missing .nvram or .vmsd is no reason.
    """
    vmx = read_configuration(vm)
    disks = [_check_disk(vm, disk) for disk in vmx.disks()]
    state_file = vmx.get("checkpoint.vmState")
    if state_file and not (vm.folder / state_file).is_file():
        # The wording is not known.
        raise HostFault(f"Unable to access file {vm.folder / state_file}")
    _check_locks(lab, vm, disks)


def read_configuration(vm: RegisteredVm) -> Vmx:
    """Read a VM's .vmx as a host does to start it or to register it. Raise HostFault."""
    try:
        vmx = read_vmx(vm)
    except OSError as error:
        raise HostFault(f"Unable to access file {vm.config}") from error
    except VmFileError as error:
        raise _refuse_configuration(vm, error.message) from error
    if vmx.duplicates():
        raise _refuse_configuration(vm, f"{vmx.duplicates()[0]} is there twice")
    if vmx.garbled_lines():
        raise _refuse_configuration(vm, f"syntax error in line {vmx.garbled_lines()[0]}")
    return vmx


def _refuse_configuration(vm: RegisteredVm, reason: str) -> HostFault:
    # That VMware refuses such a file is known, and not in which words.
    return HostFault(f"Cannot open the configuration file {vm.config}: {reason}.")


def _refuse_disk(path: str | Path, reason: str) -> HostFault:
    return HostFault(
        f"Cannot open the disk '{path}' or one of the snapshot disks it depends on.\n"
        f"Reason: {reason}."
    )


def _check_disk(vm: RegisteredVm, vmx_disk: VmxDisk) -> LabDisk:
    try:
        disk = read_disk(vm, vmx_disk)
    except VmFileError as error:
        reason = _name_reason(error.__cause__) if isinstance(error.__cause__, OSError) else NO_DISK
        raise _refuse_disk(vm.folder / vmx_disk.file_name, reason) from error
    if disk.chain.broken_links:
        raise _refuse_disk(disk.chain.broken_links[0], PARENT_CHANGED)
    for link in disk.chain.links:
        _check_extents(link)
    return disk


def _check_extents(link: Link) -> None:
    files = [extent for extent in link.descriptor.extents if extent.file_name is not None]
    for extent, name in zip(files, link.extent_paths, strict=True):
        path = Path(name)
        try:
            if extent.kind == "VMFSSPARSE":
                DeltaFile(path).close()
                continue
            size_bytes = path.stat().st_size
        except OSError as error:
            raise _refuse_disk(link.path, _name_reason(error)) from error
        except VmFileError as error:
            raise _refuse_disk(link.path, NO_DISK) from error
        if extent.kind in _FULL_SIZE_KINDS and size_bytes != extent.size_bytes:
            raise _refuse_disk(link.path, NO_DISK)


def _name_reason(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return FILE_MISSING
    return os.strerror(error.errno or 0)


def _check_locks(lab: Lab, vm: RegisteredVm, disks: list[LabDisk]) -> None:
    """Raise HostFault when another VM, of any host, has open what this one needs for itself."""
    written = {disk.data_files[0] for disk in disks}
    read = {path for disk in disks for path in disk.data_files[1:]}
    for other in list_all_vms(lab):
        if other.config == vm.config:
            continue
        in_the_way = (written | read) & list_locked_files(lab, other)
        in_the_way |= written & list_opened_files(lab, other)
        for disk in disks:
            if in_the_way.intersection(disk.data_files):
                raise _refuse_disk(disk.descriptor, LOCKED)
