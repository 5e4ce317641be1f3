"""Reaping: what a run left open whose owner and guard are both gone, from cron or by hand."""

from collections.abc import Sequence
from dataclasses import dataclass

from hlb_hooks.base.config import Config
from hlb_hooks.base.errors import HlbError, NotNowError
from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.effects.found_runs import FoundRun, FoundRuns
from hlb_hooks.effects.guard_process import is_guard_alive
from hlb_hooks.effects.journal import Journal
from hlb_hooks.effects.run_store import RunStore
from hlb_hooks.effects.run_story import Run
from hlb_hooks.steps import report
from hlb_hooks.steps.adopt import Adoption
from hlb_hooks.steps.block import find_block
from hlb_hooks.steps.context import Context
from hlb_hooks.steps.leave_report import leave_report
from hlb_hooks.steps.metrics import publish_metrics
from hlb_hooks.steps.own_runs import read_all_runs
from hlb_hooks.steps.reading import note_reading
from hlb_hooks.steps.settle import Settlement
from hlb_hooks.steps.start import post_missing_guard
from hlb_hooks.steps.tidy import tidy_up
from hlb_hooks.steps.whereabouts import Whereabouts

_ACT_AT_ONCE_SECONDS = 0.0


@dataclass(frozen=True)
class ReapRequest:
    """Where the state files may be; ``trouble`` says what is wrong with hlb.toml.

    ``config`` says how to reach the host, for what its own runs do not know; None: not known.
    """

    state_dirs: tuple[str, ...]
    trouble: str = ""
    config: Config | None = None


def run(context: Context, request: ReapRequest) -> ExitCode:
    """Settle every run that has nobody any more. Each run's failure stands alone.

    0: nothing is left open that has nobody; 4: something is, and the next reap tries again; 1: a
    state file cannot be read, or the host does not list its VMs. Raise
    ConfigurationError for a folder that cannot be trusted.
    """
    if request.trouble:
        context.speaker.say("warning", text=request.trouble)
    read = read_all_runs(context, request.state_dirs)
    code = _reap_all(context, request, read)
    for store, _ in read:
        try:
            store.note_reap(int(code))
        except HlbError as error:
            context.speaker.say("warning", text=error.message)
            context.speaker.say("next_step", text=error.next_step, indent=4)
    if request.config is not None:
        publish_metrics(context, request.config, [store for store, _ in read])
    return code


def _reap_all(
    context: Context, request: ReapRequest, read: Sequence[tuple[RunStore, FoundRuns]]
) -> ExitCode:
    speaker = context.speaker
    code = ExitCode.DONE
    open_runs = frozenset(
        entry.name for _, found in read for entry in found.runs if not entry.is_ended
    )
    for store, found in read:
        for error in found.errors:
            speaker.say("warning", text=error.message)
            speaker.say("next_step", text=error.next_step, indent=4)
            code = ExitCode.NOT_PROTECTED
        for entry in found.runs:
            if context.stop.is_asked:
                return context.stop_exit_code
            if not entry.is_finished and not _reap_one(context, store, entry):
                code = code or ExitCode.STILL_OPEN
    if request.config is not None and not context.stop.is_asked:
        adopted = _adopt(context, request.config, [found for _, found in read], open_runs)
        code = code or adopted
        _tidy_up(context, request.config, [store for store, found in read if found.runs])
    if context.stop.is_asked:
        return context.stop_exit_code
    if code is ExitCode.DONE:
        speaker.say("nothing_left")
    return code


def _tidy_up(context: Context, config: Config, stores: Sequence[RunStore]) -> None:
    """Tidy the state folders up. What stands in the way is said, and nothing is open for it."""
    for store in stores:
        try:
            tidy_up(context, store, config)
        except HlbError as error:
            context.speaker.say("warning", text=error.message)
            context.speaker.say("next_step", text=error.next_step, indent=4)


