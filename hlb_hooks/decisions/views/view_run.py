"""From a run's records to what the operator is shown of it: pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from hlb_hooks.base.text import escape, make_printable
from hlb_hooks.decisions.missed_disks import decode_missed_disks
from hlb_hooks.decisions.verdict import count_vms, decide_end_exit, rank_in_report
from hlb_hooks.decisions.views.phases import trace_phases
from hlb_hooks.decisions.views.reading import add_beyond, find_reading
from hlb_hooks.decisions.views.run_view import (
    BEFORE_THE_END,
    DiskView,
    Outcome,
    RunState,
    RunView,
    Totals,
    TroubleView,
    VmView,
)
from hlb_hooks.effects.records import Flag, Record
from hlb_hooks.effects.run_story import Run
from hlb_hooks.effects.vm_story import Trouble, VmStory

_ATTRIBUTE = "BCK_"
_CONSISTENCIES = {"quiesced", "crash_consistent", "powered_off", "suspended"}
_MOMENT = "%Y-%m-%dT%H:%M:%SZ"


@dataclass
class _Sorted:
    """A run's records, sorted: when each first came, and each VM's own."""

    moments: dict[str, datetime] = field(default_factory=dict)
    of_vm: dict[str, list[Record]] = field(default_factory=lambda: defaultdict(list))
    present: int = 0
    client_said: str = ""


def view_run(run: Run, records: Sequence[Record], now: datetime) -> RunView:
    """Give the view of ``run``, whose state file holds ``records``. Raise ValueError.

    What lasts still is measured up to ``now``.
    """
    told = _sort(records)
    ended = told.moments.get(Flag.ENDED)
    shown = [*run.concerned_vms, *run.held, *run.not_due]
    # sorted is stable: within a group the host's own order stays.
    state = _find_state(run, is_started=Flag.STARTED in told.moments)
    vms = [_view_vm(run, vm, told, state, now) for vm in sorted(shown, key=rank_in_report)]
    tally = count_vms(run.chosen)
    return RunView(
        run=run.name,
        job=run.job,
        host=escape(run.host),
        owner=escape(run.owner.describe()),
        state=state,
        exit=decide_end_exit(tally, "all"),
        begun=run.begun,
        started=told.moments.get(Flag.STARTED),
        handed_over=told.moments.get(Flag.HANDED_OVER),
        ended=ended,
        latest=run.latest,
        seconds=max(0, round(((ended or now) - run.begun).total_seconds())),
        client_said=escape(told.client_said) or None,
        totals=Totals(
            present=told.present,
            chosen=tally.chosen,
            protected=tally.ready,
            failed=len(run.failed),
            pending=len(run.pending),
            open=len(run.open_vms),
            not_due=len(run.not_due),
            beyond_reading_seconds=add_beyond(vm.reading for vm in vms),
            held=len(run.held),
        ),
        vms=tuple(vms),
    )


def _sort(records: Sequence[Record]) -> _Sorted:
    told = _Sorted()
    for record in records:
        if record.vmx is None:
            told.moments.setdefault(record.flag, record.moment)
            if record.flag == Flag.VERDICT:
                told.client_said = record.details.get("said", "")
        elif record.flag == Flag.PRESENT:
            told.present += 1
        else:
            told.of_vm[record.vmx].append(record)
    return told


def _find_state(run: Run, *, is_started: bool) -> RunState:
    if run.is_ended:
        return RunState.AWAITING_LOG if run.awaits_verdict else RunState.FINISHED
    open_vms = run.open_vms
    if run.is_handed_over or (open_vms and all(vm.is_removal_begun for vm in open_vms)):
        return RunState.REMOVING
    return RunState.BACKING_UP if is_started else RunState.STARTING


def _view_vm(run: Run, vm: VmStory, told: _Sorted, state: RunState, now: datetime) -> VmView:
    records = told.of_vm[vm.vmx]
    wishes = _merge_details(records, Flag.CHOSEN, Flag.NOT_DUE)
    consistency = _merge_details(records, Flag.OK_SNAP).get("consistency")
    phases = trace_phases(records, run.begun, told.moments.get(Flag.ENDED), now)
    missed = [
        disk for record in records for disk in decode_missed_disks(record.details.get("missed", ""))
    ]
    return VmView(
        name=escape(vm.name),
        vmx=escape(vm.vmx),
        moved_to=escape(vm.moved_to) or None,
        uuid=escape(vm.uuid) or None,
        outcome=_find_outcome(run, vm, state),
        flags=tuple(str(flag) for flag in vm.reported_flags),
        is_read=_is_read(vm),
        troubles=tuple(_view_trouble(each) for each in vm.current_troubles),
        notes=tuple(make_printable(note) for note in vm.notes),
        snapshot=escape(next(reversed(vm.attempts), "")) or None,
        consistency=consistency if consistency in _CONSISTENCIES else None,
        phases=phases,
        reading=find_reading(records, phases),
        missed_disks=tuple(
            DiskView(escape(disk.node), escape(disk.path), disk.why)
            for disk in dict.fromkeys(missed)
        ),
        attributes={
            escape(name): escape(value)
            for name, value in wishes.items()
            if name.startswith(_ATTRIBUTE)
        },
        due_since=_read_moment(wishes.get("due_since")),
        next_due=_read_moment(wishes.get("next_due")),
        last_success=wishes.get("last_success"),
    )


def _view_trouble(trouble: Trouble) -> TroubleView:
    return TroubleView(make_printable(trouble.reason), make_printable(trouble.next_step))


def _find_outcome(run: Run, vm: VmStory, state: RunState) -> Outcome:
    if Flag.NOT_DUE in vm.flags:
        return Outcome.NOT_DUE
    if vm in run.held:
        return Outcome.HELD
    if vm.is_open_in_trouble:
        return Outcome.OPEN if vm.is_protected or not vm.is_chosen else Outcome.FAILED
    if not vm.is_chosen:
        return Outcome.ADOPTED
    if vm.is_protected:
        return Outcome.READY if state in BEFORE_THE_END else Outcome.PROTECTED
    return Outcome.FAILED if vm.flags or run.is_ended else Outcome.PENDING


def _is_read(vm: VmStory) -> bool | None:
    if Flag.FAILED_READ in vm.flags:
        return False
    return True if Flag.OK_READ in vm.flags else None


def _merge_details(records: Sequence[Record], *flags: Flag) -> Mapping[str, str]:
    merged: dict[str, str] = {}
    for record in records:
        if record.flag in flags:
            merged.update(record.details)
    return merged


def _read_moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.strptime(text, _MOMENT).replace(tzinfo=UTC)
