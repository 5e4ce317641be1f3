"""What a snapshot of ours that is not gone means: one table over fates and refusals."""

from typing import Any

import pytest

from hlb_hooks.base.catalogue import TEXTS
from hlb_hooks.decisions.leftover import explain_open
from hlb_hooks.effects.records import Flag
from hlb_hooks.effects.snapshot_work import RemoveResult
from hlb_hooks.effects.vmware_answers import RefusalKind
from hlb_hooks.vmfiles.sighting import Fate, Sighting

NAME = "HLB-default-20261122T010000Z-0123abcd"
NOT_REGISTERED = RefusalKind.NOT_REGISTERED
THERE, GONE = (Fate.MADE, Fate.PARTLY_MADE), (Fate.MERGING, Fate.DISPLACED)
FAILED, MERGING = Flag.FAILED_UMOUNT, Flag.MERGING


def sight(fate: Fate, **more: Any) -> Sighting:
    return Sighting(NAME, fate, **{"other_snapshots": (), "helpers": (), **more})


def explain(
    sighting: Sighting,
    *,
    message: str = "",
    kind: RefusalKind | None = None,
    is_merge_lost: bool = False,
    is_helper_left: bool = True,
) -> tuple[Flag, str, str]:
    result = RemoveResult(sighting, was_asked=True, message=message, kind=kind)
    flag, reason, next_step = explain_open(
        sighting, result, is_merge_lost=is_merge_lost, is_helper_left=is_helper_left
    )
    for sentence in (reason, next_step):
        # It can be said in both languages, with the words that were given.
        assert all(text.format(**sentence.words) for text in TEXTS[sentence.key])
    return flag, reason.key, next_step.key


@pytest.mark.parametrize("fate", [*THERE, *GONE])
@pytest.mark.parametrize("kind", [None, *RefusalKind])
@pytest.mark.parametrize("is_merge_lost", [False, True])
def test_another_s_snapshot_beside_ours_is_named_before_all_else(
    fate: Fate, kind: RefusalKind | None, *, is_merge_lost: bool
) -> None:
    sighting = sight(fate, other_snapshots=("a", "b"), helpers=("h",), has_unknown_delta=True)
    result = RemoveResult(sighting, was_asked=False, message="x", kind=kind)
    flag, reason, next_step = explain_open(
        sighting, result, is_merge_lost=is_merge_lost, is_helper_left=True
    )
    assert (flag, reason.key) == (FAILED, "foreign_beside_ours")
    assert reason.words == {"names": "a, b"}
    assert next_step.key == "remove_by_name"
    assert next_step.words == {"snapshot": NAME}


@pytest.mark.parametrize("fate", THERE)
@pytest.mark.parametrize("more", [{}, {"helpers": ("h",)}, {"has_unknown_delta": True}])
def test_a_vm_that_is_registered_elsewhere_is_left_to_that_host(
    fate: Fate, more: dict[str, Any]
) -> None:
    sighting = sight(fate, **more)
    told = explain(sighting, message="no such VM", kind=NOT_REGISTERED)
    assert told == (FAILED, "not_registered", "remove_elsewhere")


@pytest.mark.parametrize("fate", GONE)
def test_a_vm_whose_snapshot_is_gone_is_sent_to_no_other_host(fate: Fate) -> None:
    _, reason, next_step = explain(sight(fate), message="no such VM", kind=NOT_REGISTERED)
    assert reason != "not_registered"
    assert next_step != "remove_elsewhere"


@pytest.mark.parametrize("fate", [*THERE, *GONE])
@pytest.mark.parametrize("is_merge_lost", [False, True])
def test_the_host_s_own_helper_is_named(fate: Fate, *, is_merge_lost: bool) -> None:
    sighting = sight(fate, helpers=("Consolidate Helper",))
    told = explain(sighting, message="x", is_merge_lost=is_merge_lost)
    assert told == (FAILED, "helper_left", "consolidate_all")


@pytest.mark.parametrize("fate", THERE)
def test_a_delta_that_nobody_accounts_for_is_somebody_s_work(fate: Fate) -> None:
    sighting = sight(fate, has_unknown_delta=True)
    assert explain(sighting) == (FAILED, "unknown_delta_above", "find_its_maker")


@pytest.mark.parametrize(
    ("message", "is_merge_lost", "flag", "reason", "next_step"),
    [
        ("", False, MERGING, "still_merging", "guard_goes_on"),
        ("VMControl error -7: Timeout", False, FAILED, "not_removed", "look_by_hand"),
        ("", True, FAILED, "merge_lost", "merge_by_hand"),
        ("VMControl error -7: Timeout", True, FAILED, "merge_lost", "merge_by_hand"),
    ],
)
@pytest.mark.parametrize("has_unknown_delta", [False, True])
def test_deltas_without_an_entry_are_a_merge_or_one_that_was_lost(
    message: str,
    flag: Flag,
    reason: str,
    next_step: str,
    *,
    is_merge_lost: bool,
    has_unknown_delta: bool,
) -> None:
    sighting = sight(Fate.MERGING, has_unknown_delta=has_unknown_delta)
    told = explain(sighting, message=message, is_merge_lost=is_merge_lost)
    assert told == (flag, reason, next_step)


@pytest.mark.parametrize("message", ["", "x"])
def test_disks_that_are_elsewhere_are_for_a_person(message: str) -> None:
    told = explain(sight(Fate.DISPLACED), message=message)
    assert told == (FAILED, "disks_displaced", "look_by_hand")


@pytest.mark.parametrize("fate", THERE)
@pytest.mark.parametrize("kind", [kind for kind in RefusalKind if kind is not NOT_REGISTERED])
def test_else_it_is_what_the_host_said(fate: Fate, kind: RefusalKind) -> None:
    result = RemoveResult(sight(fate), was_asked=True, message="no", kind=kind)
    flag, reason, next_step = explain_open(
        sight(fate), result, is_merge_lost=False, is_helper_left=True
    )
    assert (flag, reason.key, next_step.key) == (FAILED, "not_removed", "look_by_hand")
    assert reason.words == {"message": "no"}


@pytest.mark.parametrize("fate", THERE)
def test_a_host_that_said_it_was_done_is_not_believed(fate: Fate) -> None:
    assert explain(sight(fate)) == (FAILED, "removal_claimed", "look_by_hand")


@pytest.mark.parametrize(("is_left", "flag"), [(True, Flag.FAILED_UMOUNT), (False, Flag.MERGING)])
def test_a_helper_of_a_merge_under_way_wants_nobody(is_left: bool, flag: Flag) -> None:
    sighting = Sighting("HLB-1", Fate.MERGING, (), ("Consolidate Helper",))
    result = RemoveResult(sighting, was_asked=False)
    told = explain_open(sighting, result, is_merge_lost=False, is_helper_left=is_left)
    assert told[0] is flag
