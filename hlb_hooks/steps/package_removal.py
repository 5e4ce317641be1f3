"""May this package be removed from the host? Asked by whoever is about to: reads alone."""

from dataclasses import dataclass

from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.base.text import escape
from hlb_hooks.effects.guard_process import is_guard_alive
from hlb_hooks.effects.run_story import Run
from hlb_hooks.steps.context import Context
from hlb_hooks.steps.own_runs import read_all_runs

_INDENT = 4


@dataclass(frozen=True)
class RemovalRequest:
    """Where the state files may be; ``trouble`` says what is wrong with hlb.toml."""

    state_dirs: tuple[str, ...]
    trouble: str = ""


def run(context: Context, request: RemovalRequest) -> ExitCode:
    """Say what speaks against a removal now, and what to do about it.

    0: nothing; 4: a snapshot of ours is open, and nobody would be left who knows of it; 75: a run
    is under way; 1: a state file cannot be read. No lock is taken, no command of the host is run.
    Raise ConfigurationError for a folder that cannot be trusted.
    """
    speaker = context.speaker
    if request.trouble:
        speaker.say("warning", text=request.trouble)
    codes = set()
    for _, found in read_all_runs(context, request.state_dirs):
        for error in found.errors:
            speaker.say("warning", text=error.message)
            speaker.say("next_step", text=error.next_step, indent=_INDENT)
            codes.add(ExitCode.NOT_PROTECTED)
        codes |= {_judge(context, entry.run) for entry in found.runs if not entry.run.is_ended}
    # What is open weighs most, then what could not be read.
    for code in (ExitCode.STILL_OPEN, ExitCode.NOT_PROTECTED, ExitCode.NOT_NOW):
        if code in codes:
            return code
    return ExitCode.DONE


def _judge(context: Context, run: Run) -> ExitCode:
    speaker = context.speaker
    if run.open_vms:
        speaker.say("removal_leaves_open", run=run.name, count=len(run.open_vms))
        for vm in run.open_vms:
            speaker.line(escape(vm.place), indent=_INDENT)
        speaker.say("next_step", text=speaker.phrase("removal_after_reap"), indent=_INDENT)
        return ExitCode.STILL_OPEN
    if not run.owner.is_over() or is_guard_alive(run.guard):
        owner = run.owner.describe()
        speaker.say("removal_during_run", run=run.name, owner=owner)
        speaker.say("next_step", text=speaker.phrase("removal_after_run"), indent=_INDENT)
        return ExitCode.NOT_NOW
    return ExitCode.DONE
