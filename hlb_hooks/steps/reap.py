"""Reaping: what a run left open whose owner and guard are both gone, from cron or by hand."""

from dataclasses import dataclass

from hlb_hooks.base.errors import HlbError, NotNowError
from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.effects.guard_process import is_guard_alive
from hlb_hooks.effects.journal import Journal
from hlb_hooks.effects.run_store import FoundRun, RunStore
from hlb_hooks.effects.run_story import Run
from hlb_hooks.steps import report
from hlb_hooks.steps.block import find_block
from hlb_hooks.steps.context import Context
from hlb_hooks.steps.own_runs import read_all_runs
from hlb_hooks.steps.settle import Settlement
from hlb_hooks.steps.start import stop_exit_code

_ACT_AT_ONCE_SECONDS = 0.0


@dataclass(frozen=True)
class ReapRequest:
    """Where the state files may be; ``trouble`` says what is wrong with hlb.toml."""

    state_dirs: tuple[str, ...]
    trouble: str = ""


def run(context: Context, request: ReapRequest) -> ExitCode:
    """Settle every run that has nobody any more. Each run's failure stands alone.

    0: nothing is left open that has nobody; 4: something is, and the next reap tries again; 1: a
    state file cannot be read. Raise ConfigurationError for a folder that cannot be trusted.
    """
    speaker = context.speaker
    if request.trouble:
        speaker.say("warning", text=request.trouble)
    code = ExitCode.DONE
    for store, found in read_all_runs(context, request.state_dirs):
        for error in found.errors:
            speaker.say("warning", text=error.message)
            speaker.say("next_step", text=error.next_step, indent=4)
            code = ExitCode.NOT_PROTECTED
        for entry in found.runs:
            if not entry.run.is_ended and not _reap_one(context, store, entry):
                code = code or ExitCode.STILL_OPEN
    if context.stop.is_asked:
        return stop_exit_code(context)
    if code is ExitCode.DONE:
        speaker.say("nothing_left")
    return code


def _reap_one(context: Context, store: RunStore, entry: FoundRun) -> bool:
    """Settle one run if it has nobody. False when it has not, and something is left open."""
    name = entry.run.name
    keeper = _find_keeper(entry.run)
    if keeper:
        context.speaker.say("reap_waits", run=name, text=keeper)
        return True
    block = find_block(entry.run)
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
        return _settle(context, journal)
    finally:
        journal.close()


def _find_keeper(run: Run) -> str:
    """Say who has the run still, or give an empty string."""
    if not run.is_handed_over and not run.owner.is_over():
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
    report.say_report(context, run.chosen)
    report.say_unwritten(context, journal.unwritten)
    if not is_settled:
        context.speaker.say("reap_goes_on", run=run.name, count=len(run.open_vms))
    return not run.open_vms
