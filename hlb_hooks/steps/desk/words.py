"""Moments, lengths of time and flags in words: the same in the text, on the page, everywhere."""

from datetime import datetime, tzinfo
from typing import Protocol

from hlb_hooks.base import clock
from hlb_hooks.decisions.views.phases import Phase, PhaseKind
from hlb_hooks.decisions.views.reading import ReadingView
from hlb_hooks.decisions.views.run_view import Outcome, RunState, RunView, VmView

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_STATES = {
    RunState.STARTING: "state_starting",
    RunState.BACKING_UP: "state_backing_up",
    RunState.REMOVING: "state_removing",
    RunState.AWAITING_LOG: "state_awaiting_log",
    RunState.FINISHED: "state_finished",
}
_LASTED = {
    PhaseKind.WAITING: "was_waiting",
    PhaseKind.MAKING: "was_making",
    PhaseKind.OPEN: "was_open",
    PhaseKind.REMOVING: "was_removing",
}
_LASTS = {
    PhaseKind.WAITING: "is_waiting",
    PhaseKind.MAKING: "is_making",
    PhaseKind.OPEN: "is_open",
    PhaseKind.REMOVING: "is_removing",
}


class Voice(Protocol):
    """Whoever gives the catalogue's sentences in the operator's language."""

    def phrase(self, key: str, **words: object) -> str:
        """Give one sentence."""


def describe_length(seconds: int) -> str:
    """Give a length of time in its two largest units: ``41 s``, ``7 min 5 s``, ``2 h 31 min``."""
    for size, unit, part, part_unit in (
        (_DAY, "d", _HOUR, "h"),
        (_HOUR, "h", _MINUTE, "min"),
        (_MINUTE, "min", 1, "s"),
    ):
        if seconds >= size:
            rest = seconds % size // part
            return f"{seconds // size} {unit}" + (f" {rest} {part_unit}" if rest else "")
    return f"{seconds} s"


def describe_later(moment: datetime, first: datetime, zone: tzinfo) -> str:
    """Give ``moment`` by the clock alone where it is on the same day as ``first``."""
    text = clock.format_local(moment, zone)
    same_day = text[:10] == clock.format_local(first, zone)[:10]
    return text[11:] if same_day else text


def describe_state(voice: Voice, run: RunView) -> str:
    """Say how far a run is."""
    return voice.phrase(_STATES[run.state])


class Counts(Protocol):
    """The numbers of a run, wherever they are from."""

    @property
    def chosen(self) -> int:
        """VMs that it was to protect."""

    @property
    def protected(self) -> int:
        """Of these, protected."""

    @property
    def failed(self) -> int:
        """Of these, not protected."""

    @property
    def pending(self) -> int:
        """Of these, nothing is known yet."""

    @property
    def open(self) -> int:
        """With an open snapshot."""

    @property
    def not_due(self) -> int:
        """Whose turn it was not."""

    @property
    def held(self) -> int:
        """That an operator wanted left alone."""


def describe_counts(voice: Voice, counts: Counts, *, is_reading: bool) -> list[str]:
    """Give the numbers of a run in words, those that are none left out.

    ``is_reading``: the client's turn is not over, so what is protected is only ready.
    """
    key = "totals_ready" if is_reading else "totals"
    numbers = {"chosen": counts.chosen, "protected": counts.protected, "failed": counts.failed}
    words = [voice.phrase(key, **numbers)]
    if counts.pending:
        words.append(voice.phrase("totals_pending", count=counts.pending))
    if counts.open:
        words.append(voice.phrase("totals_open", count=counts.open))
    if counts.not_due:
        words.append(voice.phrase("totals_not_due", count=counts.not_due))
    if counts.held:
        words.append(voice.phrase("totals_held", count=counts.held))
    return words


def describe_phases(voice: Voice, vm: VmView) -> str:
    """Say how long each part of a VM's night took."""
    return ", ".join(_describe_phase(voice, vm, phase) for phase in vm.phases)


def _describe_phase(voice: Voice, vm: VmView, phase: Phase) -> str:
    length = describe_length(phase.seconds)
    if phase.ended is None:
        return voice.phrase(_LASTS[phase.kind], length=length)
    index = vm.phases.index(phase)
    follower = vm.phases[index + 1].kind if index + 1 < len(vm.phases) else None
    if phase.kind is PhaseKind.MAKING and follower is not PhaseKind.OPEN:
        return voice.phrase("made_in_vain", length=length)
    return voice.phrase(_LASTED[phase.kind], length=length)


def describe_reading(voice: Voice, reading: ReadingView) -> str:
    """Say how long the client read a VM, as far as the guard saw it."""
    length = describe_length(reading.seconds)
    if reading.beyond_seconds is None:
        return voice.phrase("was_read_open", length=length)
    beyond = describe_length(reading.beyond_seconds)
    return voice.phrase("was_read", length=length, beyond=beyond)


def describe_hours(seconds: int) -> str:
    """Give hours, to the minute or so."""
    hours = seconds / 3600
    return f"{hours:.1f}" if hours >= 1 else f"{hours:.2f}"


def describe_snapshot(voice: Voice, vm: VmView) -> str:
    """Name a VM's snapshot, and say how consistent it is."""
    name = voice.phrase("snapshot_of", snapshot=vm.snapshot)
    return f"{name}, {voice.phrase(vm.consistency)}" if vm.consistency else name


def is_trouble(vm: VmView) -> bool:
    """Tell whether a person should look at a VM."""
    return vm.outcome in {Outcome.FAILED, Outcome.OPEN}


def name_vm(vm: VmView) -> str:
    """Give the name that people know a VM by; without one its folder's."""
    return vm.name or vm.vmx.rpartition("/")[0].rpartition("/")[2] or vm.vmx
