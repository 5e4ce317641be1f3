"""The loss of a VM, as somebody rehearses it who is going to restore it."""

import shutil
from pathlib import Path

from hlb_hooks.base.errors import UsageError, VmFileError
from hlb_hooks.base.text import escape
from hlb_hooks.lab.host.disks import read_vm_disks
from hlb_hooks.lab.host.neighbours import list_all_vms
from hlb_hooks.lab.host.operate import work_on
from hlb_hooks.lab.host.questions import drop_question
from hlb_hooks.lab.host.refusals import WRONG_STATE
from hlb_hooks.lab.host.registration import forget_vm
from hlb_hooks.lab.host.registry import (
    HostFault,
    RegisteredVm,
    find_registered,
    set_power,
)
from hlb_hooks.lab.host.relocation import delete_files
from hlb_hooks.lab.layout import Lab


def destroy_vm(lab: Lab, config: Path, *, is_forced: bool) -> list[Path]:
    """Let a VM be lost with its folder and all in it, its disks elsewhere, and its registration.

    Give the folders that are gone. What the host noted at its snapshots stays. Raise HostFault for
    one that runs, unless ``is_forced``: then it is switched off first; and UsageError when
    another VM would be lost with it. It can be called again for one that is half lost.
    """
    with work_on(lab, config, may_be_stuck=is_forced, needs_files=False) as vm:
        if vm.keeps_files_locked and not is_forced:
            raise HostFault(WRONG_STATE)
        folders = _list_folders(vm)
        _refuse_shared(lab, vm, folders)
        if vm.keeps_files_locked:
            # What else a host does at the end of a VM it does to files that are about to go.
            set_power(lab, config, "off")
            drop_question(lab, vm)
        delete_files(lab, vm)
        for folder in folders:
            if folder.exists():
                shutil.rmtree(folder)
        forget_vm(lab, find_registered(lab, config))
        return folders


def _list_folders(vm: RegisteredVm) -> list[Path]:
    """Give the VM's own folder, and those of its name in which it has disks on other datastores."""
    try:
        disks = read_vm_disks(vm)
    except (OSError, VmFileError):
        # Half of it is lost already.
        disks = ()
    linked = {path.parent for disk in disks for path in disk.link_paths}
    return [vm.folder, *sorted(each for each in linked if _is_namesake(each, vm.folder))]


def _is_namesake(folder: Path, own: Path) -> bool:
    return folder != own and folder.name == own.name and not any(folder.glob("*.vm[xt]*"))


def _refuse_shared(lab: Lab, vm: RegisteredVm, folders: list[Path]) -> None:
    for other in list_all_vms(lab):
        if other.config == vm.config or not other.config.exists():
            continue
        try:
            files = [path for disk in read_vm_disks(other) for path in disk.link_paths]
        except (OSError, VmFileError):
            files = []
        if any(
            path.is_relative_to(folder) for path in (other.config, *files) for folder in folders
        ):
            raise UsageError(
                f"{escape(str(other.config))} has files in the folder of {escape(str(vm.config))}",
                next_step="destroy that VM first, or move it to a folder of its own",
            )
