"""Where a VM with our snapshot is now: on another host, in another folder, or in others' hands."""

import os
from dataclasses import dataclass, field

from hlb_hooks.base import clock
from hlb_hooks.base.errors import HlbError, VmFileError
from hlb_hooks.decisions.claim_standing import is_claim_fresh
from hlb_hooks.effects import vm_files
from hlb_hooks.effects.base_disks import find_leftover_delta, record_disks_below
from hlb_hooks.effects.bundle import HostEffects
from hlb_hooks.effects.claims import Claim, read_claim
from hlb_hooks.effects.journal import Journal
from hlb_hooks.effects.records import Flag
from hlb_hooks.effects.run_story import Run
from hlb_hooks.effects.snapshot_work import Snapshots
from hlb_hooks.effects.vm_story import VmStory, encode_disks
from hlb_hooks.steps.context import Context

# A claim is fresh for two hours: a few refreshes may fail and it still is.
CLAIM_REFRESH_SECONDS = 10 * 60.0


@dataclass(frozen=True)
class Moved:
    """Where a VM may have gone to."""

    places: tuple[str, ...]

    @property
    def is_certain(self) -> bool:
        """Whether it is one place."""
        return len(self.places) == 1


@dataclass
class Whereabouts:
    """Following the VMs of one run."""

    context: Context
    journal: Journal
    host: HostEffects
    _next_refresh: float = field(init=False)

    def __post_init__(self) -> None:
        """Have the first refresh in ten minutes.

        Only a removal that takes long keeps a claim fresh. One that fails again and again must
        not: another host may be able to do what this one cannot.
        """
        self._next_refresh = clock.read_seconds_since_boot() + CLAIM_REFRESH_SECONDS

    def refresh_claims(self) -> None:
        """Say in the claims of the open VMs that somebody answers for them, every ten minutes."""
        now = clock.read_seconds_since_boot()
        if now < self._next_refresh:
            return
        self._next_refresh = now + CLAIM_REFRESH_SECONDS
        refresh_claims(self.context, self.host.snapshots, self.journal.run)

    def release_claim(self, vm: VmStory) -> None:
        """Let the host that has the VM now take the snapshot away: nobody here needs it."""
        self.context.log.warning("claim_released", vm=vm.place)
        _mark_claim(self.context, self.host.snapshots, self.journal.run, vm, is_released=True)

    def find_adopter(self, vm: VmStory) -> Claim | None:
        """Give the claim of another run that has taken our snapshot over and is at work on it."""
        try:
            claim = read_claim(vm.place)
        except VmFileError:
            return None  # what cannot be read keeps nobody from removing what he has recorded
        if claim is None or claim.run in {"", self.journal.run.name}:
            return None
        if claim.snapshot not in vm.attempts:
            return None
        return claim if is_claim_fresh(claim, clock.read_utc_now()) else None

    def find_again(self, vm: VmStory) -> Moved:
        """Look for a VM whose .vmx is gone among those of this host: by our snapshot or our claim.

        Where one is found, that is written down; of several none is taken for it. Raise HlbError
        when its disks make no sense.
        """
        if os.path.lexists(vm.place):
            return Moved(())
        places = tuple(
            vmx
            for vmx in self.host.driver.list_vms()
            if vmx != vm.place and self._is_the_same(vm, vmx)
        )
        if len(places) == 1:
            facts = vm_files.read_vm(places[0])
            disks = record_disks_below(facts, len(facts.snapshot_names))
            self.journal.note(Flag.MOVED, vm.vmx, to=places[0], disks=encode_disks(disks))
            self.context.log.warning("vm_moved", vm=vm.vmx, to=places[0])
        return Moved(places)

    def _is_the_same(self, vm: VmStory, vmx: str) -> bool:
        """Tell whether ``vmx`` has our snapshot, or our claim and no delta that nobody explains."""
        try:
            facts = vm_files.read_vm(vmx)
        except VmFileError:
            return False  # another VM's files are no concern of this one
        if any(attempt.snapshot in facts.snapshot_names for attempt in vm.unsettled_attempts):
            return True
        claim = facts.claim
        if claim is None or claim.run != self.journal.run.name:
            return False
        return claim.snapshot in vm.attempts and not find_leftover_delta(facts)


def refresh_claims(context: Context, snapshots: Snapshots, run: Run) -> None:
    """Say in the claims of a run's open VMs that somebody answers for them still."""
    for vm in run.open_vms:
        _mark_claim(context, snapshots, run, vm, is_released=False)


def _mark_claim(
    context: Context, snapshots: Snapshots, run: Run, vm: VmStory, *, is_released: bool
) -> None:
    try:
        snapshots.refresh_claim(vm.place, run.name, is_released=is_released)
    except HlbError as error:
        # The next one comes in ten minutes, and a claim is fresh for two hours.
        context.log.warning("claim_not_marked", vm=vm.place, why=error.message)
