"""What is under way, what of ours is open, and what waits for a person: reads alone."""

from dataclasses import dataclass

from hlb_hooks.base import clock
from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.base.text import escape
from hlb_hooks.effects.guard_process import is_guard_alive
from hlb_hooks.effects.records import Flag
from hlb_hooks.effects.run_story import Run
from hlb_hooks.effects.vm_story import VmStory
from hlb_hooks.steps.block import find_block
from hlb_hooks.steps.context import Context
from hlb_hooks.steps.own_runs import read_all_runs

_INDENT = 4


@dataclass(frozen=True)
class StatusRequest:
    """Where the state files may be; ``trouble`` says what is wrong with hlb.toml."""

    state_dirs: tuple[str, ...]
    trouble: str = ""


def run(context: Context, request: StatusRequest) -> ExitCode:
    """Say what every unsettled run has open, and what a person has to do.

    No lock is taken, and no command of the host is run. 0: nothing waits for a person; 4: it is
    open longer than it should be, or nobody is at work on it; 1: a state file cannot be read.
    Raise ConfigurationError for a folder that cannot be trusted.
    """
    speaker = context.speaker
    if request.trouble:
        speaker.say("warning", text=request.trouble)
    is_damaged = False
    to_do: list[tuple[str, str]] = []
    open_count = 0
    for _, found in read_all_runs(context, request.state_dirs):
        for error in found.errors:
            is_damaged = True
            speaker.say("warning", text=error.message)
            to_do.append((error.message, error.next_step))
        for entry in found.runs:
            if not entry.is_ended:
                open_count += len(entry.run.open_vms)
                to_do += _say_run(context, entry.run)
    if not open_count:
        speaker.say("nothing_is_open")
    _say_to_do(context, to_do)
    if is_damaged:
        return ExitCode.NOT_PROTECTED
    return ExitCode.STILL_OPEN if to_do else ExitCode.DONE


def _say_run(context: Context, run: Run) -> list[tuple[str, str]]:
    """Say one run, and give what of it waits for a person: what it is, and what to do."""
    speaker = context.speaker
    to_do: list[tuple[str, str]] = []
    speaker.say("run", run=run.name, job=run.job, owner=run.owner.describe())
    keeper = _describe_keeper(context, run)
    speaker.say("kept_by", text=keeper or speaker.phrase("kept_by_nobody"), indent=_INDENT)
    if not is_guard_alive(run.guard) and run.unsettled_vms:
        to_do.append((run.name, speaker.phrase("reap_it")))
    for vm in run.open_vms:
        age_hours = _age_hours(vm)
        flags = " ".join((escape(vm.place), *vm.reported_flags))
        speaker.line(flags, indent=_INDENT)
        speaker.say(
            "open_since",
            snapshot=next(reversed(vm.attempts)),
            hours=f"{age_hours:.1f}",
            indent=2 * _INDENT,
        )
        to_do += _find_to_do(context, run, vm, age_hours)
    return to_do


def _describe_keeper(context: Context, run: Run) -> str:
    """Name who sees to the run's end, or give an empty string."""
    words = []
    if not run.is_handed_over and not run.owner.is_over():
        words.append(context.speaker.phrase("owner_lives", owner=run.owner.describe()))
    if run.guard is not None and is_guard_alive(run.guard):
        words.append(context.speaker.phrase("guard_lives", pid=run.guard.pid))
    if words and (run.is_handed_over or run.owner.is_over()):
        block = find_block(run)
        if block:
            words.append(context.speaker.phrase("waits_for", text=block))
    return ", ".join(words)


def _find_to_do(context: Context, run: Run, vm: VmStory, age_hours: float) -> list[tuple[str, str]]:
    """Give what a person has to do about one open VM."""
    name = escape(vm.place)
    found = []
    trouble = vm.troubles.get(Flag.FAILED_UMOUNT)
    if Flag.FAILED_UMOUNT in vm.flags and trouble is not None:
        found.append((f"{name}: {trouble.reason}", trouble.next_step))
    limit = run.config.snapshot.alarm_open_hours
    if age_hours > limit:
        why = context.speaker.phrase("open_too_long", hours=f"{age_hours:.1f}", limit=limit)
        found.append((f"{name}: {why}", context.speaker.phrase("look_at_run", run=run.name)))
    return found


def _age_hours(vm: VmStory) -> float:
    begun = min(attempt.recorded for attempt in vm.unsettled_attempts)
    return (clock.read_utc_now() - begun).total_seconds() / 3600


def _say_to_do(context: Context, to_do: list[tuple[str, str]]) -> None:
    speaker = context.speaker
    if not to_do:
        speaker.say("nothing_to_do")
        return
    speaker.say("to_do", count=len(to_do))
    for what, next_step in to_do:
        speaker.line(what, indent=_INDENT)
        if next_step:
            speaker.say("next_step", text=next_step, indent=2 * _INDENT)
