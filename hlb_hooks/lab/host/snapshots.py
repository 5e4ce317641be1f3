"""What ``createsnapshot`` does to a VM's files.

A delta on each disk that a snapshot covers, a .vmsn, an entry in the .vmsd, the .vmx naming the
deltas. Independent disks and physical raw devices are not covered.
"""

import itertools
import json
import re
from datetime import UTC, datetime
from pathlib import Path

from hlb_hooks.lab.files import PRIVATE_MODE, make_folder, write_file
from hlb_hooks.lab.host.delta import BLOCK_BYTES, create_delta
from hlb_hooks.lab.host.disks import LabDisk, hash_disk, read_vm_disks, read_vmx
from hlb_hooks.lab.host.registry import HostFault, RegisteredVm
from hlb_hooks.lab.layout import Lab
from hlb_hooks.lab.vm_templates import (
    SECTOR_BYTES,
    render_delta_descriptor,
    render_vmsd,
)
from hlb_hooks.vmfiles.vmsd import Snapshot, Vmsd
from hlb_hooks.vmfiles.vmx import Vmx

# Who makes snapshots has to expect it.
__all__ = [
    "HostFault",
    "create_snapshot",
    "lay_delta_on",
    "make_entry",
    "name_from",
    "read_vmsd",
    "write_vmsd",
]

_DELTA_SUFFIX = re.compile(r"-\d{6}$")


def read_vmsd(vm: RegisteredVm) -> Vmsd:
    """Read the VM's list of snapshots; without the file there is none.

    Raise VmFileError or OSError when that is not possible.
    """
    path = vm.config.with_suffix(".vmsd")
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        data = b""
    return Vmsd.parse(data, str(path))


def write_vmsd(lab: Lab, vm: RegisteredVm, last_uid: int, snapshots: tuple[Snapshot, ...]) -> None:
    """Write the VM's list of snapshots; how an empty one looks is a setting."""
    path = vm.config.with_suffix(".vmsd")
    after_removal = lab.read_settings().vmsd_after_removal
    if not snapshots and after_removal == "absent":
        path.unlink(missing_ok=True)
        return
    write_file(path, render_vmsd(last_uid, snapshots, after_removal))


def create_snapshot(
    lab: Lab, vm: RegisteredVm, name: str, description: str, *, quiesce: bool, memory: bool
) -> None:
    """Make a snapshot of ``vm`` at one instant, and record what each disk held at that instant.

    Raise HostFault for a VM the host can make none of.
    """
    with lab.hold_vm(vm.config):
        vmx = read_vmx(vm)
        vmsd = read_vmsd(vm)
        disks = read_vm_disks(vm)
        _refuse_impossible(vm, vmx, vmsd, memory=memory)
        saved_vmx = vmx.to_bytes()
        uid = (vmsd.last_uid or 0) + 1
        covered = [disk for disk in disks if disk.is_covered]
        parent_uid = vmsd.snapshots[-1].uid if vmsd.snapshots else None
        snapshot = make_entry(vm, uid, name, description, parent_uid, covered)
        _record_instant(lab, vm, snapshot, disks)
        for disk in covered:
            vmx.set(f"{disk.node}.fileName", lay_delta_on(lab, vm, disk))
        # Memory is always part of a suspended VM's snapshot.
        level = f"quiesce = {quiesce:d}\nmemory = {memory or vm.power == 'suspended':d}\n"
        write_file(
            vm.folder / snapshot.file_name,
            b"snapshot state of the lab\n" + level.encode("ascii") + b"\n" + saved_vmx,
            PRIVATE_MODE,
        )
        write_vmsd(lab, vm, uid, (*vmsd.snapshots, snapshot))
        write_file(vm.config, vmx.to_bytes())


def make_entry(
    vm: RegisteredVm,
    uid: int,
    name: str,
    description: str,
    parent_uid: int | None,
    disks: list[LabDisk],
) -> Snapshot:
    """Give the entry of a snapshot that is made now and puts a delta on each of ``disks``."""
    return Snapshot(
        uid=uid,
        display_name=name,
        description=description,
        file_name=f"{vm.config.stem}-Snapshot{uid}.vmsn",
        created=datetime.now(UTC),
        parent_uid=parent_uid,
        disks=tuple((disk.node, name_from(vm.folder, disk.descriptor)) for disk in disks),
        type="",
    )


def _refuse_impossible(vm: RegisteredVm, vmx: Vmx, vmsd: Vmsd, *, memory: bool) -> None:
    # Two wordings are not known: the API's names of the faults stand in for them.
    if vmx.shared_bus_controllers():
        raise HostFault("vim.fault.SnapshotIncompatibleDeviceInVm")
    if vmx.get_bool("snapshot.disabled"):
        raise HostFault("vim.fault.SnapshotDisabled")
    if memory and vm.power == "on" and any(disk.is_independent for disk in vmx.disks()):
        raise HostFault(
            "Cannot take a memory snapshot, since the virtual machine is configured with "
            "independent disks."
        )
    if vm.power == "suspended" and vmsd.snapshots:
        raise HostFault(
            "Snapshot not taken since the state of the virtual machine has not changed since the "
            "last snapshot operation."
        )


def _record_instant(
    lab: Lab, vm: RegisteredVm, snapshot: Snapshot, disks: tuple[LabDisk, ...]
) -> None:
    folder = lab.instants_folder(vm.config)
    make_folder(folder)
    record = {
        "config": str(vm.config),
        "uid": snapshot.uid,
        "snapshot": snapshot.display_name,
        "disks": [
            {
                "node": disk.node,
                "is_covered": disk.is_covered,
                "data_files": [str(path) for path in disk.data_files],
                "sha256": hash_disk(disk),
            }
            for disk in disks
            if disk.has_content
        ],
    }
    # Not by uid: a host that leaves an empty .vmsd behind begins to count anew.
    number = 1 + sum(1 for _ in folder.iterdir())
    write_file(folder / f"{number}.json", json.dumps(record, indent=1).encode("ascii"))


def lay_delta_on(lab: Lab, vm: RegisteredVm, disk: LabDisk) -> str:
    """Put an empty delta on top of ``disk``; give its name for the .vmx."""
    is_beside = lab.read_settings().puts_deltas_beside_parent
    folder = disk.descriptor.parent if is_beside else vm.folder
    stem = _DELTA_SUFFIX.sub("", disk.descriptor.stem)
    for number in itertools.count(1):
        descriptor = folder / f"{stem}-{number:06}.vmdk"
        data_file = folder / f"{stem}-{number:06}-delta.vmdk"
        if not descriptor.exists() and not data_file.exists():
            break
    create_delta(data_file, disk.capacity_bytes // BLOCK_BYTES, PRIVATE_MODE)
    text = render_delta_descriptor(
        disk.capacity_bytes // SECTOR_BYTES,
        data_file.name,
        disk.chain.top.descriptor.cid,
        name_from(folder, disk.descriptor),
    )
    write_file(descriptor, text, PRIVATE_MODE)
    return name_from(vm.folder, descriptor)


def name_from(folder: Path, path: Path) -> str:
    """Give the name by which a file in ``folder`` speaks of ``path``: absolute from elsewhere."""
    return path.name if path.parent == folder else str(path)
