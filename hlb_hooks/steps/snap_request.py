"""Snapshots for the VMs named by hand: the start hook without the choosing."""

from dataclasses import dataclass

from hlb_hooks.base import clock
from hlb_hooks.base.config import Config
from hlb_hooks.base.errors import UsageError
from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.base.text import escape
from hlb_hooks.decisions.selection import ListedVm
from hlb_hooks.steps import compare_backup
from hlb_hooks.steps.choose import ChosenVm, explain_hold
from hlb_hooks.steps.context import Context
from hlb_hooks.steps.start import Plan, start_run
from hlb_hooks.steps.whose import OwnerOptions, find_owner, is_restore


@dataclass(frozen=True)
class SnapRequest:
    """What ``snap_request`` is asked: these VMs, for an owner, as a run of a job."""

    config: Config
    job: str
    owner: OwnerOptions
    vmxs: tuple[str, ...]


def run(context: Context, request: SnapRequest) -> ExitCode:
    """Make a snapshot of each VM. Raise UsageError, before anything else, for one not here."""
    begun = clock.read_seconds_since_boot()
    request.config.job(request.job)
    owner = find_owner(request.owner)
    if is_restore(context, owner, request.job):
        return ExitCode.DONE
    name = context.effects.name_run(request.job)
    host = context.effects.open_host(request.config, name)
    vms = context.read_or_stop(lambda: compare_backup.list_vms(host.driver))
    chosen = [find_listed(vms, vmx) for vmx in dict.fromkeys(request.vmxs)]
    _check_not_held(context, request.config, chosen)
    plan = Plan(
        name=name,
        job=request.job,
        owner=owner,
        config=request.config,
        inventory=[vm.vmx for vm in vms],
        chosen=[ChosenVm(vm.vmx, vm.spoken_name, vm.uuid) for vm in dict.fromkeys(chosen)],
        begun=begun,
    )

    def say_chosen() -> None:
        for vm in plan.chosen:
            context.speaker.say("found", name=vm.name)
            context.speaker.say("found_by_argument", indent=4)

    return start_run(context, plan, host, say_chosen)


def _check_not_held(context: Context, config: Config, chosen: list[ListedVm]) -> None:
    """Raise UsageError for a VM that is to be left alone, and StateError."""
    named = {vm.vmx for vm in chosen}
    for hold in context.effects.open_store(config.paths.state_dir).read_holds():
        if hold.vmx in named:
            reason, next_step = explain_hold(hold, clock.read_time_zone())
            raise UsageError(
                f"{escape(hold.vmx)}: {context.speak(reason)}", next_step=context.speak(next_step)
            )


def find_listed(vms: list[ListedVm], vmx: str) -> ListedVm:
    """Give the VM that a path means, as the host prints it or through the datastore's label."""
    for vm in vms:
        if vmx in {vm.vmx, escape(vm.vmx), *vm.aliases}:
            return vm
    raise UsageError(
        f"{escape(vmx)} is not registered on this host",
        next_step="give the path as vmware-cmd -l prints it",
    )
