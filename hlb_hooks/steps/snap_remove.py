"""Removing our snapshots from the VMs named by hand, with the end hook's care."""

from collections.abc import Container
from dataclasses import dataclass

from hlb_hooks.base.errors import UsageError
from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.base.text import escape
from hlb_hooks.effects.vm_story import VmStory
from hlb_hooks.steps.context import Context
from hlb_hooks.steps.ending import Ending, end_run, pick_worst
from hlb_hooks.steps.own_runs import gather_own_runs
from hlb_hooks.steps.whose import OwnerOptions, caller_of


@dataclass(frozen=True)
class RemoveRequest:
    """What ``snap_remove`` is asked: these VMs, of the caller's own run or the one named."""

    state_dirs: tuple[str, ...]
    owner: OwnerOptions
    run_name: str | None
    vmxs: tuple[str, ...]
    trouble: str = ""


def run(context: Context, request: RemoveRequest) -> ExitCode:
    """Remove our snapshots from the VMs. Raise UsageError for a VM on which the run has none."""
    context.speaker.step("snap_remove")
    own = gather_own_runs(
        context, request.state_dirs, request.run_name, request.owner, request.trouble
    )
    wanted = frozenset(request.vmxs)
    by_run = [
        (
            store,
            entry,
            {vm.vmx for vm in entry.run.vms.values() if vm.attempts and _is_in(vm, wanted)},
        )
        for store, entry in own.runs
    ]
    recorded = {vmx for _, _, vmxs in by_run for vmx in vmxs}
    missing = [vmx for vmx in request.vmxs if not {vmx} & (recorded | set(map(escape, recorded)))]
    if missing:
        raise UsageError(
            f"no snapshot of this run is recorded on {', '.join(map(escape, missing))}",
            next_step="what no state file has recorded is not ours to remove; see the VM's .vmsd",
        )
    return pick_worst(
        end_run(
            context,
            store,
            entry,
            Ending(frozenset(vmxs), caller=caller_of(request.run_name, request.owner)),
        )
        for store, entry, vmxs in by_run
        if vmxs
    )


def _is_in(vm: VmStory, wanted: Container[str]) -> bool:
    """Tell whether a VM is named, as the host prints its path or as the report shows it."""
    return vm.vmx in wanted or escape(vm.vmx) in wanted
