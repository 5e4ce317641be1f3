"""From which file the restored ``.vmx`` is made: the saved one, or the one as it was read."""

from dataclasses import dataclass

from hlb_hooks.base.errors import VmFileError
from hlb_hooks.base.text import escape
from hlb_hooks.decisions.phrase import Phrase, phrase
from hlb_hooks.effects.claims import saved_vmx_path
from hlb_hooks.effects.restored_folder import RestoredFolder
from hlb_hooks.vmfiles.file_names import name_base
from hlb_hooks.vmfiles.vmx import Vmx


@dataclass(frozen=True)
class Source:
    """The configuration to begin with, and whether it is the one from before the snapshot.

    ``path`` is the file that it was read from.
    """

    vmx: Vmx
    path: str
    is_saved: bool
    notes: tuple[Phrase, ...]


def choose_source(folder: RestoredFolder) -> Source:
    """Take the ``.vmx.hlb`` where it can be read, else the ``.vmx``.

    Raise VmFileError when neither can.
    """
    config, config_error = _parse(folder.config_data, folder.config_path)
    saved_path = saved_vmx_path(folder.config_path)
    saved, saved_error = _parse(folder.saved_data, saved_path)
    if saved is not None:
        notes = [phrase("restore_from_saved", path=folder.shorten(saved_path))]
        if config is not None:
            notes += _name_differing_disks(saved, config)
        is_before = not any(name_base(disk.file_name) for disk in saved.disks())
        return Source(saved, saved_path, is_before, tuple(notes))
    if config is None:
        missing = VmFileError(f"{escape(folder.config_path)}: is not there")
        raise config_error or saved_error or missing
    if saved_error is None:
        return Source(config, folder.config_path, is_saved=False, notes=())
    note = phrase("restore_saved_unreadable", message=saved_error.message)
    return Source(config, folder.config_path, is_saved=False, notes=(note,))


def _parse(data: bytes | None, path: str) -> tuple[Vmx | None, VmFileError | None]:
    if data is None:
        return None, None
    try:
        vmx = Vmx.parse(data, path)
    except VmFileError as error:
        return None, error
    garbled = vmx.garbled_lines()
    if not garbled:
        return vmx, None
    return None, VmFileError(
        f'{escape(path)}: line {garbled[0]} is neither key = "value" nor a comment: the file was '
        "cut short or damaged, and no host would load it",
        next_step="restore the file again, or mend that line",
    )


def _name_differing_disks(saved: Vmx, config: Vmx) -> list[Phrase]:
    """Point out the disks that only one of the two names: the VM was changed during the backup."""
    before = {disk.node for disk in saved.disks()}
    after = {disk.node for disk in config.disks()}
    added = [phrase("restore_disk_added", node=node) for node in sorted(after - before)]
    return added + [phrase("restore_disk_removed", node=node) for node in sorted(before - after)]
