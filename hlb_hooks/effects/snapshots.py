"""Making and removing one snapshot, and finding out what became of it.

The command's answer is a claim; the VM's files are the fact. So each change ends in looking at
the files until they are clear or the limit is reached, above all after a command that failed.
"""

from collections.abc import Callable
from dataclasses import dataclass

from hlb_hooks.base import clock
from hlb_hooks.base.errors import HlbError, VmFileError
from hlb_hooks.effects import claims
from hlb_hooks.effects.claims import Claim
from hlb_hooks.effects.effect_kind import changes
from hlb_hooks.effects.snapshot_work import (
    MakeResult,
    Removal,
    RemoveResult,
    SnapshotOrder,
    look,
    may_remove,
)
from hlb_hooks.effects.vmware_answers import RefusalKind
from hlb_hooks.effects.vmware_cmd import HostSays, VmwareCmd
from hlb_hooks.vmfiles.sighting import Fate, Sighting

_LOOK_PAUSE_SECONDS = 0.2
# After these the host may still be at work, or may not have been heard: nothing is certain.
_UNCERTAIN = frozenset({RefusalKind.TIMED_OUT, RefusalKind.MANAGEMENT_DOWN, None})


@dataclass(frozen=True)
class HostSnapshots:
    """The real thing. Limits in seconds: of looking after a creation, and of a whole removal."""

    host: VmwareCmd
    settle_timeout_seconds: float
    remove_timeout_seconds: float

    @changes
    def make(self, order: SnapshotOrder) -> MakeResult:
        """Make a snapshot and look until the files are clear."""
        try:
            claims.take_claim(order.vmx, order.claim, order.vmx_data, order.stale_claim)
        except VmFileError as error:
            return MakeResult(is_made=False, is_certain=True, message=error.message)
        target = Removal(order.vmx, (order.name,), order.disks)
        # The claim keeps other runs away from here on; what they did before it is looked for now.
        sighting, trouble = look(target)
        if sighting is None or not sighting.is_untouched:
            message = trouble or "its disks or snapshots changed while it was being looked at"
            return MakeResult(is_made=False, is_certain=True, message=message)
        says = self.host.create_snapshot(
            order.vmx,
            order.name,
            order.description,
            quiesce=order.quiesce,
            memory=order.memory,
        )
        is_uncertain = not says.is_done and says.kind in _UNCERTAIN
        deadline = clock.read_seconds_since_boot() + self.settle_timeout_seconds
        while True:
            sighting, trouble = look(target)
            if sighting is not None and sighting.fate is Fate.MADE:
                return MakeResult(is_made=True, is_certain=True, message=says.message)
            is_absent = sighting is not None and sighting.fate is Fate.ABSENT
            if is_absent and not says.is_done and not is_uncertain:
                return MakeResult(
                    is_made=False, is_certain=True, message=says.message, kind=says.kind
                )
            if clock.read_seconds_since_boot() >= deadline:
                message = says.message or trouble or self._describe_missing(order.vmx, sighting)
                return MakeResult(is_made=False, is_certain=False, message=message)
            clock.sleep_seconds(_LOOK_PAUSE_SECONDS)

    @changes
    def remove(self, removal: Removal, asked: Callable[[], None]) -> RemoveResult:
        """Remove our snapshots and look until every disk is back on its chain."""
        deadline = clock.read_seconds_since_boot() + self.remove_timeout_seconds
        sighting, trouble = look(removal)
        if not may_remove(sighting):
            # Nothing to ask for. A merge that is under way is waited for by whoever comes again,
            # and not here, where other VMs wait for their turn.
            return RemoveResult(sighting, was_asked=False, message=trouble)
        asked()
        self.host.prepare()
        # Looked at again right here: what was seen above is older than a write to disk. Between
        # this look and the host's own nothing can be put: that window is ours to publish.
        sighting, trouble = look(removal)  # the last look
        if not may_remove(sighting):
            return RemoveResult(sighting, was_asked=False, message=trouble)
        says = self.host.remove_all_snapshots(removal.vmx)
        return self._wait_until_gone(removal, deadline, says)

    @changes
    def drop_claim(self, vmx: str, run: str) -> None:
        """Take the run's claim away."""
        claims.remove_claim(vmx, run)

    @changes
    def refresh_claim(self, vmx: str, run: str, *, is_released: bool) -> None:
        """Write the claim's time anew."""
        claims.refresh_claim(vmx, run, is_released=is_released)

    @changes
    def adopt_claim(self, vmx: str, claim: Claim, stale: Claim | None) -> None:
        """Take the claim over."""
        claims.adopt_claim(vmx, claim, stale)

    def _describe_missing(self, vmx: str, sighting: Sighting | None) -> str:
        """Put side by side what the host said, what it says now, and what the files say."""
        found = "the VM's files could not be read" if sighting is None else sighting.fate.value
        try:
            host_says = "1" if self.host.read_has_snapshot(vmx) else "none"
        except HlbError as error:
            host_says = error.message
        return (
            f"the host said it was done, and {self.settle_timeout_seconds:g} s later ([snapshot] "
            f"settle_timeout_seconds) the VM's files say: {found}; hassnapshot: {host_says}"
        )

    def _wait_until_gone(self, removal: Removal, deadline: float, says: HostSays) -> RemoveResult:
        """Look until the snapshot is gone from the disks too, or waiting has no sense any more.

        A host that says it is done has little left to do: what stays on the disks after that is
        for whoever comes again, while other VMs have their turn. One that timed out may be at
        work for hours.
        """
        if says.is_done:
            settled = clock.read_seconds_since_boot() + self.settle_timeout_seconds
            deadline = min(deadline, settled)
        is_refused = not says.is_done and says.kind not in _UNCERTAIN
        while True:
            sighting, trouble = look(removal)
            is_under_way = sighting is not None and (
                sighting.fate is Fate.MERGING or sighting.is_ours_there
            )
            is_over = clock.read_seconds_since_boot() >= deadline
            if is_refused or is_over or not is_under_way or (sighting and sighting.other_snapshots):
                message = says.message or trouble
                return RemoveResult(sighting, was_asked=True, message=message, kind=says.kind)
            clock.sleep_seconds(_LOOK_PAUSE_SECONDS)
