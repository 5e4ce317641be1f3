"""The start hook: list the host's VMs, choose, guard, snapshot, report."""

from dataclasses import dataclass

from hlb_hooks.base import clock
from hlb_hooks.base.config import Config
from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.effects.bundle import HostEffects
from hlb_hooks.effects.owner import Owner
from hlb_hooks.steps import compare_backup
from hlb_hooks.steps.choose import Choice, choose, read_wishes
from hlb_hooks.steps.context import Context
from hlb_hooks.steps.start import Plan, start_run
from hlb_hooks.steps.whose import OwnerOptions, find_owner, is_restore


@dataclass(frozen=True)
class StartRequest:
    """What ``initial_backup`` is asked: a job's VMs, for an owner."""

    config: Config
    job: str
    owner: OwnerOptions


@dataclass(frozen=True)
class Prepared:
    """A run that is ready to begin: what it is to do, on which host, and why these VMs."""

    plan: Plan
    host: HostEffects
    choice: Choice


def run(context: Context, request: StartRequest) -> ExitCode:
    """Make the snapshots of one run.

    Everything that can be wrong with the configuration, the targets and the host's answer comes
    to light before the first byte is written. Raise HlbError.
    """
    owner = find_owner(request.owner)
    if is_restore(context, owner, request.job):
        return ExitCode.DONE
    prepared = prepare(context, request, owner)

    def say_chosen() -> None:
        speaker = context.speaker
        speaker.step("compare_backup")
        speaker.say("looking")
        compare_backup.say_found(context, prepared.choice, request.job)
        speaker.mark(is_ok=True)

    return start_run(context, prepared.plan, prepared.host, say_chosen)


def prepare(context: Context, request: StartRequest, owner: Owner) -> Prepared:
    """Choose the VMs; nothing is written, and nothing asked of the host but its VMs.

    Raise HlbError.
    """
    begun = clock.read_seconds_since_boot()
    config = request.config
    wishes = read_wishes(config, request.job)
    name = context.effects.name_run(request.job)
    host = context.effects.open_host(config, name)
    vms = context.read_or_stop(lambda: compare_backup.list_vms(host.driver))
    choice = choose(context, config, request.job, vms, wishes)
    plan = Plan(
        name=name,
        job=request.job,
        owner=owner,
        config=config,
        inventory=[vm.vmx for vm in vms],
        chosen=choice.due,
        begun=begun,
        not_due=choice.not_due,
        held=choice.held,
    )
    return Prepared(plan, host, choice)
