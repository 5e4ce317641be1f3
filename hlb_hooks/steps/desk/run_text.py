"""A run in text: the hooks' report, with what only shows afterwards."""

from collections.abc import Iterator
from datetime import tzinfo

from hlb_hooks.base import clock
from hlb_hooks.decisions.views.run_view import BEFORE_THE_END, Outcome, RunView, VmView
from hlb_hooks.steps.desk.lines import INDENT, Line, Tone
from hlb_hooks.steps.desk.words import (
    Voice,
    describe_counts,
    describe_hours,
    describe_later,
    describe_length,
    describe_phases,
    describe_reading,
    describe_snapshot,
    describe_state,
    is_trouble,
)

_TONES = {
    Outcome.FAILED: Tone.BAD,
    Outcome.OPEN: Tone.WARNING,
    Outcome.PROTECTED: Tone.GOOD,
}


def tell_run_in_text(run: RunView, voice: Voice, zone: tzinfo) -> Iterator[Line]:
    """Give the lines of the report of ``run``."""
    yield Line(voice.phrase("run", run=run.run, job=run.job, owner=run.owner), tone=Tone.HEAD)
    yield Line(_tell_when(run, voice, zone))
    is_reading = run.state in BEFORE_THE_END
    is_good = not run.totals.failed
    counts = describe_counts(voice, run.totals, is_reading=is_reading)
    yield Line(
        "; ".join(counts),
        tone=Tone.GOOD if is_good else Tone.BAD,
    )
    if run.client_said:
        yield Line(voice.phrase("client_said", text=run.client_said))
    yield Line(voice.phrase("report"))
    for vm in run.vms:
        yield from _tell_vm(vm, voice)
    beyond = run.totals.beyond_reading_seconds
    if beyond is not None:
        yield Line(voice.phrase("beyond_reading", hours=describe_hours(beyond)), tone=Tone.QUIET)
    yield Line(_tell_machines(run))


def _tell_when(run: RunView, voice: Voice, zone: tzinfo) -> str:
    begun, state = clock.format_local(run.begun, zone), describe_state(voice, run)
    if run.ended is None:
        return voice.phrase("run_on_host", host=run.host, begun=begun, state=state)
    return voice.phrase(
        "run_ended_at",
        host=run.host,
        begun=begun,
        ended=describe_later(run.ended, run.begun, zone),
        length=describe_length(run.seconds),
        state=state,
    )


def _tell_vm(vm: VmView, voice: Voice) -> Iterator[Line]:
    yield Line(" ".join((vm.vmx, *vm.flags)), tone=_TONES.get(vm.outcome, Tone.PLAIN))
    tone = Tone.PLAIN if is_trouble(vm) else Tone.QUIET
    for trouble in vm.troubles:
        yield Line(voice.phrase("reason", text=trouble.reason), INDENT, tone)
        if trouble.next_step:
            yield Line(voice.phrase("next_step", text=trouble.next_step), INDENT, tone)
    if vm.snapshot:
        yield Line(describe_snapshot(voice, vm), INDENT, Tone.QUIET)
    if vm.phases:
        yield Line(describe_phases(voice, vm), INDENT, Tone.QUIET)
    if vm.reading is not None:
        yield Line(describe_reading(voice, vm.reading), INDENT, Tone.QUIET)
    for note in vm.notes:
        yield Line(voice.phrase("note", text=note), INDENT, Tone.QUIET)


def _tell_machines(run: RunView) -> str:
    """Give the last line of the hooks' reports: the same fields, and the verdict as it is now."""
    totals = run.totals
    return (
        f"HLB job={run.job} run={run.run} chosen={totals.chosen} ready={totals.protected} "
        f"failed={totals.chosen - totals.protected} open={totals.open} exit={int(run.exit)}"
    )
