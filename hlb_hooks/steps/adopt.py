"""Adopting: a snapshot of ours that nobody answers for any more, on a VM that is registered here.

Of another host: the claim beside the VM says whose it is and what it is called. It is taken over
once its host has released it, or has not refreshed it for two hours. Of this host: one that was
asked for in a run that has ended, and that the host made after all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hlb_hooks.base import clock
from hlb_hooks.base.config import Config
from hlb_hooks.base.config_schema import DEFAULT_JOB
from hlb_hooks.base.errors import ConfigurationError, HlbError, StateError, VmFileError
from hlb_hooks.base.names import job_of_snapshot
from hlb_hooks.base.text import escape
from hlb_hooks.decisions.claim_standing import is_claim_in_force
from hlb_hooks.decisions.phrase import phrase
from hlb_hooks.effects import processes, vm_files
from hlb_hooks.effects.base_disks import find_leftover_delta, record_disks_below
from hlb_hooks.effects.bundle import HostEffects
from hlb_hooks.effects.claims import Claim, ClaimTakenError, claim_path, read_claim
from hlb_hooks.effects.found_runs import FoundRun
from hlb_hooks.effects.journal import Journal, keep_in_memory
from hlb_hooks.effects.owner import lease_for
from hlb_hooks.effects.records import Flag, Record, make_record
from hlb_hooks.effects.run_store import RunStore
from hlb_hooks.effects.run_story import Run
from hlb_hooks.effects.vm_files import VmFacts
from hlb_hooks.effects.vm_story import encode_disks
from hlb_hooks.steps.block import BOOT_WAIT_SECONDS
from hlb_hooks.steps.context import Context
from hlb_hooks.steps.copies import check_no_copy
from hlb_hooks.steps.run_head import make_head, name_host
from hlb_hooks.vmfiles.sighting import RecordedDisk

# The run begins with its end: nobody reads from these disks any more.
_OVER = timedelta(seconds=-2)


@dataclass(frozen=True)
class Stray:
    """A snapshot of ours that nobody answers for: of which run and host, and under which claim."""

    facts: VmFacts
    snapshot: str
    disks: tuple[RecordedDisk, ...]
    run: str
    host: str
    claim: Claim | None = None


@dataclass(frozen=True)
class Adoption:
    """Looking beside the VMs of this host for claims that nobody answers for."""

    context: Context
    store: RunStore
    config: Config
    runs: Sequence[FoundRun]
    """The runs that this host knows of."""
    is_state_damaged: bool
    """Whether a state file cannot be read: then a run that is not known may be the one in it."""
    open_runs: frozenset[str]
    """The runs of this host that were open before anything was settled: not up for adoption."""
    forgotten_until: datetime | None = None
    """State files of runs that had ended by then may have been deleted."""

    def find(self) -> tuple[list[Journal], bool]:
        """Give a begun run for each snapshot adopted, and whether one was found that was not.

        Raise HlbError when the host does not list its VMs.
        """
        if clock.read_seconds_since_boot() < BOOT_WAIT_SECONDS:
            # Other hosts may still be starting the VMs that were here.
            self.context.speaker.say("adoption_waits", minutes=round(BOOT_WAIT_SECONDS / 60))
            return [], False
        host = self.context.effects.open_host(self.config, "adopt")
        unseen = self._gather_unseen()
        adopted: list[Journal] = []
        is_any_left = False
        for vmx in self.context.read_or_stop(host.driver.list_vms):
            if self.context.stop.is_asked:
                break
            try:
                stray = self._find_stray(host, vmx, unseen.get(vmx, []))
                journal = None if stray is None else self._adopt(host, stray)
            except HlbError as error:
                self.context.speaker.say("warning", text=error.message)
                self.context.speaker.say("next_step", text=error.next_step, indent=4)
                is_any_left = True
                continue
            if journal is not None:
                adopted.append(journal)
        return adopted, is_any_left

    def _gather_unseen(self) -> dict[str, list[tuple[FoundRun, str]]]:
        """Give, by VM, the snapshots asked for here and never seen: they may come late."""
        unseen: dict[str, list[tuple[FoundRun, str]]] = {}
        for entry in self.runs:
            for place, snapshot in entry.digest.unseen if entry.name not in self.open_runs else ():
                unseen.setdefault(place, []).append((entry, snapshot))
        return unseen

    def _find_stray(
        self, host: HostEffects, vmx: str, unseen: list[tuple[FoundRun, str]]
    ) -> Stray | None:
        """Give the snapshot on a VM that nobody answers for, if there is one."""
        claim = read_claim(vmx)
        if claim is not None:
            return None if self._is_answered_for(claim) else self._follow_claim(host, vmx, claim)
        facts = vm_files.read_vm(vmx) if unseen else None
        for entry, snapshot in unseen:
            if facts is not None and snapshot in facts.snapshot_names:
                disks = _find_disks(entry.run, snapshot)
                return Stray(facts, snapshot, disks, entry.name, entry.run.host)
        return None

    def _is_answered_for(self, claim: Claim) -> bool:
        own = name_host(self.config)
        if claim.run in self.open_runs:
            return True
        if not claim.run or (self.is_state_damaged and claim.host == own):
            return True
        return is_claim_in_force(claim, host=own, runs=self.runs, now=clock.read_utc_now())

    def _follow_claim(self, host: HostEffects, vmx: str, claim: Claim) -> Stray | None:
        """Give the claim's snapshot; None when it is gone, and then the claim goes too."""
        if job_of_snapshot(claim.snapshot) is None:
            raise VmFileError(
                f"{escape(claim_path(vmx))}: {escape(claim.snapshot)} is no name of ours",
                next_step="somebody else wrote this file: look at it, and remove it",
            )
        facts = vm_files.read_vm(vmx)
        check_no_copy(facts, claim, self.runs, self.forgotten_until)
        if claim.snapshot not in facts.snapshot_names:
            self._sweep(host, facts, claim)
            return None
        disks = record_disks_below(facts, len(facts.snapshot_names))
        return Stray(facts, claim.snapshot, disks, claim.run, claim.host, claim)

    def _adopt(self, host: HostEffects, stray: Stray) -> Journal | None:
        """Begin a run for a stray snapshot; None when another run was faster."""
        vmx = stray.facts.vmx_path
        job = job_of_snapshot(stray.snapshot) or DEFAULT_JOB
        name = self.context.effects.name_run(job)
        adopted = make_record(
            Flag.ADOPTED,
            vmx,
            snapshot=stray.snapshot,
            disks=encode_disks(stray.disks),
            name=stray.facts.name,
            run=stray.run,
            host=stray.host,
        )
        head = make_head(name, job, lease_for(_OVER), self.config)
        # On disk before the claim is taken over: killed in between, this host knows its snapshot.
        journal = self._begin(name, [*head, adopted, make_record(Flag.HANDED_OVER)])
        claim = Claim(
            host=name_host(self.config),
            boot_id=processes.read_boot_id(),
            run=name,
            snapshot=stray.snapshot,
            refreshed=clock.read_utc_now(),
            vmx=vmx,
        )
        try:
            host.snapshots.adopt_claim(vmx, claim, stray.claim)
        except ClaimTakenError as error:
            journal.note(Flag.NOT_MADE, vmx, snapshot=stray.snapshot, closed="1")
            journal.end()
            journal.close()
            self.context.speaker.say("warning", text=error.message)
            return None
        self.context.log.warning("adopted", vm=vmx, snapshot=stray.snapshot, of=stray.run)
        self.context.speaker.deed(
            "adopting",
            vmx=vmx,
            snapshot=stray.snapshot,
            run=stray.run,
            host=stray.host,
            own=name,
        )
        return journal

    def _begin(self, name: str, records: list[Record]) -> Journal:
        try:
            # Not for the lock: it makes the folder on a host that has never run a backup.
            with self.store.beginning(self.config.run.lock_timeout_seconds):
                return self.store.begin(name, records)
        except (ConfigurationError, StateError) as error:
            # The claim is the record of having made the snapshot; killed now, it is adopted anew.
            self.context.speaker.say("unwritten", text=error.message)
            return keep_in_memory(name, records)

    def _sweep(self, host: HostEffects, facts: VmFacts, claim: Claim) -> None:
        """Take away a claim whose snapshot is gone. Raise VmFileError for what is left of it."""
        delta = find_leftover_delta(facts)
        if delta:
            raise VmFileError(
                f"{escape(facts.vmx_path)}: snapshot {claim.snapshot} is gone from the list, and a "
                f"disk is on a delta still: {escape(delta)}",
                next_step=self.context.speak(phrase("merge_by_hand")),
            )
        host.snapshots.drop_claim(facts.vmx_path, claim.run)
        speaker = self.context.speaker
        speaker.verdict(
            speaker.phrase("claim_swept", vmx=facts.vmx_path, run=claim.run, host=claim.host)
        )


def _find_disks(run: Run, snapshot: str) -> tuple[RecordedDisk, ...]:
    """Give the disks as they were before ``snapshot``."""
    return next(vm.attempts[snapshot].disks for vm in run.vms.values() if snapshot in vm.attempts)
