"""The end of a run, for whoever may end it: remove, report, hand over what is left."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hlb_hooks.base import clock
from hlb_hooks.base.errors import GuardError, HlbError, NotNowError, StateError
from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.decisions.phrase import phrase
from hlb_hooks.decisions.verdict import count_vms, decide_end_exit
from hlb_hooks.effects import processes
from hlb_hooks.effects.found_runs import FoundRun
from hlb_hooks.effects.guard_process import is_guard_alive
from hlb_hooks.effects.journal import Journal
from hlb_hooks.effects.owner import LeaseOwner
from hlb_hooks.effects.records import Flag
from hlb_hooks.effects.run_store import RunStore
from hlb_hooks.effects.run_story import Run
from hlb_hooks.effects.vm_story import VmStory
from hlb_hooks.steps import report
from hlb_hooks.steps.context import Context
from hlb_hooks.steps.leave_report import leave_report
from hlb_hooks.steps.metrics import publish_metrics
from hlb_hooks.steps.settle import Settlement
from hlb_hooks.steps.whose import Caller, is_somebody_elses


@dataclass(frozen=True)
class Ending:
    """How a run is ended: which VMs (all, if none are named), and by whom."""

    vmxs: frozenset[str] = frozenset()
    caller: Caller = Caller.CLIENT

    def concerns(self, vm: VmStory) -> bool:
        """Tell whether ``vm`` is to be settled."""
        return not self.vmxs or vm.vmx in self.vmxs


def end_run(context: Context, store: RunStore, found: FoundRun, ending: Ending) -> ExitCode:
    """Settle one run and give the exit code it means. One that cannot be taken over is said."""
    limit_seconds = found.run.config.run.lock_timeout_seconds
    try:
        journal = store.take_over(found, limit_seconds)
    except (NotNowError, StateError) as error:
        return _report_others_work(context, found.run, ending, error)
    context.journal = journal
    run = journal.run
    config = run.config
    context.open_log(config.paths.log_file, run=run.name, job=run.job)
    speaker = context.speaker
    speaker.say("no_owner_run", run=run.name, job=run.job)
    unsettled = [vm for vm in run.unsettled_vms if ending.concerns(vm)]
    if run.is_ended:
        speaker.say("run_ended", run=run.name)
    else:
        if not run.is_handed_over and is_somebody_elses(run):
            _note_torn(context, journal, unsettled, ending.caller)
        _settle(context, journal, unsettled, is_whole_run=not ending.vmxs)
    exit_code = _report(context, run, ending, journal.unwritten)
    journal.close()
    publish_metrics(context, config, [store])
    leave_report(context, config, journal.path)
    return exit_code


def _report_others_work(context: Context, run: Run, ending: Ending, error: HlbError) -> ExitCode:
    """Say how far a run is that another is just settling, or that cannot be read any more."""
    context.speaker.say("no_owner_run", run=run.name, job=run.job)
    context.speaker.say("warning", text=error.message)
    context.speaker.say("next_step", text=error.next_step, indent=4)
    exit_code = _report(context, run, ending, [])
    return ExitCode.NOT_PROTECTED if isinstance(error, StateError) else exit_code


def _report(context: Context, run: Run, ending: Ending, unwritten: list[str]) -> ExitCode:
    """Report the VMs that were asked for, and give the exit code they mean."""
    vms = [vm for vm in run.chosen if ending.concerns(vm)]
    tally = count_vms(vms)
    exit_code = decide_end_exit(tally, run.config.run.end_exit)
    if context.stop.signal is not None:
        exit_code = context.stop_exit_code
        context.speaker.say("interrupted", signal=context.stop.signal.name)
    report.say_report(context, vms)
    report.say_who_removes(context, run, is_guard_alive=is_guard_alive(run.guard))
    report.say_unwritten(context, unwritten)
    report.say_machine_line(context, job=run.job, run=run.name, tally=tally, exit_code=exit_code)
    return exit_code


def pick_worst(codes: Iterable[ExitCode]) -> ExitCode:
    """Of several runs' codes give the worst: a failure weighs more than what is still open."""
    order = (ExitCode.DONE, ExitCode.STILL_OPEN, ExitCode.NOT_PROTECTED)
    return max(codes, key=lambda code: order.index(code) if code in order else len(order))


def _note_torn(
    context: Context, journal: Journal, unsettled: Sequence[VmStory], caller: Caller
) -> None:
    """Say that a client may read on what is taken away under it. Before it is taken away.

    Who names the client knows that it is done, unless its disks are being read this moment.
    """
    for vm in unsettled:
        files = [path for disk in vm.base_disks for path, _ in disk.extents]
        is_read = caller is Caller.BY_RUN or bool(processes.list_holders(files))
        if is_read and Flag.OK_SNAP in vm.flags and Flag.TORN not in vm.flags:
            why = phrase("removed_under_reader", owner=journal.run.owner.describe())
            context.note(journal, Flag.TORN, vm, why, phrase("back_up_again"))


def _settle(
    context: Context, journal: Journal, unsettled: Sequence[VmStory], *, is_whole_run: bool
) -> None:
    speaker = context.speaker
    run = journal.run
    settlement = Settlement(context, journal, context.effects.open_host(run.config, run.name))
    deadline = clock.read_seconds_since_boot() + run.config.run.end_budget_seconds
    if not unsettled:
        speaker.say("nothing_open")
    elif is_whole_run:
        speaker.step("snap_remove")
    settlement.settle(list(unsettled), deadline)
    if is_whole_run:
        journal.note(Flag.HANDED_OVER)
    if not run.unsettled_vms:
        if is_whole_run or _has_nobody_left(run):
            journal.end()
        return
    if is_whole_run and not is_guard_alive(run.guard):
        _post_guard(context, journal)


def _has_nobody_left(run: Run) -> bool:
    """Tell whether nobody comes for a run without snapshots: a lease has no end hook to wait for.

    Whoever holds the lease may still read what can be read without a snapshot.
    """
    return isinstance(run.owner, LeaseOwner) and not any(
        Flag.READABLE in vm.flags for vm in run.chosen
    )


def _post_guard(context: Context, journal: Journal) -> None:
    """Give what is left a new guard: the run's own was killed."""
    guards = context.effects.guards
    try:
        guards.wait_until_ready(guards.start(journal), journal)
    except GuardError as error:
        context.speaker.say("warning", text=error.message)
