"""Looking before: whether a chosen VM may have its snapshot now, and if not, why not."""

import threading
from dataclasses import dataclass, field

from hlb_hooks.base import clock
from hlb_hooks.decisions import admission
from hlb_hooks.decisions.admission import Verdict
from hlb_hooks.decisions.claim_standing import is_claim_in_force
from hlb_hooks.decisions.missed_disks import encode_missed_disks
from hlb_hooks.decisions.phrase import Phrase, phrase
from hlb_hooks.decisions.space import DELTA_STEP_BYTES, GIB, SpaceLedger
from hlb_hooks.effects import vm_files
from hlb_hooks.effects.base_disks import record_disks
from hlb_hooks.effects.bundle import HostEffects
from hlb_hooks.effects.claims import Claim
from hlb_hooks.effects.disk_space import read_disk_space
from hlb_hooks.effects.journal import Journal
from hlb_hooks.effects.records import Flag
from hlb_hooks.effects.run_store import RunStore
from hlb_hooks.effects.vm_files import VmFacts
from hlb_hooks.effects.vm_story import VmStory, encode_disks
from hlb_hooks.effects.vmware_answers import PowerState
from hlb_hooks.steps.context import Context


@dataclass
class Gate:
    """What every chosen VM of a run passes, from any thread. It keeps account of the datastores."""

    context: Context
    journal: Journal
    host: HostEffects
    store: RunStore
    _ledger: SpaceLedger = field(init=False)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Open the account."""
        settings = self.journal.run.config.snapshot
        self._ledger = SpaceLedger(settings.min_free_percent, settings.min_free_gib)

    def admit(self, vm: VmStory, facts: VmFacts) -> PowerState | None:
        """Give the state of a VM that may have its snapshot; else note why not and give None.

        One command of the host, and that only for a VM whose files say nothing against it. Raise
        HostError.
        """
        if not self._pass_by_files(vm, facts):
            return None
        state = self.host.driver.read_power_state(vm.vmx)
        if stuck := admission.refuse_by_power_state(state):
            self.context.note(self.journal, Flag.LEFT_OUT, vm, *stuck)
            return None
        return state if self._has_room(vm, facts) else None

    def _pass_by_files(self, vm: VmStory, facts: VmFacts) -> bool:
        settings = self.journal.run.config.snapshot
        admitted = admission.admit_by_files(facts, allow_linked_clones=settings.allow_linked_clones)
        notes = [self.context.speak(note) for note in admitted.notes]
        if notes:
            missed = encode_missed_disks(admitted.notes)
            self.journal.note(Flag.NOTE, vm.vmx, note="\n".join(notes), missed=missed)
        # Before the snapshots: a claim names the run that one of ours belongs to.
        if refusal := self._refuse_by_claim(facts.claim):
            self.context.note(self.journal, Flag.LEFT_OUT, vm, refusal, phrase("wait_for_claim"))
            return False
        if admitted.verdict is Verdict.LEFT_OUT and admitted.reason and admitted.next_step:
            self.context.note(self.journal, Flag.LEFT_OUT, vm, admitted.reason, admitted.next_step)
            return False
        if admitted.verdict is Verdict.READABLE:
            why = self.context.speak(admitted.reason) if admitted.reason else ""
            disks = encode_disks(record_disks(facts))
            self.journal.note(Flag.READABLE, vm.vmx, note=why, disks=disks)
            return False
        return True

    def _refuse_by_claim(self, claim: Claim | None) -> Phrase | None:
        if claim is None or not is_claim_in_force(
            claim,
            host=self.journal.run.host,
            runs=self.store.find_runs().runs,
            now=clock.read_utc_now(),
        ):
            return None
        if not claim.run:
            return phrase("claim_unreadable")
        return phrase("claimed", run=claim.run, host=claim.host)

    def _has_room(self, vm: VmStory, facts: VmFacts) -> bool:
        """Plan the VM's deltas on its datastores. Room that cannot be known holds nobody up."""
        memory = facts.memory_bytes if self.journal.run.config.snapshot.memory else 0
        need = DELTA_STEP_BYTES * len(facts.covered_disks) + memory
        datastores = dict.fromkeys(vm_files.datastore_of(f"{path}/") for path in facts.folders)
        rooms = {datastore: read_disk_space(datastore) for datastore in datastores}
        with self._turn:
            shortage = self._ledger.find_shortage(rooms, dict.fromkeys(datastores, need))
        if shortage is not None:
            datastore, left, limit = shortage
            why = phrase(
                "short_of_space",
                datastore=datastore,
                left_gib=f"{left / GIB:.1f}",
                limit_gib=f"{limit / GIB:.1f}",
            )
            self.context.note(self.journal, Flag.LEFT_OUT, vm, why, phrase("make_space"))
            return False
        unknown = [datastore for datastore, room in rooms.items() if room is None]
        if unknown:
            text = self.context.speak(phrase("space_unknown", datastore=", ".join(unknown)))
            self.journal.note(Flag.NOTE, vm.vmx, note=text)
        return True
