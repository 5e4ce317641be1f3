"""Telling a VM that was copied, as out of a backup, from one that was moved with our snapshot."""

import os
from collections.abc import Iterable
from datetime import datetime

from hlb_hooks.base import clock
from hlb_hooks.base.errors import VmFileError
from hlb_hooks.base.names import moment_of_snapshot
from hlb_hooks.base.text import escape
from hlb_hooks.effects.claims import Claim
from hlb_hooks.effects.found_runs import FoundRun
from hlb_hooks.effects.run_digest import is_closed
from hlb_hooks.effects.vm_files import VmFacts


def check_no_copy(
    facts: VmFacts, claim: Claim, runs: Iterable[FoundRun], forgotten_until: datetime | None
) -> None:
    """Raise VmFileError for a claim that came with a copy of the VM, as out of a backup.

    What a client reads while our snapshot is open has the claim and the snapshot in it, and
    merging a copy's delta would spoil the base that was restored. A snapshot from a time whose
    state files were deleted may be in a copy too: ``forgotten_until``.
    """
    if claim.snapshot not in facts.snapshot_names:
        return
    was_closed = any(_has_closed(entry, claim.snapshot) for entry in runs)
    here = os.path.realpath(facts.vmx_path)
    is_elsewhere = bool(claim.vmx) and os.path.realpath(claim.vmx) != here
    if is_elsewhere and not was_closed and not os.path.lexists(claim.vmx):
        raise VmFileError(
            f"{escape(facts.vmx_path)}: snapshot {claim.snapshot} was made at "
            f"{escape(claim.vmx)}, which is gone: nothing is removed here",
            next_step="if the VM was moved, remove that snapshot by its name; if it was "
            "restored, put its disks back on their bases before it is started",
        )
    if is_elsewhere or was_closed:
        raise VmFileError(
            f"{escape(facts.vmx_path)}: it is a copy of a VM as it was under snapshot "
            f"{claim.snapshot}: nothing is removed there",
            next_step="put its disks back on their bases: the .vmx.hlb beside it is the .vmx "
            "as it was before the snapshot",
        )
    made = moment_of_snapshot(claim.snapshot)
    if forgotten_until is not None and made is not None and made <= forgotten_until:
        raise VmFileError(
            f"{escape(facts.vmx_path)}: snapshot {claim.snapshot} is of a time whose state files "
            f"were deleted ([run] keep_days), the last at {clock.format_utc(forgotten_until)}: "
            "nothing is removed here",
            next_step="if the VM was restored from a backup, put its disks back on their bases "
            "(the .vmx.hlb beside it); if not, remove that snapshot by its name",
        )


def _has_closed(entry: FoundRun, snapshot: str) -> bool:
    """Tell whether a run saw ``snapshot`` come and go. Raise StateError."""
    return entry.digest.may_have_closed(snapshot) and any(
        is_closed(attempt)
        for vm in entry.run.vms.values()
        for attempt in vm.attempts.values()
        if attempt.snapshot == snapshot
    )
