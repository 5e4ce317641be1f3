"""Snapshots as they are ordered, what became of them, and looking at a VM's files for that."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from hlb_hooks.base.errors import VmFileError
from hlb_hooks.effects import vm_files
from hlb_hooks.effects.claims import Claim
from hlb_hooks.effects.effect_kind import changes, reads
from hlb_hooks.effects.vmware_answers import RefusalKind
from hlb_hooks.vmfiles.sighting import RecordedDisk, Sighting, sight_snapshots


@dataclass(frozen=True)
class SnapshotOrder:
    """One snapshot to be made: what its intent recorded, and what goes beside the VM's .vmx."""

    vmx: str
    name: str
    description: str
    disks: tuple[RecordedDisk, ...]
    quiesce: bool
    memory: bool
    claim: Claim
    vmx_data: bytes
    stale_claim: Claim | None


@dataclass(frozen=True)
class Removal:
    """Every snapshot we have recorded on one VM, and the disks as they were before the first."""

    vmx: str
    ours: tuple[str, ...]
    disks: tuple[RecordedDisk, ...]


@dataclass(frozen=True)
class MakeResult:
    """What became of an order: the files' verdict, and the host's words where it complained.

    ``is_certain`` is false when a snapshot may still come to exist; ``kind`` is that of the
    host's refusal, where it was one.
    """

    is_made: bool
    is_certain: bool
    message: str = ""
    kind: RefusalKind | None = None

    @property
    def may_be_quiescing(self) -> bool:
        """Whether quiescing may have been the trouble, so that a try without it makes sense.

        The host has many words for it and none is certain: -999 with a fault's text, or -8 where
        the tools do not run. What surely is another matter is left out.
        """
        return self.is_certain and self.kind in {
            RefusalKind.FAULT,
            RefusalKind.BUSY,
            RefusalKind.WRONG_STATE,
            RefusalKind.OTHER,
        }


@dataclass(frozen=True)
class RemoveResult:
    """What the files say after a removal, and the host's words where it complained.

    ``sighting`` is None when the files could not be read; ``was_asked`` tells whether the host
    was asked to remove anything.
    """

    sighting: Sighting | None
    was_asked: bool
    message: str = ""
    kind: RefusalKind | None = None


class Snapshots(Protocol):
    """The changes this package makes to a VM."""

    @changes
    def make(self, order: SnapshotOrder) -> MakeResult:
        """Lay the claim down, ask for the snapshot, and look at what came of it."""

    @changes
    def remove(self, removal: Removal, asked: Callable[[], None]) -> RemoveResult:
        """Remove our snapshots if no other is there, and wait for the disks.

        ``asked`` is called just before the host is asked.
        """

    @changes
    def drop_claim(self, vmx: str, run: str) -> None:
        """Take the run's claim away. Raise VmFileError."""

    @changes
    def refresh_claim(self, vmx: str, run: str, *, is_released: bool) -> None:
        """Say in the run's claim that it is answered for, or released. Raise VmFileError."""

    @changes
    def adopt_claim(self, vmx: str, claim: Claim, stale: Claim | None) -> None:
        """Put ``claim`` in the place of one nobody answers for. Raise VmFileError."""


@reads
def look(removal: Removal) -> tuple[Sighting | None, str]:
    """Read what became of the snapshots; None, and why, when the files cannot be read now."""
    try:
        facts = vm_files.read_vm(removal.vmx)
    except VmFileError as error:
        return None, error.message
    return sight_snapshots(removal.ours, removal.disks, facts.snapshot_names, facts.chains), ""


def may_remove(sighting: Sighting | None) -> bool:
    """Tell whether our snapshot is there and alone."""
    if sighting is None or not sighting.is_ours_there:
        return False
    return not (sighting.other_snapshots or sighting.helpers or sighting.has_unknown_delta)
