"""Whether a chosen VM gets a snapshot, can be read without one, or is left alone, and why."""

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from hlb_hooks.base.names import bears_our_prefix
from hlb_hooks.decisions.phrase import Phrase, phrase
from hlb_hooks.effects.vm_files import VmFacts
from hlb_hooks.effects.vmware_answers import PowerState


class Verdict(Enum):
    """The three ways."""

    SNAPSHOT = "snapshot"
    READABLE = "readable"
    LEFT_OUT = "left out"


@dataclass(frozen=True)
class Admission:
    """The verdict, its reason and the next step where it is no snapshot, and things to know."""

    verdict: Verdict
    reason: Phrase | None = None
    next_step: Phrase | None = None
    notes: tuple[Phrase, ...] = ()


def admit_by_files(facts: VmFacts, *, allow_linked_clones: bool) -> Admission:
    """Decide by what the VM's files say; no command of the host is needed for that."""
    notes = tuple(_find_notes(facts))
    refusal = _refuse_by_snapshots(facts) or _refuse_by_disks(
        facts, allow_linked_clones=allow_linked_clones
    )
    if refusal is not None:
        return Admission(Verdict.LEFT_OUT, refusal[0], refusal[1], notes)
    if facts.is_template:
        return Admission(Verdict.READABLE, phrase("is_template"), notes=notes)
    return Admission(Verdict.SNAPSHOT, notes=notes)


def refuse_by_power_state(state: PowerState) -> tuple[Phrase, Phrase] | None:
    """Give reason and next step for a VM that waits for an answer.

    A VM that is off or suspended gets its snapshot too: it may be started meanwhile.
    """
    if state is PowerState.STUCK:
        return phrase("is_stuck"), phrase("answer_it")
    return None


def _refuse_by_snapshots(facts: VmFacts) -> tuple[Phrase, Phrase] | None:
    names = facts.snapshot_names
    if not names:
        return None
    ours = [name for name in names if bears_our_prefix(name)]
    listed = ", ".join(names)
    if ours:
        return phrase("has_leftover", names=listed), phrase("settle_leftover")
    return phrase("has_foreign_snapshot", names=listed), phrase("let_owner_remove")


def _refuse_by_disks(facts: VmFacts, *, allow_linked_clones: bool) -> tuple[Phrase, Phrase] | None:
    for disk in facts.covered_disks:
        if disk.chain.is_delta and not disk.is_linked_clone:
            return phrase("has_unknown_delta", path=disk.chain.top.path), phrase("consolidate")
        if disk.chain.is_delta and not allow_linked_clones:
            return phrase("is_linked_clone", path=disk.chain.paths[1]), phrase("allow_clones")
    # Nobody locks a template's disks, so it needs no snapshot and nothing can stand in its way.
    return None if facts.is_template else _refuse_by_devices(facts)


def _refuse_by_devices(facts: VmFacts) -> tuple[Phrase, Phrase] | None:
    """Give what makes the host refuse a snapshot, or makes one useless.

    By what a .vmx tells that a VM is under Fault Tolerance is written nowhere that was found: the
    host refuses those by itself, and the refusal is reported.
    """
    if facts.vmx.get_bool("snapshot.disabled"):
        return phrase("snapshots_disabled"), phrase("back_up_inside")
    if buses := facts.vmx.shared_bus_controllers():
        return phrase("shares_bus", controllers=", ".join(buses)), phrase("back_up_inside")
    for disk in facts.disks:
        if disk.chain.base.descriptor.is_raw:
            return phrase("has_raw_disk", node=disk.disk.node), phrase("back_up_inside")
    if not facts.disks:
        return phrase("has_no_disk"), phrase("look_at_vmx")
    if not facts.covered_disks:
        return phrase("nothing_covered"), phrase("back_up_inside")
    return None


def _find_notes(facts: VmFacts) -> Iterable[Phrase]:
    folder = posixpath.dirname(facts.vmx_path)
    for disk in facts.disks:
        path = disk.chain.base.path
        if disk.disk.is_independent:
            yield phrase("independent_disk", node=disk.disk.node, path=path)
        elif not disk.is_covered:
            yield phrase("physical_rdm", node=disk.disk.node, path=path)
        if posixpath.dirname(path) != folder and not disk.chain.is_delta:
            yield phrase("disk_elsewhere", node=disk.disk.node, path=path)
