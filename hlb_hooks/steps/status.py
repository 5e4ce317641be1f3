"""What is under way, what of ours is open, and what waits for a person: reads alone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo

from hlb_hooks.base import clock
from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.base.text import escape
from hlb_hooks.decisions.views.documents import VERSION, StatusDocument
from hlb_hooks.decisions.views.holds_view import view_holds
from hlb_hooks.decisions.views.status_view import (
    OpenRunView,
    OpenVmView,
    ToDoView,
    view_failed_runs,
    view_last_successes,
)
from hlb_hooks.effects.guard_process import is_guard_alive
from hlb_hooks.effects.holds import Hold
from hlb_hooks.effects.records import Flag
from hlb_hooks.effects.run_story import Run
from hlb_hooks.effects.vm_story import VmStory
from hlb_hooks.steps.block import find_block
from hlb_hooks.steps.context import Context
from hlb_hooks.steps.desk.delivery import Form, Wanted, deliver_data, deliver_lines, tell_problems
from hlb_hooks.steps.desk.json_form import write_json
from hlb_hooks.steps.desk.known_holds import gather_holds, tell_holds
from hlb_hooks.steps.desk.known_runs import gather_runs
from hlb_hooks.steps.desk.lines import INDENT, Line, Tone
from hlb_hooks.steps.desk.words import Voice, describe_length


@dataclass(frozen=True)
class StatusRequest:
    """Where the state files may be; ``trouble`` says what is wrong with hlb.toml.

    ``measures`` has [jobs.X] success of each job that is configured; None where hlb.toml cannot
    be read.
    """

    state_dirs: tuple[str, ...]
    trouble: str = ""
    measures: Mapping[str, str] | None = None
    wanted: Wanted = field(default_factory=Wanted)


def run(context: Context, request: StatusRequest) -> ExitCode:
    """Say what every unsettled run has open, and what a person has to do.

    No lock is taken, and no command of the host is run. 0: nothing waits for a person; 4: it is
    open longer than it should be, or nobody is at work on it; 1: a state file, or
    the file of what is left alone, cannot be read. Raise ConfigurationError for a folder that
    cannot be trusted.
    """
    known = gather_runs(context, request.state_dirs, request.trouble)
    held = gather_holds(context, request.state_dirs)
    damage = (*known.damage, *held.damage)
    to_do = [ToDoView(each.message, each.next_step) for each in damage]
    runs = []
    for entry in known.runs:
        if not entry.is_ended:
            runs.append(_view_run(context, entry.run))
            to_do += _find_to_do(context, entry.run)
    now = clock.read_utc_now()
    document = StatusDocument(
        format="hlb-status",
        version=VERSION,
        written=now,
        problems=(*known.problems, *held.damage),
        runs=tuple(runs),
        open=sum(len(each.vms) for each in runs),
        last_successes=view_last_successes(known.runs, request.measures, now),
        failed_runs=view_failed_runs(known.runs, request.measures),
        to_do=tuple(to_do),
        holds=view_holds(held.holds),
    )
    if request.wanted.form is Form.JSON:
        deliver_data(context, request.wanted, write_json(document))
    else:
        lines = list(_tell(document, held.holds, context.speaker, clock.read_time_zone()))
        deliver_lines(context, request.wanted, lines)
    if damage:
        return ExitCode.NOT_PROTECTED
    return ExitCode.STILL_OPEN if to_do else ExitCode.DONE


def _view_run(context: Context, run: Run) -> OpenRunView:
    return OpenRunView(
        run=run.name,
        job=run.job,
        owner=escape(run.owner.describe()),
        kept_by=_describe_keeper(context, run) or None,
        vms=tuple(_view_vm(vm) for vm in run.open_vms),
    )


def _view_vm(vm: VmStory) -> OpenVmView:
    since = min(attempt.recorded for attempt in vm.unsettled_attempts)
    return OpenVmView(
        vmx=escape(vm.place),
        flags=tuple(str(flag) for flag in vm.reported_flags),
        snapshot=escape(next(reversed(vm.attempts))),
        since=since,
        hours=round((clock.read_utc_now() - since).total_seconds() / 3600, 1),
    )


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


def _find_to_do(context: Context, run: Run) -> list[ToDoView]:
    """Give what a person has to do about one run."""
    speaker = context.speaker
    found = []
    if not is_guard_alive(run.guard) and run.unsettled_vms:
        found.append(ToDoView(run.name, speaker.phrase("reap_it")))
    limit = run.config.snapshot.alarm_open_hours
    for vm in run.open_vms:
        name, view = escape(vm.place), _view_vm(vm)
        trouble = vm.troubles.get(Flag.FAILED_UMOUNT)
        if Flag.FAILED_UMOUNT in vm.flags and trouble is not None:
            found.append(ToDoView(f"{name}: {trouble.reason}", trouble.next_step))
        if (clock.read_utc_now() - view.since).total_seconds() > limit * 3600:
            why = speaker.phrase("open_too_long", hours=view.hours, limit=limit)
            found.append(ToDoView(f"{name}: {why}", speaker.phrase("look_at_run", run=run.name)))
    return found


def _tell(
    status: StatusDocument, holds: Sequence[Hold], voice: Voice, zone: tzinfo
) -> Iterator[Line]:
    yield from tell_problems(status.problems, voice)
    for run in status.runs:
        yield from _tell_run(run, voice)
    if not status.open:
        yield Line(voice.phrase("nothing_is_open"), tone=Tone.GOOD)
    yield from _tell_last_successes(status, voice, zone)
    if holds:
        yield Line(voice.phrase("left_alone"))
        yield from tell_holds(holds, voice, zone)
    for failed in status.failed_runs:
        words = voice.phrase("failed_run", job=failed.job, run=failed.run, count=failed.failed)
        yield Line(words, tone=Tone.WARNING)
    if not status.to_do:
        yield Line(voice.phrase("nothing_to_do"), tone=Tone.GOOD)
        return
    yield Line(voice.phrase("to_do", count=len(status.to_do)), tone=Tone.BAD)
    for each in status.to_do:
        yield Line(each.what, INDENT)
        if each.next_step:
            yield Line(voice.phrase("next_step", text=each.next_step), 2 * INDENT)


def _tell_run(run: OpenRunView, voice: Voice) -> Iterator[Line]:
    yield Line(voice.phrase("run", run=run.run, job=run.job, owner=run.owner), tone=Tone.HEAD)
    keeper = run.kept_by or voice.phrase("kept_by_nobody")
    yield Line(voice.phrase("kept_by", text=keeper), INDENT)
    for vm in run.vms:
        yield Line(" ".join((vm.vmx, *vm.flags)), INDENT)
        words = voice.phrase("open_since", snapshot=vm.snapshot, hours=f"{vm.hours:.1f}")
        yield Line(words, 2 * INDENT)


def _tell_last_successes(status: StatusDocument, voice: Voice, zone: tzinfo) -> Iterator[Line]:
    if status.last_successes:
        yield Line(voice.phrase("last_successes"))
    for each in status.last_successes:
        words = voice.phrase("no_success")
        if each.success is not None:
            ago = max(0, round((status.written - each.success).total_seconds()))
            words = voice.phrase(
                "last_success",
                moment=clock.format_local(each.success, zone),
                length=describe_length(ago),
                run=each.run,
            )
        yield Line(f"{each.vmx}: {words}", INDENT, Tone.PLAIN if each.success else Tone.WARNING)
        if each.uncounted:
            text = voice.phrase("uncounted_run", run=each.uncounted, job=each.job)
            yield Line(text, 2 * INDENT)
