"""Datastores on which our deltas have become a danger to every VM there."""

from hlb_hooks.effects import vm_files
from hlb_hooks.effects.disk_space import read_disk_space
from hlb_hooks.effects.run_story import Run
from hlb_hooks.effects.vm_story import VmStory


def find_short_of_space(run: Run) -> list[VmStory]:
    """Give the open VMs with a delta on a datastore below ``emergency_free_percent``."""
    limit_percent = run.config.snapshot.emergency_free_percent
    if not limit_percent:
        return []
    return [
        vm
        for vm in run.open_vms
        if any(_is_short(datastore, limit_percent) for datastore in list_datastores(vm))
    ]


def list_datastores(vm: VmStory) -> set[str]:
    """Give the datastores that may hold the VM's deltas: beside its .vmx, or beside its disks."""
    tops = {disk.chain[0] for attempt in vm.attempts.values() for disk in attempt.disks}
    return {vm_files.datastore_of(path) for path in (vm.vmx, *tops)}


def _is_short(datastore: str, limit_percent: int) -> bool:
    room = read_disk_space(datastore)
    return room is not None and room.free_bytes * 100 < room.total_bytes * limit_percent
