"""What stands in the way of removing a dead run's snapshots: for the guard and the reaper."""

from hlb_hooks.base import clock
from hlb_hooks.effects import processes
from hlb_hooks.effects.run_story import Run

# After a boot other hosts may still be starting the VMs that were here.
BOOT_WAIT_SECONDS = 30 * 60


def find_block(run: Run) -> str:
    """Name what must be waited for, or give an empty string."""
    if run.boot_id != processes.read_boot_id():
        left = BOOT_WAIT_SECONDS - clock.read_seconds_since_boot()
        if left > 0:
            return f"the host was started {BOOT_WAIT_SECONDS - left:.0f} s ago"
    commands = processes.list_commands_of_run(run.name)
    if commands:
        return f"host commands of this run are under way: pids {commands}"
    bases = {
        path
        for vm in run.open_vms
        for attempt in vm.unsettled_attempts
        for disk in attempt.disks
        for path, _ in disk.extents
    }
    holders = processes.list_holders(bases)
    if holders:
        path, pids = next(iter(holders.items()))
        return f"{path} is still being read by pids {pids}"
    return ""