def _adopt(
    context: Context, config: Config, read: Sequence[FoundRuns], open_runs: frozenset[str]
) -> ExitCode:
    """Take over what other hosts left on VMs that are registered here."""
    adoption = Adoption(
        context,
        context.effects.open_store(config.paths.state_dir),
        config,
        [entry for found in read for entry in found.runs],
        is_state_damaged=any(found.errors for found in read),
        open_runs=open_runs,
        forgotten_until=max(filter(None, (found.forgotten_until for found in read)), default=None),
    )
    try:
        journals, is_any_left = adoption.find()
    except HlbError as error:
        context.speaker.say("warning", text=error.message)
        context.speaker.say("next_step", text=error.next_step, indent=4)
        return ExitCode.NOT_PROTECTED
    for journal in journals:
        try:
            block = find_block(journal.run)
            if block:
                context.speaker.say("reap_waits", run=journal.run.name, text=block)
            is_left = bool(block) or not _settle(context, journal)
            if is_left and not journal.is_on_disk:
                # The claim alone knows of it: the next reap shall not wait two hours to see it.
                _release_claims(context, journal)
            is_any_left |= is_left
        finally:
            journal.close()
    return ExitCode.STILL_OPEN if is_any_left else ExitCode.DONE


def _release_claims(context: Context, journal: Journal) -> None:
    host = context.effects.open_host(journal.run.config, journal.run.name)
    whereabouts = Whereabouts(context, journal, host)
    for vm in journal.run.open_vms:
        whereabouts.release_claim(vm)


def _reap_one(context: Context, store: RunStore, entry: FoundRun) -> bool:
    """Settle one run if it has nobody. False when it has not, and something is left open."""
    name = entry.run.name
    keeper = _find_keeper(entry.run)
    if keeper:
        if not entry.run.is_ended:
            context.speaker.say("reap_waits", run=name, text=keeper)
        return _has_guard(context, store, entry)
    block = "" if entry.run.is_ended else find_block(entry.run)
    if block:
        context.speaker.say("reap_waits", run=name, text=block)
        return not entry.run.open_vms
    try:
        journal = store.take_over(entry, _ACT_AT_ONCE_SECONDS)
    except NotNowError as error:
        context.speaker.say("reap_waits", run=name, text=error.message)
        return True
    except HlbError as error:
        context.speaker.say("reap_waits", run=name, text=error.message)
        return not entry.run.open_vms
    try:
        if journal.run.awaits_verdict and journal.run.owner.is_over():
            note_reading(context, journal)
        return journal.run.is_ended or _settle(context, journal)
    finally:
        journal.close()
        leave_report(context, journal.run.config, journal.path)


def _has_guard(context: Context, store: RunStore, entry: FoundRun) -> bool:
    """See to it that a run whose owner lives has a guard; True when it has, or needs none now."""
    try:
        post_missing_guard(context, store, entry)
    except NotNowError:
        return True  # a hook of this run is at work
    except HlbError as error:
        context.speaker.say("warning", text=error.message)
        return False
    return True


def _find_keeper(run: Run) -> str:
    """Say who has the run still, or give an empty string."""
    is_wanted = run.is_ended or not run.is_handed_over
    if is_wanted and not run.owner.is_over():
        return f"its owner is {run.owner.describe()}"
    if run.guard is not None and is_guard_alive(run.guard):
        return f"its guard is at work (pid {run.guard.pid})"
    return ""


def _settle(context: Context, journal: Journal) -> bool:
    run = journal.run
    context.open_log(run.config.paths.log_file, run=run.name, job=run.job)
    context.log.warning("reaping", vms=[vm.vmx for vm in run.unsettled_vms])
    host = context.effects.open_host(run.config, run.name)
    settlement = Settlement(context, journal, host)
    settlement.settle(run.unsettled_vms, float("inf"))
    is_settled = settlement.close_if_settled()
    report.say_report(context, run.concerned_vms)
    report.say_unwritten(context, journal.unwritten)
    if not is_settled:
        context.speaker.say("reap_goes_on", run=run.name, count=len(run.open_vms))
    return not run.open_vms
