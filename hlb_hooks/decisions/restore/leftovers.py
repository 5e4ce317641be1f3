"""Which of the files that were put back the restored VM does not want."""

import posixpath
from collections.abc import Sequence

from hlb_hooks.base.errors import VmFileError
from hlb_hooks.decisions.restore.disks import DiskChoice
from hlb_hooks.effects.restored_folder import RestoredFolder
from hlb_hooks.vmfiles.chain import resolve
from hlb_hooks.vmfiles.file_names import is_configuration, is_left_by_running, name_disk
from hlb_hooks.vmfiles.vmdk import Descriptor
from hlb_hooks.vmfiles.vmx import Vmx


def list_leftovers(
    folder: RestoredFolder, vmx: Vmx, choices: Sequence[DiskChoice]
) -> tuple[str, ...]:
    """Give the files to be put aside: of snapshots, of claims, of a run that was.

    ``vmx`` is the configuration as it shall be. Beside a disk that lies in a folder of its own
    only what is named after that disk is taken.
    """
    needed = _list_needed(folder, vmx, choices)
    stems = {(posixpath.dirname(each.path), _stem(each.path)) for each in choices}
    found = [
        path
        for path in folder.files
        if path not in needed and not folder.is_kept(path) and _is_unwanted(folder, path, stems)
    ]
    return tuple(sorted(found))


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
    return _is_alone(folder) or name.startswith(_stem(folder.config_path))


def _is_alone(folder: RestoredFolder) -> bool:
    """Tell whether the folder is one VM's alone."""
    configs = [path for path in folder.files if posixpath.dirname(path) == folder.path]
    return sum(is_configuration(posixpath.basename(path)) for path in configs) <= 1


def _stem(path: str) -> str:
    return posixpath.splitext(posixpath.basename(path))[0]
