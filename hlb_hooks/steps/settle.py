"""The end of a run's snapshots: the one path of the end hook, the guard, and the operator."""

from dataclasses import dataclass, field

from hlb_hooks.base import clock
from hlb_hooks.base.errors import HlbError, VmFileError
from hlb_hooks.base.text import escape
from hlb_hooks.decisions.leftover import explain_open
from hlb_hooks.decisions.phrase import Phrase, phrase
from hlb_hooks.effects import processes, vm_files
from hlb_hooks.effects.base_disks import find_changed_base
from hlb_hooks.effects.bundle import HostEffects
from hlb_hooks.effects.journal import Journal
from hlb_hooks.effects.records import Flag
from hlb_hooks.effects.snapshot_work import Removal, RemoveResult, look
from hlb_hooks.effects.vm_story import Attempt, AttemptState, Trouble, VmStory
from hlb_hooks.effects.vmware_answers import RefusalKind
from hlb_hooks.steps.context import Context
from hlb_hooks.steps.side_by_side import Limits, SideBySide
from hlb_hooks.steps.whereabouts import Whereabouts
from hlb_hooks.vmfiles.sighting import Fate, Sighting


@dataclass
class Settlement:
    """Removing what one run has open, and writing down what became of it."""

    context: Context
    journal: Journal
    host: HostEffects
    _whereabouts: Whereabouts = field(init=False)

    def __post_init__(self) -> None:
        """Follow the run's VMs."""
        self._whereabouts = Whereabouts(self.context, self.journal, self.host)

    def settle(self, vms: list[VmStory], deadline: float, *, is_start_over: bool = True) -> None:
        """Settle ``vms`` until ``deadline``, in seconds since boot. Each failure stands alone."""
        config = self.journal.run.config
        if is_start_over:
            self._note_unfinished_start()

        def finished(vm: VmStory) -> bool:
            self._report_one(vm)
            return True

        side_by_side = SideBySide(
            self._settle_one,
            finished,
            stop=self.context.stop,
            log=self.context.log,
            meanwhile=self._whereabouts.refresh_claims,
        )
        at_once = config.snapshot.remove_parallel
        unfinished = side_by_side.run(
            [(vm, vm_files.datastore_of(vm.vmx)) for vm in vms],
            Limits(at_once, at_once, deadline),
        )
        for vm in (*unfinished.running, *unfinished.waiting):
            if vm.is_open:
                why = phrase("not_removed_yet", seconds=config.run.end_budget_seconds)
                if self.context.stop.is_asked:
                    why = phrase("stopped_removing")
                self._note(Flag.MERGING, vm, why, phrase("guard_goes_on"))

    def _note_unfinished_start(self) -> None:
        """Give a flag to the chosen VMs that have none: the start hook was killed before.

        Whoever settles holds the run's lock, so no start hook is at work any more.
        """
        for vm in self.journal.run.chosen:
            if not vm.flags:
                self._note(Flag.FAILED_SNAP, vm, phrase("start_cut_short"), phrase("back_up_again"))

    def close_if_settled(self) -> bool:
        """Write the run's end if nothing of it is left to settle."""
        return self.journal.end()

    def _settle_one(self, vm: VmStory) -> None:
        """Bring one VM as far as it goes now. Only a defect leaves this method."""
        try:
            self._settle_by_files(vm)
        except HlbError as error:
            why = phrase("not_removed", message=error.message)
            self._note(Flag.FAILED_UMOUNT, vm, why, phrase("look_by_hand"))

    def _settle_by_files(self, vm: VmStory) -> None:
        self._note_torn_base(vm)
        was_begun = vm.is_removal_begun
        adopter = self._whereabouts.find_adopter(vm)
        result = self._look(vm) if adopter else self._remove(vm)
        if result.sighting is None:
            moved = self._whereabouts.find_again(vm)
            if moved.is_certain:
                result = self._remove(vm)
            elif moved.places:
                places = ", ".join(escape(place) for place in moved.places)
                why, next_step = phrase("found_twice", places=places), phrase("remove_copy")
                self._note(Flag.FAILED_UMOUNT, vm, why, next_step)
                return
        if result.sighting is not None and result.sighting.fate is Fate.ABSENT:
            self._note_missing(vm, result.sighting.missing_nodes)
            self._close(vm, is_removed_by_us=result.was_asked or was_begun)
        elif adopter:
            why = phrase("adopted_elsewhere", host=adopter.host, run=adopter.run)
            self._note(Flag.MERGING, vm, why, phrase("nothing_here"))
        else:
            self._note_open(vm, result)

    def _remove(self, vm: VmStory) -> RemoveResult:
        removal = _removal_of(vm)

        def note_asked() -> None:
            self.journal.note(
                Flag.INTENT_UMOUNT,
                vm.vmx,
                snapshot=removal.ours[-1],
                boot_id=processes.read_boot_id(),
            )

        return self.host.snapshots.remove(removal, note_asked)

    def _look(self, vm: VmStory) -> RemoveResult:
        sighting, trouble = look(_removal_of(vm))
        return RemoveResult(sighting, was_asked=False, message=trouble)

    def _note_torn_base(self, vm: VmStory) -> None:
        """Compare the base files with what they were: size and content id."""
        if Flag.OK_SNAP not in vm.flags or Flag.TORN in vm.flags or vm.is_removal_begun:
            return
        seen = [attempt for attempt in vm.attempts.values() if attempt.state is AttemptState.SEEN]
        try:
            facts = vm_files.read_vm(vm.place)
            path = find_changed_base(seen[-1].disks, facts) if seen else ""
        except VmFileError:
            return  # said by the removal, which reads the same files and goes on from there
        if path:
            self._note(Flag.TORN, vm, phrase("base_changed", path=path), phrase("back_up_again"))

    def _note_missing(self, vm: VmStory, nodes: tuple[str, ...]) -> None:
        if nodes:
            text = self.context.speak(phrase("disk_taken_out", nodes=", ".join(nodes)))
            self.journal.note(Flag.NOTE, vm.vmx, note=text)

    def _close(self, vm: VmStory, *, is_removed_by_us: bool) -> None:
        """Every disk is back on its chain and no name of ours is there."""
        over = [attempt for attempt in vm.unsettled_attempts if self._is_over(attempt)]
        if is_removed_by_us or len(over) == len(vm.unsettled_attempts):
            # Before the last record: killed in between, the next one who settles comes here again.
            self._drop_claim(vm)
        for attempt in vm.unsettled_attempts:
            if is_removed_by_us:
                self.journal.note(Flag.OK_UMOUNT, vm.vmx, snapshot=attempt.snapshot)
            elif attempt.state is AttemptState.SEEN:
                why, next_step = phrase("removed_by_other"), phrase("back_up_again")
                name = attempt.snapshot
                self._note(Flag.TORN, vm, why, next_step, snapshot=name, closed="1")
            elif attempt in over:
                self.journal.note(Flag.NOT_MADE, vm.vmx, snapshot=attempt.snapshot, closed="1")

    def _is_over(self, attempt: Attempt) -> bool:
        """Tell whether nothing can come of an attempt any more that the files do not show now."""
        if attempt.state in {AttemptState.SEEN, AttemptState.REFUSED}:
            return True
        age = clock.read_utc_now() - attempt.intended
        return age.total_seconds() > self._patience_seconds

    @property
    def _patience_seconds(self) -> float:
        """How long after its intent a snapshot may still come to exist, for all we know."""
        settings = self.journal.run.config.snapshot
        # The host may go on for longer, and nobody knows how long. What comes later still is found
        # by the reaper, who looks for every snapshot that was asked for and never seen.
        return settings.create_timeout_seconds + settings.settle_timeout_seconds

    def _drop_claim(self, vm: VmStory) -> None:
        for vmx in dict.fromkeys((vm.vmx, vm.place)):
            try:
                self.host.snapshots.drop_claim(vmx, self.journal.run.name)
            except HlbError as error:
                text = self.context.speak(phrase("claim_stays", message=error.message))
                self.journal.note(Flag.NOTE, vm.vmx, note=text)

    def _note_open(self, vm: VmStory, result: RemoveResult) -> None:
        sighting = result.sighting
        if sighting is None:
            why = phrase("files_unreadable", message=result.message)
            self._note(Flag.FAILED_UMOUNT, vm, why, phrase("look_by_hand"))
            return
        self._note_lost(vm, sighting, result)
        if result.was_asked and sighting.is_ours_there:
            # The VM may be another host's, whatever this one lists: that host can, and may.
            self._whereabouts.release_claim(vm)
        if result.kind is RefusalKind.BUSY and Flag.MERGING in vm.flags:
            return  # the host is at work on what it was asked for before
        is_merge_lost = sighting.fate is Fate.MERGING and self._is_merge_lost(vm)
        is_left = result.was_asked or is_merge_lost or not vm.is_removal_begun
        flag, why, next_step = explain_open(
            sighting, result, is_merge_lost=is_merge_lost, is_helper_left=is_left
        )
        if flag is Flag.MERGING and sighting.helpers and Flag.FAILED_UMOUNT in vm.flags:
            return  # the host said it was done, and its helper is there still: a person must look
        self._note(flag, vm, why, next_step)

    def _is_merge_lost(self, vm: VmStory) -> bool:
        """Tell whether the host that was merging was started anew since, or had time enough."""
        if vm.removal_asked is None:
            return False
        age = clock.read_utc_now() - vm.removal_asked
        limit = self.journal.run.config.snapshot.remove_timeout_seconds
        is_of_this_boot = vm.removal_boot_id in {"", processes.read_boot_id()}
        return age.total_seconds() > limit or not is_of_this_boot

    def _note_lost(self, vm: VmStory, sighting: Sighting, result: RemoveResult) -> None:
        """Say that the backup is torn when our snapshot went away before we asked for it."""
        is_gone = not sighting.is_ours_there and Flag.OK_SNAP in vm.flags
        if is_gone and not result.was_asked and not vm.is_removal_begun:
            self._note(Flag.TORN, vm, phrase("removed_by_other"), phrase("back_up_again"))

    def _note(
        self, flag: Flag, vm: VmStory, reason: Phrase, next_step: Phrase, **details: str
    ) -> None:
        trouble = Trouble(self.context.speak(reason), self.context.speak(next_step))
        if vm.troubles.get(flag) == trouble and flag in vm.flags and not details:
            return  # a guard that tries every minute says the same thing once
        self.context.note(self.journal, flag, vm, reason, next_step, **details)

    def _report_one(self, vm: VmStory) -> None:
        """Say, in the main thread, how one VM went. An attempt that never was is not spoken of."""
        speaker = self.context.speaker
        self.context.log.info(
            "vm_settled", vm=vm.vmx, flags=list(vm.reported_flags), reason=vm.reason
        )
        if Flag.OK_SNAP not in vm.flags and not vm.is_open:
            return
        speaker.deed("to_remove", vmx=vm.vmx)
        speaker.deed("removing", snapshot=next(reversed(vm.attempts)))
        if vm.is_open or Flag.TORN in vm.flags:
            speaker.deed_mark(is_ok=False)
            speaker.deed("reason", text=vm.removal_reason, indent=4)
        else:
            speaker.deed_mark(is_ok=True)


def _removal_of(vm: VmStory) -> Removal:
    attempts = list(vm.attempts.values())
    return Removal(vm.place, tuple(attempt.snapshot for attempt in attempts), attempts[-1].disks)
