"""The story of one VM in a run: its flags, its troubles, and every snapshot that was tried."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum

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
    Flag.NOT_DUE,
)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
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
    recorded: datetime
    disks: tuple[RecordedDisk, ...]
    state: AttemptState = AttemptState.UNCLEAR
    was_seen: bool = False
    """Whether the files showed it at any time."""
    was_running: bool = False
    """Whether the guest ran when the snapshot was asked for."""

    def apply(self, flag: Flag, details: Mapping[str, str]) -> None:
        """Take in a record that names this snapshot."""
        if flag is Flag.OK_UMOUNT or details.get("closed") == "1":
            self.state = AttemptState.CLOSED
            self.was_seen |= flag is Flag.OK_UMOUNT
        elif flag is Flag.OK_SNAP:
            self.state = AttemptState.SEEN
            self.was_seen = True
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
    uuid: str = ""
    """What its .vmx said it was when it was chosen; empty where it said nothing."""
    is_chosen: bool = False
    flags: set[Flag] = field(default_factory=set)
    troubles: dict[Flag, Trouble] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    attempts: dict[str, Attempt] = field(default_factory=dict)
    removal_asked: datetime | None = None
    """When the host was last asked to remove our snapshot; ``removal_boot_id``: in which boot."""
    removal_boot_id: str = ""
    moved_to: str = ""
    """Where its .vmx was found after the VM had been moved to another folder, if it was."""
    readable_disks: tuple[RecordedDisk, ...] = ()
    """The disks of a VM that was read without a snapshot."""
    details: dict[str, str] = field(default_factory=dict)

    @property
    def is_removal_begun(self) -> bool:
        """Whether the host was asked to remove our snapshot."""
        return self.removal_asked is not None

    @property
    def place(self) -> str:
        """The path of the .vmx as it was last found."""
        return self.moved_to or self.vmx

    @property
    def base_disks(self) -> tuple[RecordedDisk, ...]:
        """The disks that the client was to read, as they were recorded before."""
        seen = [attempt for attempt in self.attempts.values() if attempt.was_seen]
        return seen[-1].disks if seen else self.readable_disks

    @property
    def was_running(self) -> bool:
        """Whether its guest ran at the last snapshot."""
        return any(attempt.was_running for attempt in self.attempts.values())

    @property
    def current_troubles(self) -> list[Trouble]:
        """What was the matter, and still is: the reasons of the flags that stand."""
        return [self.troubles[flag] for flag in self.reported_flags if flag in self.troubles]

    @property
    def reason(self) -> str:
        """The first thing that is the matter, or nothing."""
        return next((trouble.reason for trouble in self.current_troubles), "")

    @property
    def removal_reason(self) -> str:
        """What is the matter with the removal: what the client has read is another matter."""
        flags = (Flag.TORN, Flag.FAILED_UMOUNT, Flag.MERGING)
        standing = [
            self.troubles[flag] for flag in flags if flag in self.flags & set(self.troubles)
        ]
        return next((trouble.reason for trouble in standing), self.reason)

    @property
    def unsettled_attempts(self) -> list[Attempt]:
        """The snapshots whose end the files have not shown yet."""
        return [
            attempt
            for attempt in tuple(self.attempts.values())
            if attempt.state is not AttemptState.CLOSED
        ]

    @property
    def is_open(self) -> bool:
        """Whether a snapshot of ours is on this VM, or may be."""
        states = {attempt.state for attempt in tuple(self.attempts.values())}
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
        self.name = details.get("name", self.name)
        self.uuid = details.get("uuid", self.uuid)
        if flag is Flag.CHOSEN:
            self.is_chosen = True
        elif flag in {Flag.INTENT_SNAP, Flag.ADOPTED}:
            self._begin_attempt(flag, record)
        elif flag is Flag.MOVED:
            self.moved_to = details["to"]
            for moved in self.unsettled_attempts:
                moved.disks = decode_disks(details["disks"])
        elif flag is Flag.INTENT_UMOUNT:
            self.removal_asked = record.moment
            self.removal_boot_id = details.get("boot_id", "")
        elif flag in REPORTED_FLAGS:
            self._set_flag(flag, details)
        if note := details.get("note"):
            self.notes.extend(line for line in note.split("\n") if line not in self.notes)
        attempt = self.attempts.get(details.get("snapshot", ""))
        if attempt is not None:
            attempt.apply(flag, details)

    def _begin_attempt(self, flag: Flag, record: Record) -> None:
        details = record.details
        self.attempts[details["snapshot"]] = Attempt(
            snapshot=details["snapshot"],
            # Of one that was adopted only the end counts here, and nothing new can come of a
            # command that another host gave so long ago.
            intended=_LONG_AGO if flag is Flag.ADOPTED else record.moment,
            recorded=record.moment,
            disks=decode_disks(details["disks"]),
            was_seen=flag is Flag.ADOPTED,
            was_running=details.get("running") == "1",
        )

    def _set_flag(self, flag: Flag, details: Mapping[str, str]) -> None:
        self.flags -= _REPLACED_BY.get(flag, set())
        self.flags.add(flag)
        if "reason" in details:
            self.troubles[flag] = Trouble(details["reason"], details.get("next", ""))
        self.details.update(details)
        if flag is Flag.READABLE and "disks" in details:
            self.readable_disks = decode_disks(details["disks"])


def encode_disks(disks: Iterable[RecordedDisk]) -> str:
    """Give the disks as they are before a snapshot, for the record of its intent."""
    return json.dumps([disk.to_json() for disk in disks], separators=(",", ":"))


def decode_disks(text: str) -> tuple[RecordedDisk, ...]:
    """Read what ``encode_disks`` gave. Raise ValueError or KeyError for anything else."""
    return tuple(RecordedDisk.from_json(entry) for entry in json.loads(text))
