"""What the start hook would do with each VM of the host, as the operator is shown it: pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from hlb_hooks.base.text import escape
from hlb_hooks.decisions.selection import MatchedVm, Selection
from hlb_hooks.decisions.targets import Target
from hlb_hooks.decisions.views.run_view import DiskView, Outcome, TroubleView, VmView
from hlb_hooks.effects.records import Flag


class Would(StrEnum):
    """What would become of one VM."""

    SNAPSHOT = "snapshot"
    READ = "read"  # nobody locks its disks
    LEFT_OUT = "left out"  # chosen and due, and not protected
    NOT_DUE = "not due"
    HELD = "held"  # an operator wants it left alone
    EXCLUDED = "excluded"  # by a line that begins with !
    NOT_NAMED = "not named"  # by any line


@dataclass(frozen=True)
class TargetView:
    """A line of the targets file."""

    line: Annotated[int, "its number"]
    text: Annotated[str, "what it says"]


@dataclass(frozen=True)
class PlannedVm:
    """What would become of a VM, and why."""

    vmx: Annotated[str, "the path of its .vmx"]
    name: Annotated[str, "its display name, or its folder's"]
    would: Annotated[Would, "what would become of it"]
    target: Annotated[TargetView | None, "the line that decided; null: none names it"]
    troubles: Annotated[tuple[TroubleView, ...], "why it would be left out, or is not due"]
    notes: Annotated[tuple[str, ...], "things to know: since when it is due, what is carried"]
    missed_disks: Annotated[tuple[DiskView, ...], "disks that the backup may be without"]
    attributes: Annotated[Mapping[str, str], "its attributes, such as BCK_FVM"]
    due_since: Annotated[datetime | None, "since when it is due, if it has an interval"]
    next_due: Annotated[datetime | None, "when it is due next, if it is not"]
    last_success: Annotated[str | None, "the run that the two are reckoned from"]


def view_plan(selection: Selection, vms: Iterable[VmView]) -> tuple[PlannedVm, ...]:
    """Give every VM of the host; ``vms`` are those that the rehearsed run has something to say of.

    In the order of the start hook's report: what would not be protected first, and last of all
    those that nobody wants.
    """
    targets = {escape(vm.vmx): view_target(vm.target) for vm in selection.chosen}
    chosen = [_view_chosen(vm, targets.get(vm.vmx)) for vm in vms]
    return (*chosen, *_view_others(selection))


def view_target(target: Target) -> TargetView:
    """Give a line of the targets file."""
    return TargetView(target.line_number, escape(target.spoken_text))


def _view_chosen(vm: VmView, target: TargetView | None) -> PlannedVm:
    return PlannedVm(
        vmx=vm.vmx,
        name=vm.name,
        would=_find_fate(vm),
        target=target,
        troubles=vm.troubles,
        notes=vm.notes,
        missed_disks=vm.missed_disks,
        attributes=vm.attributes,
        due_since=vm.due_since,
        next_due=vm.next_due,
        last_success=vm.last_success or None,
    )


def _find_fate(vm: VmView) -> Would:
    match vm.outcome:
        case Outcome.NOT_DUE:
            return Would.NOT_DUE
        case Outcome.HELD:
            return Would.HELD
        case Outcome.READY | Outcome.PROTECTED:
            return Would.READ if Flag.READABLE in vm.flags else Would.SNAPSHOT
    return Would.LEFT_OUT


def _view_others(selection: Selection) -> Iterator[PlannedVm]:
    unwanted: list[tuple[str, str, Would, MatchedVm | None]] = [
        *((vm.vmx, vm.name, Would.EXCLUDED, vm) for vm in selection.excluded),
        *((vm.vmx, vm.spoken_name, Would.NOT_NAMED, None) for vm in selection.not_named),
    ]
    for vmx, name, would, matched in unwanted:
        yield PlannedVm(
            vmx=escape(vmx),
            name=escape(name),
            would=would,
            target=view_target(matched.target) if matched else None,
            troubles=(),
            notes=(),
            missed_disks=(),
            attributes={},
            due_since=None,
            next_due=None,
            last_success=None,
        )
