"""The numbers of a run, and the exit codes they mean."""

from collections.abc import Sequence
from dataclasses import dataclass

from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.effects.records import Flag
from hlb_hooks.effects.vm_story import VmStory


@dataclass(frozen=True)
class Tally:
    """How many VMs were chosen, are ready or protected, failed, and are still open."""

    chosen: int
    ready: int
    failed: int
    open: int


NOTHING = Tally(chosen=0, ready=0, failed=0, open=0)


def count_vms(chosen: Sequence[VmStory]) -> Tally:
    """Count. A VM that was torn, or that avtar could not read, was ready and has failed."""
    protected = sum(1 for vm in chosen if vm.is_protected)
    return Tally(
        chosen=len(chosen),
        ready=protected,
        failed=len(chosen) - protected,
        open=sum(1 for vm in chosen if vm.is_open),
    )


def rank_in_report(vm: VmStory) -> int:
    """Give where a VM stands in a report: what failed goes first, what was not due last."""
    if Flag.NOT_DUE in vm.flags or not (vm.is_chosen or vm.attempts):
        return 2  # rightly left out
    return 1 if vm.is_protected and not vm.is_open_in_trouble else 0


def decide_start_exit(tally: Tally, on_failure: str, *, is_state_damaged: bool) -> ExitCode:
    """Give the start hook's exit code.

    With ``run-at-start-exit=true`` a non-zero start aborts the backup of *every* VM. So with
    ``continue`` it is zero as long as one VM is ready or none was due; the end hook carries the
    verdict. A damaged state file ends in 1 all the same: somebody must look.
    """
    if is_state_damaged:
        return ExitCode.NOT_PROTECTED
    if on_failure == "abort":
        return ExitCode.NOT_PROTECTED if tally.failed else ExitCode.DONE
    return ExitCode.DONE if tally.ready or not tally.chosen else ExitCode.NOT_PROTECTED


def decide_end_exit(tally: Tally, end_exit: str) -> ExitCode:
    """Give the end hook's exit code: what is not protected weighs more than what is still open."""
    if end_exit == "never":
        return ExitCode.DONE
    if tally.failed:
        return ExitCode.NOT_PROTECTED
    if tally.open and end_exit == "all":
        return ExitCode.STILL_OPEN
    return ExitCode.DONE
