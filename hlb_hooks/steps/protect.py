"""Snapshots for the chosen VMs: look, put the intent down, ask the host, believe the files."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from hlb_hooks.base import clock
from hlb_hooks.base.config_snapshot import SnapshotConfig
from hlb_hooks.base.errors import HlbError, StateError
from hlb_hooks.base.names import make_snapshot_name
from hlb_hooks.decisions.phrase import Phrase, phrase
from hlb_hooks.decisions.unmoved import find_unmoved
from hlb_hooks.effects import vm_files
from hlb_hooks.effects.base_disks import record_disks
from hlb_hooks.effects.bundle import HostEffects
from hlb_hooks.effects.claims import Claim
from hlb_hooks.effects.found_runs import FoundRun
from hlb_hooks.effects.journal import Journal
from hlb_hooks.effects.records import Flag, make_record
from hlb_hooks.effects.run_store import RunStore
from hlb_hooks.effects.snapshot_work import MakeResult, SnapshotOrder
from hlb_hooks.effects.vm_files import VmFacts
from hlb_hooks.effects.vm_story import VmStory, encode_disks
from hlb_hooks.effects.vmware_answers import PowerState
from hlb_hooks.steps.context import Context
from hlb_hooks.steps.gate import Gate
from hlb_hooks.steps.side_by_side import Limits, SideBySide

_LEVELS = {
    PowerState.ON: "crash_consistent",
    PowerState.OFF: "powered_off",
    PowerState.SUSPENDED: "suspended",
}
_RUNNING_LEVELS = ("quiesced", "crash_consistent")


@dataclass
class Protection:
    """Making the snapshots of one run."""

    context: Context
    journal: Journal
    host: HostEffects
    store: RunStore
    earlier: Sequence[FoundRun] = ()
    """The runs of before."""
    _gate: Gate = field(init=False)
    _last_opened: dict[str, FoundRun] = field(init=False)

    def __post_init__(self) -> None:
        """Open the gate that all VMs of the run pass."""
        self._gate = Gate(self.context, self.journal, self.host, self.store)
        in_order = sorted(self.earlier, key=lambda entry: entry.begun)
        self._last_opened = {vmx: entry for entry in in_order for vmx in entry.digest.opened}

    @property
    def _settings(self) -> SnapshotConfig:
        return self.journal.run.config.snapshot

    def protect(self, begun: float) -> None:
        """Make a snapshot of every chosen VM, within the start budget, which began at ``begun``.

        Each VM ends with a flag, and each failure stands alone.
        """
        run = self.journal.run
        settings = self._settings
        budget = run.config.run.start_budget_seconds
        is_abort = run.config.run.on_failure == "abort"

        def finished(vm: VmStory) -> bool:
            self._report_one(vm)
            return vm.is_ready or not is_abort

        side_by_side = SideBySide(
            self._protect_one, finished, stop=self.context.stop, log=self.context.log
        )
        unfinished = side_by_side.run(
            [(vm, vm_files.datastore_of(vm.vmx)) for vm in run.chosen],
            Limits(settings.parallel, settings.parallel_per_datastore, begun + budget),
        )
        why = phrase("over_budget", seconds=budget)
        if self.context.stop.is_asked:
            why = phrase("stopped_before")
        elif is_abort and any(vm.flags and not vm.is_ready for vm in run.chosen):
            why = phrase("not_begun")
        for vm in unfinished.waiting:
            self._note(Flag.LEFT_OUT, vm, why, phrase("run_again"))
        for vm in unfinished.running:
            if not vm.is_ready and Flag.LEFT_OUT not in vm.flags:
                self._note(Flag.FAILED_SNAP, vm, why, phrase("may_still_come"))

    def _protect_one(self, vm: VmStory) -> None:
        """Bring one VM to its flag. Only a defect leaves this method."""
        try:
            facts = vm_files.read_vm(vm.vmx)
            state = self._gate.admit(vm, facts)
            if state is not None:
                self._make_snapshot(vm, facts, state)
        except HlbError as error:
            next_step = error.next_step or self.context.speak(phrase("look_at_host"))
            self.journal.note(Flag.FAILED_SNAP, vm.vmx, reason=error.message, next=next_step)

    def _point_out_unmoved(self, vm: VmStory, facts: VmFacts, state: PowerState) -> None:
        # The last run that read it is the one whose cache counts.
        entry = self._last_opened.get(vm.vmx)
        if entry is None:
            return
        try:
            before = entry.run.vms[vm.vmx]
        except StateError as error:
            # It decides nothing, so it must not cost the VM its backup either.
            self.context.log.warning("last_run_unreadable", of=entry.name, why=error.message)
            return
        if state is PowerState.ON or before.was_running:
            unmoved = find_unmoved(before.base_disks, record_disks(facts))
            notes = [phrase("unmoved_base", path=path, run=entry.name) for path in unmoved]
            if notes:
                text = "\n".join(self.context.speak(note) for note in notes)
                self.journal.note(Flag.NOTE, vm.vmx, note=text)

    def _make_snapshot(self, vm: VmStory, facts: VmFacts, state: PowerState) -> None:
        """Try once, or, where quiescing may have failed, once more without it."""
        self._point_out_unmoved(vm, facts, state)
        mode = self._settings.quiesce
        if mode == "off" or state is not PowerState.ON:
            # The host ignores the wish to quiesce a guest that does not run.
            self._try_snapshot(vm, facts, _LEVELS[state], quiesce=False)
            return
        trouble = self._try_snapshot(vm, facts, "quiesced", quiesce=True)
        if trouble and mode == "try":
            why = self.context.speak(phrase("quiescing_failed", message=trouble))
            self._try_snapshot(vm, facts, "crash_consistent", quiesce=False, note=why)

    def _try_snapshot(
        self, vm: VmStory, facts: VmFacts, level: str, *, quiesce: bool, note: str = ""
    ) -> str:
        """Make one attempt. Give what went wrong if that may have been the quiescing."""
        if self.context.stop.is_asked:
            self._note(Flag.LEFT_OUT, vm, phrase("stopped_before"), phrase("run_again"))
            return ""
        if self.journal.run.owner.is_over():
            self._note(Flag.LEFT_OUT, vm, phrase("owner_gone"), phrase("run_again"))
            return ""
        order = self._order_snapshot(vm, facts, quiesce=quiesce)
        # The intent is on disk before the host hears of anything: whoever reads the state file
        # after a crash knows the snapshot's name and how the disks were without it.
        self.journal.record(
            make_record(
                Flag.INTENT_SNAP,
                vm.vmx,
                snapshot=order.name,
                quiesce=str(int(quiesce)),
                running="1" if level in _RUNNING_LEVELS else "",
                disks=encode_disks(order.disks),
            )
        )
        result = self.host.snapshots.make(order)
        if result.is_made:
            self.journal.note(
                Flag.OK_SNAP,
                vm.vmx,
                snapshot=order.name,
                level=self.context.speak(phrase(level)),
                consistency=level,
                note="\n".join(filter(None, [note, result.message])),
            )
            return ""
        self._note_failure(vm, order, result)
        return result.message if result.may_be_quiescing and quiesce else ""

    def _order_snapshot(self, vm: VmStory, facts: VmFacts, *, quiesce: bool) -> SnapshotOrder:
        run = self.journal.run
        now = clock.read_utc_now()
        name = make_snapshot_name(run.job, now)
        return SnapshotOrder(
            vmx=vm.vmx,
            name=name,
            description=f"made by hlb-hooks, run {run.name}, removed at its end",
            disks=record_disks(facts),
            quiesce=quiesce,
            memory=self._settings.memory,
            claim=Claim(run.host, run.boot_id, run.name, name, now, vmx=vm.vmx),
            vmx_data=facts.vmx_data,
            stale_claim=facts.claim,
        )

    def _note_failure(self, vm: VmStory, order: SnapshotOrder, result: MakeResult) -> None:
        if not result.is_certain:
            why = phrase("unclear_made", message=result.message)
            self._note(Flag.FAILED_SNAP, vm, why, phrase("may_still_come"), snapshot=order.name)
            return
        self.journal.note(Flag.NOT_MADE, vm.vmx, snapshot=order.name, message=result.message)
        self.host.snapshots.drop_claim(vm.vmx, self.journal.run.name)
        why = phrase("not_made", message=result.message)
        self._note(Flag.FAILED_SNAP, vm, why, phrase("look_at_host"), snapshot=order.name)

    def _note(
        self, flag: Flag, vm: VmStory, reason: Phrase, next_step: Phrase, **details: str
    ) -> None:
        self.context.note(self.journal, flag, vm, reason, next_step, **details)

    def _report_one(self, vm: VmStory) -> None:
        """Say, in the main thread, how one VM went."""
        speaker = self.context.speaker
        self.context.log.info(
            "vm_started",
            vm=vm.vmx,
            flags=list(vm.reported_flags),
            reason=vm.reason,
        )
        if Flag.READABLE in vm.flags:
            speaker.say("readable", vmx=vm.vmx)
            return
        speaker.deed("creating", vmx=vm.vmx)
        if Flag.OK_SNAP in vm.flags:
            speaker.deed_mark(is_ok=True)
            speaker.deed(
                "created", snapshot=vm.details["snapshot"], level=vm.details["level"], indent=4
            )
            return
        speaker.deed_mark(is_ok=False)
        speaker.deed("reason", text=vm.reason, indent=4)
