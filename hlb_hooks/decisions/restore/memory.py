"""Whether a VM that was suspended may go on from what it had in memory."""

from collections.abc import Sequence
from datetime import timedelta

from hlb_hooks.base.errors import VmFileError
from hlb_hooks.base.names import moment_of_snapshot
from hlb_hooks.decisions.restore.disks import DiskChoice
from hlb_hooks.decisions.restore.source import Source
from hlb_hooks.effects.restored_disks import FileFacts
from hlb_hooks.effects.restored_folder import RestoredFolder
from hlb_hooks.vmfiles.chain import resolve

# Datastores and clients keep times in whole seconds, some in pairs of them.
_ROUNDING = timedelta(seconds=2)


def explain_dropped_memory(
    folder: RestoredFolder, source: Source, choices: Sequence[DiskChoice]
) -> str:
    """Give the key of the reason why the VM shall start anew; empty where it may go on.

    Memory that is not of the very moment of the disks ruins them. It is of that moment if the VM
    was suspended before the snapshot, and if its disks were on no snapshot at all.
    """
    named = source.vmx.get("checkpoint.vmState")
    if not named:
        return ""
    facts = _find(folder, named)
    if facts is None:
        return "restore_memory_missing"
    if source.is_saved:
        return "" if _is_before_snapshot(folder, facts) else "restore_memory_doubtful"
    return "restore_memory_doubtful" if any(choice.deltas for choice in choices) else ""


def _find(folder: RestoredFolder, name: str) -> FileFacts | None:
    try:
        path = resolve(folder.path, name)
    except VmFileError:
        return None
    return folder.files.get(folder.real_paths.get(path, path))


def _is_before_snapshot(folder: RestoredFolder, facts: FileFacts) -> bool:
    made = moment_of_snapshot(folder.claim.snapshot) if folder.claim is not None else None
    if made is None:
        return False
    return facts.modified <= made + _ROUNDING
