"""``hlb history``: the runs that are known; reads alone, and of what is finished the index."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import tzinfo

from hlb_hooks.base import clock
from hlb_hooks.base.errors import UsageError
from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.base.text import escape
from hlb_hooks.decisions.since import parse_since
from hlb_hooks.decisions.views.documents import VERSION, HistoryDocument
from hlb_hooks.decisions.views.history_view import (
    Result,
    RunLine,
    VmResult,
    find_vms,
    view_history,
)
from hlb_hooks.steps.context import Context
from hlb_hooks.steps.desk.delivery import Form, Wanted, deliver_data, deliver_lines, tell_problems
from hlb_hooks.steps.desk.json_form import write_json
from hlb_hooks.steps.desk.known_runs import gather_runs
from hlb_hooks.steps.desk.lines import INDENT, Line, Tone
from hlb_hooks.steps.desk.words import Voice, describe_counts, describe_length

_RESULTS = {
    Result.READ: "result_read",
    Result.PROTECTED: "result_protected",
    Result.NOT_DUE: "result_not_due",
    Result.PENDING: "result_pending",
}


@dataclass(frozen=True)
class HistoryRequest:
    """Which runs: since when, of which job, with which VM; None: all."""

    state_dirs: tuple[str, ...]
    since: str | None = None
    job: str | None = None
    vm: str | None = None
    trouble: str = ""
    wanted: Wanted = field(default_factory=Wanted)


def run(context: Context, request: HistoryRequest) -> ExitCode:
    """List the runs. 1: a state file cannot be read.

    Raise UsageError for a moment that is none, and for a VM that no run knows.
    """
    now, zone = clock.read_utc_now(), clock.read_time_zone()
    since = None if request.since is None else parse_since(request.since, now, zone)
    known = gather_runs(context, request.state_dirs, request.trouble)
    vmxs = None
    if request.vm is not None:
        vmxs = find_vms(known.runs, request.vm)
        if not vmxs:
            raise UsageError(
                "\n".join(
                    [
                        f"--vm {escape(request.vm)}: no run knows such a VM",
                        *(problem.message for problem in known.problems),
                    ]
                ),
                next_step="name it as the report shows it, or by a pattern: --vm '*web*'",
            )
    runs = view_history(known.runs, since, request.job, vmxs)
    if request.wanted.form is Form.JSON:
        document = HistoryDocument("hlb-history", VERSION, now, known.problems, runs)
        deliver_data(context, request.wanted, write_json(document))
    else:
        voice = context.speaker
        lines = [*tell_problems(known.problems, voice)]
        lines += [line for each in runs for line in _tell_run(each, voice, zone)]
        if not runs:
            lines.append(Line(voice.phrase("no_runs" if since else "no_run_ever")))
        deliver_lines(context, request.wanted, lines)
    return ExitCode.NOT_PROTECTED if known.is_damaged else ExitCode.DONE


def _tell_run(run: RunLine, voice: Voice, zone: tzinfo) -> Iterator[Line]:
    # The name first: a line that begins with a time could be taken for one of a client's log.
    begun, length = clock.format_local(run.begun, zone), describe_length(run.seconds)
    counts = "; ".join(describe_counts(voice, run, is_reading=run.is_reading))
    text = f"{run.run}  {begun}  {length}  {counts}"
    yield Line(text, tone=Tone.BAD if run.failed else Tone.PLAIN)
    for vm in run.vms or ():
        tone = Tone.BAD if vm.result is Result.FAILED else Tone.PLAIN
        yield Line(f"{vm.vmx}: {_tell_result(run, vm, voice)}", INDENT, tone)


def _tell_result(run: RunLine, vm: VmResult, voice: Voice) -> str:
    if vm.result is Result.FAILED:
        return voice.phrase("result_failed", run=run.run)
    if vm.result is Result.HELD:
        return voice.phrase("result_held", run=run.run)
    return voice.phrase(_RESULTS[vm.result])
