"""One VM of the lab: its files, made of a seeded content, and the shadow of each disk."""

import random
from pathlib import Path

from hlb_hooks.lab.files import FILE_MODE, PRIVATE_MODE, make_folder, write_file
from hlb_hooks.lab.host.disks import OpenDisk, read_vm_disks
from hlb_hooks.lab.host.identity import format_uuid, make_location
from hlb_hooks.lab.host.registry import RegisteredVm
from hlb_hooks.lab.host.shadows import add_missing_shadows
from hlb_hooks.lab.host.snapshots import create_snapshot
from hlb_hooks.lab.layout import Lab
from hlb_hooks.lab.sample_vms import KIB, DiskKind, SampleDisk, SampleVm
from hlb_hooks.lab.vm_templates import SECTOR_BYTES, render_base_descriptor, render_dictionary

_SWAP_BYTES = 64 * KIB
_NVRAM_BYTES = 8684
_CHUNK_BYTES = 64 * KIB


def create_vm(
    lab: Lab, sample: SampleVm, datastores: tuple[Path, Path], source: random.Random
) -> RegisteredVm:
    """Make the files of ``sample`` and give the VM as the host is to know it."""
    folder = datastores[sample.datastore] / sample.directory
    make_folder(folder)
    config = folder / f"{sample.directory}{'.vmtx' if sample.is_template else '.vmx'}"
    vm = RegisteredVm(config=config, power=sample.power, is_template=sample.is_template)
    entries = _list_settings(sample, vm, source, lab.read_settings().host_id)
    for unit, disk in enumerate(sample.disks):
        disk_folder = folder
        if disk.is_elsewhere:
            disk_folder = datastores[1 - sample.datastore] / sample.directory
            make_folder(disk_folder)
        stem = f"{sample.directory}_{unit}" if unit else sample.directory
        descriptor = _create_disk(disk_folder, stem, disk, source)
        entries |= _list_disk_entries(unit, disk, descriptor, folder)
    write_file(config, render_dictionary(entries, "#!/usr/bin/vmware"))
    _create_small_files(lab, vm, entries, source)
    add_missing_shadows(lab, vm)
    if sample.admin_snapshot:
        create_snapshot(
            lab, vm, sample.admin_snapshot, "made by the administrator", quiesce=False, memory=False
        )
        _write_since(lab, vm, source)
    return vm


def _list_settings(
    sample: SampleVm, vm: RegisteredVm, source: random.Random, host_id: str
) -> dict[str, str]:
    stem = sample.directory
    swap = vm.folder / f"{stem}-{source.randbytes(4).hex()}.vswp"
    entries = {
        ".encoding": "UTF-8",
        "config.version": "8",
        "virtualHW.version": "4",
        "nvram": f"{stem}.nvram",
        "displayName": sample.name,
        "extendedConfigFile": f"{stem}.vmxf",
        "guestOS": "winnetstandard",
        "memsize": "512",
        "uuid.bios": format_uuid(source.randbytes(16)),
        "uuid.location": make_location(host_id, vm.config),
        "sched.swap.derivedName": str(swap),
        "ethernet0.present": "TRUE",
        "ethernet0.networkName": "VM Network",
        "ethernet0.addressType": "vpx",
        "ethernet0.generatedAddress": f"00:50:56:{source.randbytes(3).hex(':')}",
        "ide0:0.present": "TRUE",
        "ide0:0.deviceType": "cdrom-image",
        "ide0:0.fileName": "/vmimages/tools-isoimages/windows.iso",
        "scsi0.present": "TRUE",
        "scsi0.virtualDev": "lsilogic",
        "checkpoint.vmState": f"{stem}.vmss" if sample.power == "suspended" else "",
    }
    if sample.has_shared_bus:
        entries["scsi0.sharedBus"] = "physical"
    return entries


def _list_disk_entries(
    unit: int, disk: SampleDisk, descriptor: Path, folder: Path
) -> dict[str, str]:
    node = f"scsi0:{unit}"
    file_name = descriptor.name if descriptor.parent == folder else str(descriptor)
    entries = {
        f"{node}.present": "TRUE",
        f"{node}.deviceType": "scsi-hardDisk",
        f"{node}.fileName": file_name,
        f"{node}.redo": "",
    }
    if disk.kind is DiskKind.INDEPENDENT:
        entries[f"{node}.mode"] = "independent-persistent"
    return entries


def _create_disk(folder: Path, stem: str, disk: SampleDisk, source: random.Random) -> Path:
    descriptor = folder / f"{stem}.vmdk"
    sectors = disk.size_bytes // SECTOR_BYTES
    if disk.kind is DiskKind.PHYSICAL_RAW_DEVICE:
        pointer = folder / f"{stem}-rdmp.vmdk"
        # As `ls` shows it on a host: the LUN's size, and nothing behind it.
        write_file(pointer, b"", PRIVATE_MODE)
        with pointer.open("r+b") as file:
            file.truncate(disk.size_bytes)
        text = render_base_descriptor(
            sectors, pointer.name, "vmfsPassthroughRawDeviceMap", "VMFSRDM"
        )
    else:
        data_file = folder / f"{stem}-flat.vmdk"
        write_file(data_file, _make_content(disk.size_bytes, source), PRIVATE_MODE)
        text = render_base_descriptor(sectors, data_file.name)
    write_file(descriptor, text, PRIVATE_MODE)
    return descriptor


def _make_content(size_bytes: int, source: random.Random) -> bytes:
    """Give random content in which every fourth chunk is zeros, as disks have them."""
    content = bytearray(source.randbytes(size_bytes))
    for offset in range(_CHUNK_BYTES, size_bytes, 4 * _CHUNK_BYTES):
        length = min(_CHUNK_BYTES, size_bytes - offset)
        content[offset : offset + length] = bytes(length)
    return bytes(content)


def _create_small_files(
    lab: Lab, vm: RegisteredVm, entries: dict[str, str], source: random.Random
) -> None:
    stem = vm.config.stem
    files = {
        # A VM that never had a snapshot has an empty one.
        f"{stem}.vmsd": b"",
        f"{stem}.nvram": source.randbytes(_NVRAM_BYTES),
        f"{stem}.vmxf": b'<?xml version="1.0"?>\n<Foundry>\n</Foundry>\n',
        "vmware.log": f"vmx| Log for the lab: {vm.power}\n".encode(),
    }
    if vm.keeps_files_locked:
        files[Path(entries["sched.swap.derivedName"]).name] = bytes(_SWAP_BYTES)
        # Seen on ESXi; the console of the 2009 talk shows none.
        if lab.read_settings().dialect == "vcli":
            files[f"{vm.config.name}.lck"] = b""
    if vm.power == "suspended":
        files[f"{stem}.vmss"] = source.randbytes(_SWAP_BYTES)
    for name, content in files.items():
        write_file(vm.folder / name, content, FILE_MODE)


def _write_since(lab: Lab, vm: RegisteredVm, source: random.Random) -> None:
    """Let the guest have written something since the snapshot: its delta is not empty."""
    for disk in read_vm_disks(vm):
        data = source.randbytes(4 * KIB)
        with OpenDisk(disk) as content:
            content.write_block(1, data)
        with lab.shadow_file(disk.link_paths[-1]).open("r+b") as shadow:
            shadow.seek(4 * KIB)
            shadow.write(data)
