"""What a state file's records add up to: one run, and the story of each of its VMs."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from hlb_hooks.base.config import Config
from hlb_hooks.base.errors import ConfigurationError, StateError
from hlb_hooks.effects.owner import Owner, owner_from_details
from hlb_hooks.effects.processes import ProcessIdentity
from hlb_hooks.effects.records import Flag, Record
from hlb_hooks.vmfiles.sighting import RecordedDisk

# The flags a report shows, in the order in which a VM earns them.
REPORTED_FLAGS = (
    Flag.READABLE,
    Flag.LEFT_OUT,
    Flag.FAILED_SNAP,
    Flag.OK_SNAP,
    Flag.OK_READ,
    Flag.FAILED_READ,
    Flag.TORN,
    Flag.MERGING,
    Flag.FAILED_UMOUNT,
    Flag.OK_UMOUNT,
)
# A later flag takes the place of an earlier one that said "not yet".
_REPLACED_BY = {
    Flag.OK_UMOUNT: {Flag.MERGING, Flag.FAILED_UMOUNT},
    Flag.MERGING: {Flag.FAILED_UMOUNT},
    Flag.FAILED_UMOUNT: {Flag.MERGING},
    Flag.OK_SNAP: {Flag.FAILED_SNAP, Flag.LEFT_OUT},
}


class AttemptState(Enum):
    """How much is known of a snapshot that was asked for."""

    UNCLEAR = "unclear"  # the intent is down; it may exist, or come to exist
    REFUSED = "refused"  # the host said no and the files agreed: looked at once more at the end
    SEEN = "seen"  # the files showed it
    CLOSED = "closed"  # the files showed that it is gone, or that it never came


@dataclass
class Attempt:
    """One snapshot that was asked for, from its intent on."""

    snapshot: str
    intended: datetime
    disks: tuple[RecordedDisk, ...]
    is_quiesced: bool
    state: AttemptState = AttemptState.UNCLEAR

    def apply(self, flag: Flag, details: Mapping[str, str]) -> None:
        """Take in a record that names this snapshot."""
        if flag is Flag.OK_UMOUNT or details.get("closed") == "1":
            self.state = AttemptState.CLOSED
        elif flag is Flag.OK_SNAP:
            self.state = AttemptState.SEEN
        elif flag is Flag.NOT_MADE and self.state is AttemptState.UNCLEAR:
            self.state = AttemptState.REFUSED


@dataclass(frozen=True)
class Trouble:
    """Why a VM has a flag that nobody wants, in words, and what to do about it."""

    reason: str
    next_step: str


@dataclass
class VmStory:
    """All that a run knows of one VM. ``vmx`` is the path as the host printed it."""

    vmx: str
    name: str = ""
    is_chosen: bool = False
    flags: set[Flag] = field(default_factory=set)
    troubles: dict[Flag, Trouble] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    attempts: dict[str, Attempt] = field(default_factory=dict)
    is_removal_begun: bool = False
    details: dict[str, str] = field(default_factory=dict)

    @property
    def current_troubles(self) -> list[Trouble]:
        """What was the matter, and still is: the reasons of the flags that stand."""
        return [self.troubles[flag] for flag in self.reported_flags if flag in self.troubles]

    @property
    def reason(self) -> str:
        """The first thing that is the matter, or nothing."""
        return next((trouble.reason for trouble in self.current_troubles), "")

    @property
    def unsettled_attempts(self) -> list[Attempt]:
        """The snapshots whose end the files have not shown yet."""
        return [
            attempt
            for attempt in self.attempts.values()
            if attempt.state is not AttemptState.CLOSED
        ]

    @property
    def is_open(self) -> bool:
        """Whether a snapshot of ours is on this VM, or may be."""
        states = {attempt.state for attempt in self.attempts.values()}
        return bool(states & {AttemptState.UNCLEAR, AttemptState.SEEN})

    @property
    def is_ready(self) -> bool:
        """Whether its base disks can be read now, or could while the backup ran."""
        return bool({Flag.OK_SNAP, Flag.READABLE} & self.flags) and Flag.LEFT_OUT not in self.flags

    @property
    def is_protected(self) -> bool:
        """Whether what was read is worth keeping."""
        return self.is_ready and not {Flag.TORN, Flag.FAILED_READ} & self.flags

    @property
    def is_open_in_trouble(self) -> bool:
        """Whether a removal was tried, or is under way, and is not finished."""
        return self.is_open and bool({Flag.MERGING, Flag.FAILED_UMOUNT} & self.flags)

    @property
    def reported_flags(self) -> tuple[Flag, ...]:
        """The flags of the report, in their order."""
        return tuple(flag for flag in REPORTED_FLAGS if flag in self.flags)

    def apply(self, record: Record) -> None:
        """Take in one record of this VM. Raise KeyError or ValueError for a malformed one."""
        details = record.details
        flag = Flag(record.flag)
        if flag is Flag.PRESENT:
            return
        if flag is Flag.CHOSEN:
            self.is_chosen = True
            self.name = details.get("name", self.name)
        elif flag is Flag.INTENT_SNAP:
            self.attempts[details["snapshot"]] = Attempt(
                snapshot=details["snapshot"],
                intended=record.moment,
                disks=decode_disks(details["disks"]),
                is_quiesced=details.get("quiesce") == "1",
            )
        elif flag is Flag.INTENT_UMOUNT:
            self.is_removal_begun = True
        elif flag in REPORTED_FLAGS:
            self.flags -= _REPLACED_BY.get(flag, set())
            self.flags.add(flag)
            if "reason" in details:
                self.troubles[flag] = Trouble(details["reason"], details.get("next", ""))
            self.details.update(details)
        if note := details.get("note"):
            self.notes.extend(line for line in note.split("\n") if line not in self.notes)
        attempt = self.attempts.get(details.get("snapshot", ""))
        if attempt is not None:
            attempt.apply(flag, details)


@dataclass
class Run:
    """One run: what it is, who owns it, and its VMs in the order the host listed them."""

    name: str
    job: str
    host: str
    boot_id: str
    begun: datetime
    owner: Owner
    config: Config
    vms: dict[str, VmStory] = field(default_factory=dict)
    guard: ProcessIdentity | None = None
    inventory_count: int | None = None
    is_started: bool = False
    is_handed_over: bool = False
    is_ended: bool = False

    @property
    def chosen(self) -> list[VmStory]:
        """The VMs this run was to protect."""
        return [vm for vm in self.vms.values() if vm.is_chosen]

    @property
    def open_vms(self) -> list[VmStory]:
        """The VMs on which something of this run may still be."""
        return [vm for vm in self.vms.values() if vm.is_open]

    @property
    def unsettled_vms(self) -> list[VmStory]:
        """The VMs whose files must be looked at before this run can end."""
        return [vm for vm in self.vms.values() if vm.unsettled_attempts]

    def apply(self, record: Record) -> None:
        """Take in one record. Raise KeyError or ValueError for a malformed one."""
        flag = Flag(record.flag)
        if record.vmx is not None:
            story = self.vms.get(record.vmx)
            if story is None:
                story = self.vms[record.vmx] = VmStory(record.vmx)
            story.apply(record)
        elif flag is Flag.GUARD:
            details = record.details
            self.guard = ProcessIdentity(
                int(details["pid"]), int(details["start_ticks"]), details["boot_id"]
            )
        elif flag is Flag.INVENTORY:
            self.inventory_count = int(record.details["count"])
        elif flag is Flag.STARTED:
            self.is_started = True
        elif flag is Flag.HANDED_OVER:
            self.is_handed_over = True
        elif flag is Flag.ENDED:
            self.is_ended = True


def tell_run(records: Iterable[Record], path: str) -> Run | None:
    """Add the records up. None: the run was killed while it wrote its head, and did nothing.

    Raise StateError, naming ``path``, for records that make no sense together.
    """
    heads: dict[str, Record] = {}
    rest: list[Record] = []
    for record in records:
        is_head = record.flag in {Flag.STATE, Flag.OWNER, Flag.CONFIG} and record.vmx is None
        if is_head and record.flag in heads:
            raise _senseless(path, f"{record.flag} is there twice")
        if is_head:
            heads[record.flag] = record
        else:
            rest.append(record)
    if not {Flag.STATE, Flag.OWNER, Flag.CONFIG} <= heads.keys():
        if rest:
            raise _senseless(path, "its head is missing")
        return None
    try:
        head = heads[Flag.STATE]
        run = Run(
            name=head.details["run"],
            job=head.details["job"],
            host=head.details["host"],
            boot_id=head.details["boot_id"],
            begun=head.moment,
            owner=owner_from_details(heads[Flag.OWNER].details),
            config=Config.from_json(heads[Flag.CONFIG].details["json"]),
        )
        for record in rest:
            run.apply(record)
    except (ConfigurationError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise _senseless(path, f"{type(error).__name__}: {error}") from error
    return run


def encode_disks(disks: Iterable[RecordedDisk]) -> str:
    """Give the disks as they are before a snapshot, for the record of its intent."""
    return json.dumps([disk.to_json() for disk in disks], separators=(",", ":"))


def decode_disks(text: str) -> tuple[RecordedDisk, ...]:
    """Read what ``encode_disks`` gave. Raise ValueError or KeyError for anything else."""
    return tuple(RecordedDisk.from_json(entry) for entry in json.loads(text))


def _senseless(path: str, why: str) -> StateError:
    return StateError(
        f"{path}: its records make no sense together ({why})",
        next_step="it is left as it is; compare it with the VMs' .vmsd files, then move it away",
    )
