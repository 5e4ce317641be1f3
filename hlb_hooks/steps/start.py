"""The start of a run, for whoever has chosen its VMs: begin, guard, snapshots, report."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hlb_hooks.base import clock
from hlb_hooks.base.config import Config
from hlb_hooks.base.errors import GuardError, HlbError, NotNowError
from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.base.text import escape
from hlb_hooks.decisions.activity import find_active
from hlb_hooks.decisions.phrase import phrase
from hlb_hooks.decisions.verdict import count_vms, decide_start_exit
from hlb_hooks.effects.bundle import HostEffects
from hlb_hooks.effects.found_runs import FoundRun, FoundRuns
from hlb_hooks.effects.guard_process import is_guard_alive
from hlb_hooks.effects.holds import Hold
from hlb_hooks.effects.journal import Journal
from hlb_hooks.effects.owner import Owner
from hlb_hooks.effects.records import Flag, Record, make_record
from hlb_hooks.effects.run_store import RunStore
from hlb_hooks.effects.run_story import Run
from hlb_hooks.steps import report
from hlb_hooks.steps.choose import ChosenVm, explain, explain_hold, read_zone_for
from hlb_hooks.steps.context import Context
from hlb_hooks.steps.metrics import publish_metrics
from hlb_hooks.steps.protect import Protection
from hlb_hooks.steps.run_head import make_head
from hlb_hooks.steps.settle import Settlement


@dataclass(frozen=True)
class Plan:
    """What a new run is to do, decided before anything is written."""

    name: str
    job: str
    owner: Owner
    config: Config
    inventory: Sequence[str]
    chosen: Sequence[ChosenVm]
    begun: float
    """When the hook began, in seconds since boot: its budget counts from there."""
    not_due: Sequence[ChosenVm] = ()
    """The VMs that the targets choose, and whose turn it is not."""
    held: Sequence[tuple[ChosenVm, Hold]] = ()
    """The VMs that the targets choose, and that an operator wants left alone."""


def start_run(
    context: Context, plan: Plan, host: HostEffects, say_chosen: Callable[[], None]
) -> ExitCode:
    """Begin the run, make its snapshots and report. ``say_chosen`` says which VMs, and why.

    Raise NotNowError when a run of the same job is alive, and StateError or GuardError when the
    run cannot be written or guarded: then no VM was touched.
    """
    store = context.effects.open_store(plan.config.paths.state_dir)
    journal, earlier = _begin(context, plan, store)
    context.journal = journal
    context.open_log(plan.config.paths.log_file, run=plan.name, job=plan.job)
    post_missing_guards(context, store, earlier)
    _say_run(context, plan, journal)
    try:
        guard = context.effects.guards.start(journal) if plan.chosen else None
        # Only now, as the first event takes its time: the guard comes to its own meanwhile.
        context.log.info("run_begun", owner=plan.owner.describe(), chosen=len(plan.chosen))
        say_chosen()
        if plan.chosen:
            context.effects.guards.wait_until_ready(guard, journal)
    except GuardError:
        journal.note(Flag.ENDED)
        raise
    if plan.chosen:
        _make_snapshots(
            context,
            plan,
            journal,
            host,
            Protection(context, journal, host, store, earlier.runs),
        )
    exit_code = _finish(context, plan, journal, earlier)
    publish_metrics(context, plan.config, [store])
    return exit_code


def post_missing_guards(context: Context, store: RunStore, earlier: FoundRuns) -> None:
    """Give every unfinished run whose guard is gone another, whether its owner lives or not.

    This hook has a backup waiting and merges nothing itself; the VMs concerned are left out of
    this run as long as their snapshots are open.
    """
    for entry in earlier.runs:
        if context.stop.is_asked:
            return
        try:
            post_missing_guard(context, store, entry)
        except HlbError as error:
            # Somebody else may just be settling it; and an old run must not stop tonight's.
            context.log.warning("guard_not_posted", orphan=entry.name, why=error.message)


def post_missing_guard(context: Context, store: RunStore, entry: FoundRun) -> None:
    """Post a guard for a run that wants one and has none.

    Raise NotNowError when a hook is at work for the run, and GuardError or StateError.
    """
    if entry.is_finished or not _wants_guard(entry.run):
        return
    journal = store.take_over(entry, limit_seconds=0)
    try:
        # Read again under the lock: another hook may have posted one just now.
        if _wants_guard(journal.run):
            guard = context.effects.guards.start(journal)
            context.effects.guards.wait_until_ready(guard, journal)
            context.log.warning("guard_posted", orphan=journal.run.name)
    finally:
        journal.close()


def _wants_guard(run: Run) -> bool:
    return not run.is_finished and not is_guard_alive(run.guard)


def _begin(context: Context, plan: Plan, store: RunStore) -> tuple[Journal, FoundRuns]:
    with store.beginning(plan.config.run.lock_timeout_seconds):
        _check_not_drained(store)
        earlier = store.find_runs()
        over = frozenset(entry.name for entry in earlier.runs if _is_over(entry))
        active = find_active(earlier.runs, plan.job, over)
        if active is not None:
            raise NotNowError(
                f"run {active.name} of job {plan.job} is active, its owner is "
                f"{active.owner.describe()}",
                next_step="wait until that backup is over; its end hook or guard settles its run",
            )
        return store.begin(plan.name, _head_of(context, plan)), earlier


def _check_not_drained(store: RunStore) -> None:
    """Raise NotNowError when no run is to begin on this host."""
    for hold in store.read_holds():
        if hold.is_drain:
            since = clock.format_local(hold.since, clock.read_time_zone())
            why = f" ({escape(hold.why)})" if hold.why else ""
            raise NotNowError(
                f"{escape(hold.who)} wants no run to begin on this host since {since}{why}",
                next_step="when its maintenance is over: hlb drain --release",
            )


def _say_run(context: Context, plan: Plan, journal: Journal) -> None:
    speaker = context.speaker
    speaker.step(context.hook)
    speaker.say("run", run=journal.run.name, job=plan.job, owner=plan.owner.describe())
    speaker.say("vms_present", count=len(plan.inventory))
    for vmx in plan.inventory:
        speaker.line(escape(vmx))
    speaker.deed("written_to", path=journal.path)
    speaker.deed_mark(is_ok=True)


def _is_over(entry: FoundRun) -> bool:
    return entry.is_ended or entry.run.is_handed_over or entry.run.owner.is_over()


def _head_of(context: Context, plan: Plan) -> list[Record]:
    zone = read_zone_for((*plan.chosen, *plan.not_due))

    def say(vm: ChosenVm) -> str:
        return "\n".join(context.speak(each) for each in explain(vm, plan.job, zone))

    return [
        *make_head(plan.name, plan.job, plan.owner, plan.config),
        make_record(Flag.INVENTORY, count=str(len(plan.inventory)), hook=context.hook),
        *(make_record(Flag.PRESENT, vmx) for vmx in plan.inventory),
        *(make_record(Flag.CHOSEN, vm.vmx, note=say(vm), **vm.details) for vm in plan.chosen),
        *(make_record(Flag.NOT_DUE, vm.vmx, reason=say(vm), **vm.details) for vm in plan.not_due),
        *(_record_hold(context, vm, hold) for vm, hold in plan.held),
    ]


def _record_hold(context: Context, vm: ChosenVm, hold: Hold) -> Record:
    """Make the record of a VM that is rightly left out: it is not among the chosen ones."""
    reason, next_step = explain_hold(hold, clock.read_time_zone())
    words = {"reason": context.speak(reason), "next": context.speak(next_step)}
    return make_record(Flag.LEFT_OUT, vm.vmx, name=vm.name, uuid=vm.uuid or "", **words)


def _make_snapshots(
    context: Context, plan: Plan, journal: Journal, host: HostEffects, protection: Protection
) -> None:
    if context.hook != "snap_request":
        context.speaker.step("snap_request")
    protection.protect(plan.begun)
    run = journal.run
    is_failed = any(not vm.is_ready for vm in run.chosen)
    if is_failed and plan.config.run.on_failure == "abort" and not context.stop.is_asked:
        _roll_back(context, journal, host)


def _roll_back(context: Context, journal: Journal, host: HostEffects) -> None:
    """Take this run's snapshots back: the talk's behaviour, if it is asked for."""
    context.speaker.step("snap_remove")
    settlement = Settlement(context, journal, host)
    budget = journal.run.config.run.end_budget_seconds
    settlement.settle(journal.run.unsettled_vms, clock.read_seconds_since_boot() + budget)
    for vm in journal.run.chosen:
        if vm.is_ready:
            why = phrase("rolled_back")
            context.note(journal, Flag.LEFT_OUT, vm, why, phrase("mend_the_other"))
    journal.note(Flag.HANDED_OVER)
    settlement.close_if_settled()


def _finish(context: Context, plan: Plan, journal: Journal, earlier: FoundRuns) -> ExitCode:
    run = journal.run
    speaker = context.speaker
    tally = count_vms(run.chosen)
    exit_code = decide_start_exit(
        tally, plan.config.run.on_failure, is_state_damaged=bool(earlier.errors)
    )
    if context.stop.signal is not None:
        exit_code = context.stop_exit_code
        speaker.say("interrupted", signal=context.stop.signal.name)
    journal.note(Flag.STARTED, exit=str(int(exit_code)))
    if not any(vm.is_ready for vm in run.chosen):
        journal.end()
    report.say_report(context, [*run.chosen, *run.held, *run.not_due])
    if tally.ready:
        speaker.deed("ready_not_backed_up", count=tally.ready)
    for error in earlier.errors:
        speaker.say("warning", text=error.message)
        speaker.say("next_step", text=error.next_step, indent=4)
    report.say_unwritten(context, journal.unwritten)
    report.say_machine_line(
        context, job=escape(plan.job), run=run.name, tally=tally, exit_code=exit_code
    )
    return exit_code
