"""One run as the operator is shown it. Every name is escaped, as in the hooks' report."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.decisions.views.phases import Phase
from hlb_hooks.decisions.views.reading import ReadingView


class RunState(StrEnum):
    """How far a run is."""

    STARTING = "starting"  # the start hook is at work
    BACKING_UP = "backing up"  # the client's turn
    REMOVING = "removing"  # the end hook is over or its client gone, and something is open
    AWAITING_LOG = "awaiting log"  # nothing is open; the client's log is not read yet
    FINISHED = "finished"


BEFORE_THE_END = frozenset({RunState.STARTING, RunState.BACKING_UP})
"""While the client is reading what is protected is only ready: nothing is backed up yet."""


class Outcome(StrEnum):
    """What became of one VM."""

    FAILED = "failed"
    OPEN = "open"  # protected, and its snapshot could not be removed so far
    PENDING = "pending"
    READY = "ready"  # it can be read; nothing is backed up yet
    PROTECTED = "protected"
    ADOPTED = "adopted"  # another run's snapshot, which this one removes
    NOT_DUE = "not due"
    HELD = "held"  # an operator wanted it left alone


@dataclass(frozen=True)
class TroubleView:
    """What is the matter with a VM."""

    reason: Annotated[str, "why, in the language of the run"]
    next_step: Annotated[str, "what to do about it; may be empty"]


@dataclass(frozen=True)
class DiskView:
    """A disk that the backup may be without."""

    node: Annotated[str, "where it is attached, as in the .vmx: scsi0:1"]
    path: Annotated[str, "the descriptor of its base"]
    why: Annotated[
        str,
        "independent_disk or physical_rdm: no snapshot covers it; disk_elsewhere: outside the VM's "
        "folder, so the dataset must name it too",
    ]


@dataclass(frozen=True)
class VmView:
    """One VM in a run."""

    name: Annotated[str, "its display name"]
    vmx: Annotated[str, "the path of its .vmx, as the host printed it"]
    moved_to: Annotated[str | None, "where its .vmx was found later, if the VM was moved"]
    uuid: Annotated[str | None, "the uuid.bios of its .vmx, if it has one"]
    outcome: Annotated[Outcome, "what became of it"]
    flags: Annotated[tuple[str, ...], "the flags of the report: docs/reference/hooks.md"]
    is_read: Annotated[
        bool | None, "whether the client read it by its own log; null: that is not known"
    ]
    troubles: Annotated[tuple[TroubleView, ...], "what is the matter, and still is"]
    notes: Annotated[tuple[str, ...], "things to know that decide nothing, in the run's language"]
    snapshot: Annotated[str | None, "the name of its last snapshot"]
    consistency: Annotated[
        str | None, "of that snapshot: quiesced, crash_consistent, powered_off or suspended"
    ]
    phases: Annotated[tuple[Phase, ...], "what it went through, in order"]
    reading: Annotated[ReadingView | None, "when the client read it, if the guard saw it"]
    missed_disks: Annotated[tuple[DiskView, ...], "disks that the backup may be without"]
    attributes: Annotated[dict[str, str], "its attributes, such as BCK_FVM"]
    due_since: Annotated[datetime | None, "since when it was due, if it has an interval"]
    next_due: Annotated[datetime | None, "when it is due next, if it was not"]
    last_success: Annotated[str | None, "the run that the two are reckoned from"]


@dataclass(frozen=True)
class Totals:
    """The numbers of a run; chosen is the sum of protected, failed and pending."""

    present: Annotated[int, "VMs on the host"]
    chosen: Annotated[int, "VMs that the run was to protect"]
    protected: Annotated[int, "of these: what was read, or can be read now, is worth keeping"]
    failed: Annotated[int, "of these: not protected"]
    pending: Annotated[int, "of these: nothing is known yet"]
    open: Annotated[int, "VMs on which a snapshot of ours is, or may be"]
    not_due: Annotated[int, "VMs that the targets choose, and whose turn it was not"]
    beyond_reading_seconds: Annotated[
        int | None,
        "estimate: how long all snapshots together were there beyond their VMs' reading; null: the "
        "guard saw no reading",
    ]
    held: Annotated[int, "VMs that the targets choose, and that an operator wanted left alone"]


@dataclass(frozen=True)
class RunView:
    """One run."""

    run: Annotated[str, "its name"]
    job: Annotated[str, "its job"]
    host: Annotated[str, "the host it ran on"]
    owner: Annotated[str, "whose it is: the client's process, or a lease"]
    state: Annotated[RunState, "how far it is"]
    exit: Annotated[ExitCode, 'its verdict, as an end hook with end_exit = "all" gives it now']
    begun: Annotated[datetime, "when it began"]
    started: Annotated[datetime | None, "when the start hook was over"]
    handed_over: Annotated[datetime | None, "when the end hook was over"]
    ended: Annotated[datetime | None, "when nothing of it was open any more"]
    latest: Annotated[datetime, "the time of its last record"]
    seconds: Annotated[int, "from its begin to its end, or until now"]
    client_said: Annotated[str | None, "the last word of the client's log, once it was read"]
    totals: Annotated[Totals, "the numbers"]
    vms: Annotated[tuple[VmView, ...], "the VMs in the order of the hooks' report: failures first"]
