"""Where a VM with our snapshot is now: on another host, in another folder, or in others' hands."""

import os
from dataclasses import dataclass

from hlb_hooks.base import clock
from hlb_hooks.base.errors import HlbError, VmFileError
from hlb_hooks.decisions.claim_standing import is_claim_fresh
from hlb_hooks.effects import vm_files
from hlb_hooks.effects.base_disks import record_disks_below
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


@dataclass
class Whereabouts:
    """Following the VMs of one run."""

    context: Context
    journal: Journal
    host: HostEffects
    _next_refresh: float = 0.0

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
        claim = read_claim(vm.place)
        if claim is None or claim.run in {"", self.journal.run.name}:
            return None
        if claim.snapshot not in vm.attempts:
            return None
        return claim if is_claim_fresh(claim, clock.read_utc_now()) else None

    def find_again(self, vm: VmStory) -> bool:
        """Look for a VM whose .vmx is gone among those of this host, by our snapshot's name.

        True when it was found, alone with our snapshot, and that was written down.
        """
        if os.path.lexists(vm.place):
            return False
        for vmx in self.host.driver.list_vms():
            if vmx != vm.place and self._has_our_snapshot(vm, vmx):
                facts = vm_files.read_vm(vmx)
                disks = encode_disks(record_disks_below(facts, len(facts.snapshot_names)))
                self.journal.note(Flag.MOVED, vm.vmx, to=vmx, disks=disks)
                self.context.log.warning("vm_moved", vm=vm.vmx, to=vmx)
                return True
        return False

    def _has_our_snapshot(self, vm: VmStory, vmx: str) -> bool:
        try:
            names = vm_files.read_snapshot_names(vmx, vm_files.read_vmx(vmx))
        except VmFileError:
            return False  # another VM's files are no concern of this one
        return any(attempt.snapshot in names for attempt in vm.unsettled_attempts)


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
