"""The numbers of a run and the exit codes they mean: every combination."""

import itertools

import pytest

from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.decisions.verdict import Tally, count_vms, decide_end_exit, decide_start_exit
from hlb_hooks.effects.records import Flag, make_record
from hlb_hooks.effects.vm_story import VmStory

VMX = "/vm.vmx"


def make_vm(*flags: Flag) -> VmStory:
    vm = VmStory(VMX)
    vm.apply(make_record(Flag.CHOSEN, VMX, name="vm"))
    if Flag.OK_SNAP in flags or Flag.FAILED_SNAP in flags:
        vm.apply(make_record(Flag.INTENT_SNAP, VMX, snapshot="HLB-1", disks="[]"))
    for flag in flags:
        vm.apply(make_record(flag, VMX, snapshot="HLB-1", reason="because"))
    return vm


OPEN = make_vm(Flag.OK_SNAP)
SETTLED = make_vm(Flag.OK_SNAP, Flag.OK_UMOUNT)
READABLE = make_vm(Flag.READABLE)
LEFT_OUT = make_vm(Flag.LEFT_OUT)
UNCLEAR = make_vm(Flag.FAILED_SNAP)
TORN = make_vm(Flag.OK_SNAP, Flag.TORN, Flag.OK_UMOUNT)
NOT_READ = make_vm(Flag.OK_SNAP, Flag.OK_UMOUNT, Flag.FAILED_READ)
MERGING = make_vm(Flag.OK_SNAP, Flag.MERGING)


@pytest.mark.parametrize(
    ("vms", "chosen", "ready", "failed", "still_open"),
    [
        ([], 0, 0, 0, 0),
        ([OPEN], 1, 1, 0, 1),
        ([SETTLED], 1, 1, 0, 0),
        ([READABLE], 1, 1, 0, 0),
        ([LEFT_OUT], 1, 0, 1, 0),
        ([UNCLEAR], 1, 0, 1, 1),
        ([TORN], 1, 0, 1, 0),
        ([NOT_READ], 1, 0, 1, 0),
        ([MERGING], 1, 1, 0, 1),
        ([make_vm()], 1, 0, 1, 0),
        ([OPEN, SETTLED, READABLE, LEFT_OUT, UNCLEAR, TORN, NOT_READ, MERGING], 8, 4, 4, 3),
    ],
)
def test_the_vms_are_counted(
    vms: list[VmStory], chosen: int, ready: int, failed: int, still_open: int
) -> None:
    assert count_vms(vms) == Tally(chosen, ready, failed, still_open)


TALLIES = {
    "nothing was due": Tally(0, 0, 0, 0),
    "all are ready": Tally(3, 3, 0, 3),
    "some are ready": Tally(3, 1, 2, 1),
    "none is ready": Tally(3, 0, 3, 0),
    "none is ready, one is unclear": Tally(3, 0, 3, 1),
}
START = {
    ("nothing was due", "continue"): 0,
    ("nothing was due", "abort"): 0,
    ("all are ready", "continue"): 0,
    ("all are ready", "abort"): 0,
    ("some are ready", "continue"): 0,
    ("some are ready", "abort"): 1,
    ("none is ready", "continue"): 1,
    ("none is ready", "abort"): 1,
    ("none is ready, one is unclear", "continue"): 1,
    ("none is ready, one is unclear", "abort"): 1,
}


@pytest.mark.parametrize(
    ("case", "on_failure"), list(itertools.product(TALLIES, ["continue", "abort"]))
)
@pytest.mark.parametrize("is_state_damaged", [False, True])
def test_the_start_hook_fails_only_where_nothing_is_left_to_back_up(
    case: str, on_failure: str, *, is_state_damaged: bool
) -> None:
    code = decide_start_exit(TALLIES[case], on_failure, is_state_damaged=is_state_damaged)
    assert code == (1 if is_state_damaged else START[case, on_failure])
    assert isinstance(code, ExitCode)


@pytest.mark.parametrize(
    ("failed", "still_open", "end_exit", "expected"),
    [
        (0, 0, "all", 0),
        (0, 0, "data", 0),
        (0, 0, "never", 0),
        (0, 2, "all", 4),
        (0, 2, "data", 0),
        (0, 2, "never", 0),
        (1, 0, "all", 1),
        (1, 0, "data", 1),
        (1, 0, "never", 0),
        (1, 2, "all", 1),
        (1, 2, "data", 1),
        (1, 2, "never", 0),
    ],
)
def test_the_end_hook_carries_the_verdict(
    failed: int, still_open: int, end_exit: str, expected: int
) -> None:
    assert decide_end_exit(Tally(5, 5 - failed, failed, still_open), end_exit) == expected
