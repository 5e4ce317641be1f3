"""What a snapshot of ours that is not gone means, in a flag, a reason and a next step."""

from hlb_hooks.decisions.phrase import Phrase, phrase
from hlb_hooks.effects.records import Flag
from hlb_hooks.effects.snapshot_work import RemoveResult
from hlb_hooks.effects.vmware_answers import RefusalKind
from hlb_hooks.vmfiles.sighting import Fate, Sighting


def explain_open(
    sighting: Sighting, result: RemoveResult, *, is_merge_lost: bool, is_helper_left: bool
) -> tuple[Flag, Phrase, Phrase]:
    """Give flag, reason and next step for what is not gone.

    ``is_merge_lost``: the deltas are there still, and nobody is merging them any more.
    ``is_helper_left``: a helper of the host's that is there is no part of a merge under way.
    """
    if sighting.other_snapshots:
        names = ", ".join(sighting.other_snapshots)
        return (
            Flag.FAILED_UMOUNT,
            phrase("foreign_beside_ours", names=names),
            phrase("remove_by_name", snapshot=sighting.name),
        )
    if sighting.is_ours_there and result.kind is RefusalKind.NOT_REGISTERED:
        return (
            Flag.FAILED_UMOUNT,
            phrase("not_registered"),
            phrase("remove_elsewhere", snapshot=sighting.name),
        )
    if sighting.helpers and (is_helper_left or sighting.is_ours_there):
        names = ", ".join(sighting.helpers)
        return Flag.FAILED_UMOUNT, phrase("helper_left", names=names), phrase("consolidate_all")
    if sighting.is_ours_there and sighting.has_unknown_delta:
        return Flag.FAILED_UMOUNT, phrase("unknown_delta_above"), phrase("find_its_maker")
    if is_merge_lost:
        return Flag.FAILED_UMOUNT, phrase("merge_lost"), phrase("merge_by_hand")
    if sighting.fate is Fate.DISPLACED:
        return Flag.FAILED_UMOUNT, phrase("disks_displaced"), phrase("look_by_hand")
    if sighting.fate is Fate.MERGING and not result.message:
        return Flag.MERGING, phrase("still_merging"), phrase("guard_goes_on")
    if sighting.is_ours_there and not result.message:
        why = phrase("removal_claimed", snapshot=sighting.name)
        return Flag.FAILED_UMOUNT, why, phrase("look_by_hand")
    return (
        Flag.FAILED_UMOUNT,
        phrase("not_removed", message=result.message or sighting.fate.value),
        phrase("look_by_hand"),
    )
