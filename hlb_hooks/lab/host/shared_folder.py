"""What belongs to other VMs in a folder that several VMs share."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from hlb_hooks.base.errors import VmFileError
from hlb_hooks.lab.host.disks import read_vm_disks
from hlb_hooks.lab.host.neighbours import list_all_vms
from hlb_hooks.lab.host.registry import RegisteredVm
from hlb_hooks.lab.layout import Lab

_CONFIG_SUFFIXES = frozenset({".vmx", ".vmtx"})


def list_files_of_others(lab: Lab, vm: RegisteredVm) -> set[Path]:
    """Give the files in the folder of ``vm`` that are another VM's, registered or not.

    Those that its configuration leads to, and those that are called like it: of two names that
    fit, ``web`` and ``web-2`` for ``web-2.nvram``, the longer one counts. Logs are called like no
    VM, so they stay where there is another.
    """
    beside = [
        path
        for path in vm.folder.glob("*")
        if path.suffix in _CONFIG_SUFFIXES and path != vm.config
    ]
    known = [other.config for other in list_all_vms(lab) if other.config != vm.config]
    needed = {
        path
        for config in {*beside, *known}
        for path in _list_disk_files(replace(vm, config=config))
        if path.parent == vm.folder
    }
    if not beside:
        return needed
    own, others = vm.config.stem, [config.stem for config in beside]
    named = {
        path
        for path in vm.folder.glob("*")
        if path != vm.config and not _is_called_like(path, own, others)
    }
    return needed | named


def _list_disk_files(vm: RegisteredVm) -> Iterable[Path]:
    try:
        disks = read_vm_disks(vm)
    except (OSError, VmFileError):
        # Half of it is lost already: what is called like it is still its own.
        return ()
    return [path for disk in disks for path in (*disk.link_paths, *disk.data_files)]


def _is_called_like(path: Path, own: str, others: Iterable[str]) -> bool:
    fitting = [
        stem
        for stem in (own, *others)
        if path.name.startswith(stem) and path.name[len(stem) : len(stem) + 1] in {".", "-", "_"}
    ]
    # A template and a VM of one name: it is both's, and so it stays.
    return bool(fitting) and max(fitting, key=len) == own and own not in others
