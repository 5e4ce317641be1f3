"""One task at a time on one VM, and which VMs can have one at all."""

import contextlib
import os
from collections.abc import Iterator

from hlb_hooks.lab.files import try_lock
from hlb_hooks.lab.host.neighbours import find_runner
from hlb_hooks.lab.host.refusals import BUSY, refuse_locked_elsewhere, refuse_stuck
from hlb_hooks.lab.host.registry import HostFault, RegisteredVm
from hlb_hooks.lab.layout import Lab


@contextlib.contextmanager
def hold_task(lab: Lab, vm: RegisteredVm) -> Iterator[None]:
    """Be the one task of a VM while the block runs. Raise HostFault while there is another."""
    lock = try_lock(lab.hostd / "tasks" / f"{vm.key}.lock")
    if lock is None:
        raise HostFault(BUSY)
    try:
        yield
    finally:
        os.close(lock)


def refuse_unworkable(lab: Lab, vm: RegisteredVm) -> None:
    """Raise HostFault for a VM that another host runs, or that waits for an answer."""
    runner = find_runner(lab, vm.config)
    if runner is not None and runner.folder != lab.folder:
        raise refuse_locked_elsewhere(vm)
    if vm.power == "stuck":
        raise refuse_stuck()
