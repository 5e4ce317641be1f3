"""Which files the host keeps locked at the moment: whoever opens one gets EBUSY.

From the 2009 talk and VMware's listings: of a running VM the data file on top of each disk's
chain, the swap file, and ``.vmx.lck``. While a snapshot is being removed the host writes to every
data file of the chain, whether the VM runs or not.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from hlb_hooks.base.errors import VmFileError
from hlb_hooks.lab.files import hold_lock, is_locked
from hlb_hooks.lab.host.disks import LabDisk, read_vm_disks
from hlb_hooks.lab.host.neighbours import find_runner, list_all_vms
from hlb_hooks.lab.host.registry import RegisteredVm
from hlb_hooks.lab.layout import Lab


class LockTable:
    """Answers for one path after the other, in a lab whose host is at work meanwhile."""

    def __init__(self, lab: Lab) -> None:
        """Note in which folders the registered VMs have files."""
        self._lab = lab
        self._vms_by_folder: dict[Path, set[Path]] = {}
        for vm in list_all_vms(lab):
            with lab.hold_vm(vm.config):
                files = [file for disk in _read_openable_disks(vm) for file in disk.data_files]
            for folder in {vm.folder, *(file.parent for file in files)}:
                self._vms_by_folder.setdefault(folder, set()).add(vm.config)

    def is_locked(self, path: Path) -> bool:
        """Tell whether the host keeps the file at ``path`` locked now."""
        real_path = path.resolve()
        owners = self._vms_by_folder.get(real_path.parent)
        if owners is None:
            return False
        return any(
            real_path in list_locked_files(self._lab, vm)
            for vm in list_all_vms(self._lab)
            if vm.config in owners
        )


def list_locked_files(lab: Lab, vm: RegisteredVm) -> frozenset[Path]:
    """Give the files of a VM that are locked now, by whichever host runs it."""
    with lab.hold_vm(vm.config):
        is_merging = _is_merging(lab, vm)
        is_running = find_runner(lab, vm.config) is not None
        if not is_running and not is_merging:
            return frozenset()
        locked: set[Path] = set()
        for disk in _read_openable_disks(vm):
            locked.update(disk.data_files if is_merging else disk.data_files[:1])
    if is_running:
        locked.update(vm.folder.glob("*.vswp"))
        locked.add(vm.config.with_name(f"{vm.config.name}.lck"))
    return frozenset(locked)


def list_opened_files(lab: Lab, vm: RegisteredVm) -> frozenset[Path]:
    """Give the data files that a running VM has open, those included that it only reads.

    Others may read these too, and none may write to them.
    """
    with lab.hold_vm(vm.config):
        if find_runner(lab, vm.config) is None:
            return frozenset()
        return frozenset(path for disk in _read_openable_disks(vm) for path in disk.data_files)


@contextlib.contextmanager
def mark_merging(lab: Lab, vm: RegisteredVm) -> Iterator[None]:
    """Keep every data file of the VM's disks locked while the block runs."""
    marker = _merging_marker(lab, vm)
    with hold_lock(marker):
        try:
            yield
        finally:
            marker.unlink()


def _read_openable_disks(vm: RegisteredVm) -> tuple[LabDisk, ...]:
    try:
        return read_vm_disks(vm)
    except (OSError, VmFileError):
        # What cannot be read here no host has open either: files that somebody took away.
        return ()


def _is_merging(lab: Lab, vm: RegisteredVm) -> bool:
    marker = _merging_marker(lab, vm)
    # A task that was killed leaves its mark behind; its locks are gone all the same.
    return marker.exists() and is_locked(marker)


def _merging_marker(lab: Lab, vm: RegisteredVm) -> Path:
    return lab.hostd / "tasks" / f"{vm.key}.merging"
