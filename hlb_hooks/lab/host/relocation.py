"""Moving a VM's files to another datastore, and deleting them, with what the lab notes of them."""

import json
from dataclasses import replace
from pathlib import Path

from hlb_hooks.base.errors import VmFileError
from hlb_hooks.lab.files import make_folder, write_file
from hlb_hooks.lab.host.chain_edit import is_of_another_vm
from hlb_hooks.lab.host.disks import LabDisk, read_vm_disks, read_vmx
from hlb_hooks.lab.host.identity import make_location
from hlb_hooks.lab.host.registry import RegisteredVm, change_registry
from hlb_hooks.lab.host.shared_folder import list_files_of_others
from hlb_hooks.lab.layout import Lab

# What a host makes in a VM's folder. The rest is not its own, and stays there when a VM is deleted.
_HOST_SUFFIXES = frozenset(
    {
        ".vmx",
        ".vmtx",
        ".vmxf",
        ".vmsd",
        ".vmsn",
        ".vmss",
        ".vmdk",
        ".nvram",
        ".vswp",
        ".log",
        ".lck",
    }
)


def move_files(lab: Lab, vm: RegisteredVm, datastore: Path) -> Path:
    """Move the VM's own folder below ``datastore`` and give its new .vmx.

    Whoever calls is its one task. Paths in its .vmx follow, and so do the registration, the
    shadows and the instants.
    """
    target = _find_free_name(datastore / vm.folder.name)
    moved = replace(vm, config=target / vm.config.name)
    with lab.hold_vm(vm.config), lab.hold_vm(moved.config):
        bases = _list_own_bases(vm, read_vm_disks(vm))
        vm.folder.rename(target)
        _rewrite_configuration(lab, moved, vm.folder)
        for base in bases:
            if base.parent == vm.folder:
                lab.shadow_file(base).rename(lab.shadow_file(target / base.name))
        _move_instants(lab, vm, moved)
        change_registry(
            lab, lambda vms: [moved if each.config == vm.config else each for each in vms]
        )
    return moved.config


def delete_files(lab: Lab, vm: RegisteredVm) -> None:
    """Delete what hosts make of a VM, and its folder when that is empty then.

    What another VM has in the same folder stays, and so do the records of its snapshots: a backup
    of them may be looked at later.
    """
    with lab.hold_vm(vm.config):
        try:
            disks = read_vm_disks(vm)
        except (OSError, VmFileError):
            # Files that somebody took away before: the rest goes all the same.
            disks = ()
        others = list_files_of_others(lab, vm)
        linked = [path for disk in disks for path in (*disk.link_paths, *disk.data_files)]
        far = {path for path in linked if not is_of_another_vm(vm, path)}
        own = {path for path in vm.folder.glob("*") if path.suffix in _HOST_SUFFIXES}
        # The .vmx last: without it nobody could tell what else there is.
        for path in sorted((far | own) - others, key=lambda path: path == vm.config):
            path.unlink(missing_ok=True)
        for base in _list_own_bases(vm, disks):
            if base not in others:
                lab.shadow_file(base).unlink(missing_ok=True)
        for folder in {vm.folder, *(path.parent for path in far)}:
            if folder.exists() and not any(folder.iterdir()):
                folder.rmdir()


def _rewrite_configuration(lab: Lab, vm: RegisteredVm, old_folder: Path) -> None:
    """Let the .vmx of a moved VM name its new folder; other files name their like by name alone."""
    vmx = read_vmx(vm)
    keys = vmx.keys()
    for key in keys:
        value = vmx.get(key) or ""
        if value.startswith(f"{old_folder}/"):
            vmx.set(key, f"{vm.folder}/{value.removeprefix(f'{old_folder}/')}")
    # Who moves it, VirtualCenter, knows that it is the same VM: nobody will be asked.
    vmx.set("uuid.location", make_location(lab.read_settings().host_id, vm.config))
    write_file(vm.config, vmx.to_bytes())


def _find_free_name(folder: Path) -> Path:
    """Give ``folder``, or the same with a number where there is one of that name already."""
    number = 0
    free = folder
    while free.exists():
        number += 1
        free = folder.with_name(f"{folder.name}_{number}")
    return free


def _list_own_bases(vm: RegisteredVm, disks: tuple[LabDisk, ...]) -> list[Path]:
    bases = (disk.link_paths[-1] for disk in disks if disk.has_content)
    return [base for base in bases if not is_of_another_vm(vm, base)]


def _move_instants(lab: Lab, vm: RegisteredVm, moved: RegisteredVm) -> None:
    old_folder, new_folder = (lab.instants_folder(each.config) for each in (vm, moved))
    if not old_folder.exists():
        return
    make_folder(new_folder)
    # A VM that was deleted may have left records under the same name.
    number = sum(1 for _ in new_folder.iterdir())
    for path in sorted(old_folder.iterdir(), key=lambda path: int(path.stem)):
        record = json.loads(path.read_text("ascii"))
        record["config"] = str(moved.config)
        for disk in record["disks"]:
            names = [Path(name) for name in disk["data_files"]]
            disk["data_files"] = [
                str(moved.folder / name.name if name.parent == vm.folder else name)
                for name in names
            ]
        number += 1
        write_file(new_folder / f"{number}.json", json.dumps(record, indent=1).encode("ascii"))
        path.unlink()
    old_folder.rmdir()
