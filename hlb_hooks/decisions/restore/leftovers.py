"""Which of the files that were put back the restored VM does not want."""

import posixpath
from collections.abc import Sequence

from hlb_hooks.base.errors import VmFileError
from hlb_hooks.decisions.restore.disks import DiskChoice
from hlb_hooks.effects.claims import saved_vmx_path
from hlb_hooks.effects.restored_folder import RestoredFolder
from hlb_hooks.vmfiles.chain import resolve
from hlb_hooks.vmfiles.file_names import is_configuration, is_left_by_running, name_disk
from hlb_hooks.vmfiles.vmdk import Descriptor
from hlb_hooks.vmfiles.vmx import Vmx

_AFTER_STEM = (".", "-", "_")


def list_leftovers(
    folder: RestoredFolder, vmx: Vmx, choices: Sequence[DiskChoice]
) -> tuple[str, ...]:
    """Give the files to be put aside: of snapshots, of claims, of a run that was.

    ``vmx`` is the configuration as it shall be. Beside a disk that lies in a folder of its own
    only what is named after that disk is taken. The saved configuration is the first to go: once
    it is gone, nothing is decided by the others any more, whenever the restore is killed.
    """
    needed = _list_needed(folder, vmx, choices)
    stems = {(posixpath.dirname(each.path), _stem(each.path)) for each in choices}
    found = [
        path
        for path in folder.files
        if path not in needed and not folder.is_kept(path) and _is_unwanted(folder, path, stems)
    ]
    saved = saved_vmx_path(folder.config_path)
    return tuple(sorted(found, key=lambda path: (path != saved, path)))


def _list_needed(folder: RestoredFolder, vmx: Vmx, choices: Sequence[DiskChoice]) -> set[str]:
    needed = {folder.config_path}
    for choice in choices:
        needed |= {choice.path, choice.parent}
        descriptor = folder.disks[choice.path]
        if isinstance(descriptor, Descriptor):
            here = posixpath.dirname(choice.path)
            names = [extent.file_name for extent in descriptor.extents]
            needed |= {posixpath.join(here, name) for name in names if name is not None}
    memory = vmx.get("checkpoint.vmState")
    if memory:
        try:
            path = resolve(folder.path, memory)
        except VmFileError:
            return needed
        needed |= {path, posixpath.splitext(path)[0] + ".vmem"}
    return needed


def _is_unwanted(folder: RestoredFolder, path: str, stems: set[tuple[str, str]]) -> bool:
    here, name = posixpath.split(path)
    disk = name_disk(name)
    if here != folder.path:
        return disk is not None and (here, disk) in stems
    if not is_left_by_running(name) and disk is None:
        return False
    return _find_owner(folder, name) == _stem(folder.config_path)


def _find_owner(folder: RestoredFolder, name: str) -> str:
    """Give the stem of the VM that a file is named after, where several VMs share the folder.

    ``web-2.vmsd`` is that of ``web-2`` and not of ``web``; empty for nobody's.
    """
    names = [posixpath.basename(path) for path in folder.files if _lies_in(folder.path, path)]
    own = _stem(folder.config_path)
    stems = {_stem(each) for each in names if is_configuration(each)} | {own}
    if len(stems) == 1:
        return own
    fitting = [stem for stem in stems if name.startswith(tuple(stem + x for x in _AFTER_STEM))]
    return max(fitting, key=len, default="")


def _lies_in(folder: str, path: str) -> bool:
    return posixpath.dirname(path) == folder


def _stem(path: str) -> str:
    return posixpath.splitext(posixpath.basename(path))[0]
