"""What ``createsnapshot`` and ``removesnapshots`` do to a VM's files.

Creating: a delta on each disk that a snapshot covers, a .vmsn, an entry in the .vmsd, the .vmx
naming the deltas. Removing, in the order seen on real hosts: the entry leaves the .vmsd first,
then the deltas are merged while the guest writes on, then the .vmx names the bases again and the
deltas go. Independent disks and physical raw devices are not covered.
"""

import itertools
import json
import re
from datetime import UTC, datetime
from pathlib import Path

from hlb_hooks.lab.delta import BLOCK_BYTES, create_delta
from hlb_hooks.lab.disks import LabDisk, hash_disk, read_vm_disks, read_vmx
from hlb_hooks.lab.files import PRIVATE_MODE, make_folder, write_file
from hlb_hooks.lab.layout import Lab
from hlb_hooks.lab.locks import mark_merging
from hlb_hooks.lab.merge import merge_in_pieces, merge_rest
from hlb_hooks.lab.registry import RegisteredVm
from hlb_hooks.lab.vm_templates import (
    SECTOR_BYTES,
    make_cid,
    render_delta_descriptor,
    render_vmsd,
)
from hlb_hooks.vmfiles.chain import resolve
from hlb_hooks.vmfiles.vmsd import Snapshot, Vmsd
from hlb_hooks.vmfiles.vmx import Vmx

_DELTA_SUFFIX = re.compile(r"-\d{6}$")
_CID_LINE = re.compile(rb"(?m)^CID=.*$")


class HostFault(Exception):  # noqa: N818  the API's own word for what a host answers
    """The host refuses; the message is what stands in its answer."""


def read_vmsd(vm: RegisteredVm) -> Vmsd:
    """Read the VM's list of snapshots. Raise VmFileError or OSError when that is not possible."""
    path = vm.config.with_suffix(".vmsd")
    return Vmsd.parse(path.read_bytes(), str(path))


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
        state_file = f"{vm.config.stem}-Snapshot{uid}.vmsn"
        covered = [disk for disk in disks if disk.is_covered]
        snapshot = Snapshot(
            uid=uid,
            display_name=name,
            description=description,
            file_name=state_file,
            created=datetime.now(UTC),
            parent_uid=vmsd.snapshots[-1].uid if vmsd.snapshots else None,
            disks=tuple((disk.node, _name_from(vm.folder, disk.descriptor)) for disk in covered),
            type="",
        )
        _record_instant(lab, vm, snapshot, disks)
        for disk in covered:
            vmx.set(f"{disk.node}.fileName", _lay_delta_on(lab, vm, disk))
        # Memory is always part of a suspended VM's snapshot.
        level = f"quiesce = {quiesce:d}\nmemory = {memory or vm.power == 'suspended':d}\n"
        write_file(
            vm.folder / state_file,
            b"snapshot state of the lab\n" + level.encode("ascii") + b"\n" + saved_vmx,
            PRIVATE_MODE,
        )
        _write_vmsd(vm, uid, (*vmsd.snapshots, snapshot))
        write_file(vm.config, vmx.to_bytes())


def remove_snapshots(lab: Lab, vm: RegisteredVm) -> None:
    """Remove *all* snapshots of ``vm``: the command knows no other way.

    With none in the .vmsd there is nothing to do, whatever deltas lie there.
    """
    pause_seconds = lab.read_settings().merge_pause_seconds
    with lab.hold_vm(vm.config):
        vmsd = read_vmsd(vm)
        if not vmsd.snapshots:
            return
        _write_vmsd(vm, vmsd.last_uid or 0, ())
        # The first snapshot that names a disk names what was below all deltas.
        originals: dict[str, str] = {}
        for node, file_name in itertools.chain(*(entry.disks for entry in vmsd.snapshots)):
            originals.setdefault(node, file_name)
        disks = [disk for disk in read_vm_disks(vm) if disk.node in originals]
    with mark_merging(lab, vm):
        has_changed = {
            disk.node: merge_in_pieces(
                lab, vm, *_split_chain(vm, disk, originals[disk.node]), pause_seconds
            )
            for disk in disks
        }
        with lab.hold_vm(vm.config):
            for disk in disks:
                original = originals[disk.node]
                changed_now = merge_rest(*_split_chain(vm, disk, original))
                if changed_now or has_changed[disk.node]:
                    _renew_cid(Path(resolve(str(vm.folder), original)))
            vmx = read_vmx(vm)
            for disk in disks:
                vmx.set(f"{disk.node}.fileName", originals[disk.node])
            write_file(vm.config, vmx.to_bytes())
            for disk in disks:
                _unlink_deltas(vm, disk, originals[disk.node])
            for snapshot in vmsd.snapshots:
                (vm.folder / snapshot.file_name).unlink(missing_ok=True)


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
    write_file(folder / f"{snapshot.uid}.json", json.dumps(record, indent=1).encode("ascii"))


def _lay_delta_on(lab: Lab, vm: RegisteredVm, disk: LabDisk) -> str:
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
        _name_from(folder, disk.descriptor),
    )
    write_file(descriptor, text, PRIVATE_MODE)
    return _name_from(vm.folder, descriptor)


def _split_chain(vm: RegisteredVm, disk: LabDisk, original: str) -> tuple[tuple[Path, ...], Path]:
    """Give the data files of the deltas above ``original``, the top first, and its own."""
    depth = disk.chain.paths.index(resolve(str(vm.folder), original))
    return disk.data_files[:depth], disk.data_files[depth]


def _unlink_deltas(vm: RegisteredVm, disk: LabDisk, original: str) -> None:
    deltas, _ = _split_chain(vm, disk, original)
    for path in (*disk.link_paths[: len(deltas)], *deltas):
        path.unlink()


def _renew_cid(descriptor: Path) -> None:
    """Give a disk that was written to a new content id, as the host does."""
    text = _CID_LINE.sub(b"CID=" + make_cid().encode("ascii"), descriptor.read_bytes(), count=1)
    write_file(descriptor, text, PRIVATE_MODE)


def _write_vmsd(vm: RegisteredVm, last_uid: int, snapshots: tuple[Snapshot, ...]) -> None:
    write_file(vm.config.with_suffix(".vmsd"), render_vmsd(last_uid, snapshots))


def _name_from(folder: Path, path: Path) -> str:
    """Give the name by which a file in ``folder`` speaks of ``path``: absolute from elsewhere."""
    return path.name if path.parent == folder else str(path)
