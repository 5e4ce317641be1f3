"""What a restore changes, decided whole before anything is: facts in, a plan or all reasons out."""

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass

from hlb_hooks.base.errors import HlbError, VmFileError
from hlb_hooks.base.text import escape
from hlb_hooks.decisions.phrase import Phrase, phrase
from hlb_hooks.decisions.restore.checks import (
    check_config_file,
    check_nodes,
    choose_uuid,
    find_faults,
    find_locked,
    find_shared,
    list_wanted,
)
from hlb_hooks.decisions.restore.config import Mending
from hlb_hooks.decisions.restore.disks import DiskChoice, choose_disk
from hlb_hooks.decisions.restore.leftovers import list_leftovers
from hlb_hooks.decisions.restore.memory import explain_dropped_memory
from hlb_hooks.decisions.restore.options import RestoreOptions
from hlb_hooks.decisions.restore.source import choose_source
from hlb_hooks.effects.host_vms import OtherVm
from hlb_hooks.effects.restored_folder import RestoredFolder
from hlb_hooks.vmfiles.vmdk import rewrite_descriptor
from hlb_hooks.vmfiles.vmx import Vmx

_CHANGE_TRACKING_KEY = "changeTrackPath"


class RestoreRefusedError(HlbError):
    """The folder cannot be made a VM as it is, for each of the reasons; nothing was changed."""

    def __init__(self, folder: str, reasons: Sequence[HlbError]) -> None:
        """Take the folder, and the reasons, of which there is at least one."""
        super().__init__(f"{escape(folder)} cannot be restored as it is; nothing was changed")
        self.reasons = tuple(reasons)


@dataclass(frozen=True)
class TextChange:
    """New content for a text file; ``old`` is None where there is no such file yet."""

    path: str
    old: bytes | None
    new: bytes


@dataclass(frozen=True)
class RestorePlan:
    """Everything that a restore changes: texts first, then what is put aside.

    ``notes`` says it, and what else is to be known, in words.
    """

    config_path: str
    name: str
    uuid: str
    disks: tuple[DiskChoice, ...]
    notes: tuple[Phrase, ...]
    texts: tuple[TextChange, ...]
    aside: tuple[str, ...]


def plan_restore(
    folder: RestoredFolder, others: Sequence[OtherVm] | None, options: RestoreOptions
) -> RestorePlan:
    """Decide on everything, or raise.

    ``others`` are the VMs registered on this host, None where the host could not be asked. Raise
    UsageError for a wish that cannot be or is missing, and RestoreRefusedError with all that is
    wrong with the files.
    """
    check_config_file(folder)
    source = choose_source(folder)
    check_nodes(source.vmx, options)
    uuid = choose_uuid(folder, others, options)
    strangers = [other for other in others or () if other.vmx != folder.config_path]
    reasons: list[HlbError] = find_faults(folder, source, strangers, options, uuid)
    choices: list[DiskChoice] = []
    for disk in list_wanted(source.vmx, options):
        try:
            choices.append(choose_disk(folder, disk, options, is_saved=source.is_saved))
        except VmFileError as error:
            reasons.append(error)
    reasons += find_shared(folder, source.vmx, choices, strangers, options)
    if reasons:
        raise RestoreRefusedError(folder.path, reasons)

    mending = Mending(folder, source.vmx)
    mending.mend(choices, options, uuid)
    explained = explain_dropped_memory(folder, source, choices)
    if explained:
        mending.drop_suspension(explained)
    leftovers = list_leftovers(folder, source.vmx, choices)
    config = source.vmx.to_bytes()
    Vmx.parse(config, folder.config_path)
    texts = [TextChange(folder.config_path, folder.config_data, config)]
    texts += [_without_change_tracking(folder, choice) for choice in choices]
    locked = find_locked(folder, leftovers)
    if locked:
        raise RestoreRefusedError(folder.path, locked)
    return RestorePlan(
        config_path=folder.config_path,
        name=source.vmx.display_name or posixpath.basename(folder.path),
        uuid=uuid,
        disks=tuple(choices),
        notes=(*source.notes, *mending.notes, *_describe(choices)),
        texts=tuple(text for text in texts if text.old != text.new),
        aside=leftovers,
    )


def _without_change_tracking(folder: RestoredFolder, choice: DiskChoice) -> TextChange:
    """Drop the name of a list of changed blocks, which does not fit the disk any more."""
    old = folder.disk_data[choice.path]
    return TextChange(
        choice.path, old, rewrite_descriptor(old, choice.path, without=(_CHANGE_TRACKING_KEY,))
    )


def _describe(choices: Sequence[DiskChoice]) -> list[Phrase]:
    notes: list[Phrase] = []
    for choice in choices:
        if choice.parent:
            notes.append(phrase("restore_linked_clone", node=choice.node, path=choice.parent))
        if choice.is_raw:
            notes.append(phrase("restore_raw", node=choice.node, path=choice.path))
        if choice.is_changed_since:
            notes.append(phrase("restore_changed_since", node=choice.node, path=choice.path))
    return notes
