"""Whether a disk that was put back has all of its data."""

import posixpath

from hlb_hooks.base.errors import VmFileError
from hlb_hooks.base.text import escape
from hlb_hooks.effects.restored_folder import RestoredFolder
from hlb_hooks.vmfiles.vmdk import Descriptor
from hlb_hooks.vmfiles.vmdk_extent import SECTOR_BYTES, Extent

_FLAT_KINDS = frozenset({"VMFS", "FLAT"})
# What a BIOS can count up to, and what ATA can: a larger disk is said to have this many.
_MOST_CYLINDERS = frozenset({16383, 65535})


def check_data(folder: RestoredFolder, path: str, descriptor: Descriptor) -> None:
    """See that each extent is there, is a file and has the descriptor's size.

    Raise VmFileError naming the first that does not; nothing to be restored is left out silently.
    """
    if descriptor.is_raw_device_mapping or descriptor.is_raw:
        _check_mapping(folder, path)
    here = posixpath.dirname(path)
    for extent in descriptor.extents:
        name = extent.file_name
        if name is None:
            continue
        if "/" in name and not descriptor.is_raw:
            raise VmFileError(
                f"{escape(path)} has its data in '{escape(name)}', which leads out of its folder"
            )
        if not descriptor.is_raw:
            _check_extent(folder, posixpath.join(here, name), extent)


def _check_mapping(folder: RestoredFolder, path: str) -> None:
    """Refuse a mapping from a backup: it points to a LUN, and would be put back as a file."""
    if folder.holds(path) and not folder.is_in_original_place:
        raise VmFileError(
            f"{escape(path)} is a raw device mapping: its data is on a LUN and not in the backup",
            next_step="map the LUN anew after the restore, and do without it here: --without-disk",
        )


def _check_extent(folder: RestoredFolder, path: str, extent: Extent) -> None:
    facts = folder.files.get(folder.real_paths.get(path, path))
    if facts is None:
        raise VmFileError(f"its data file {escape(path)} is missing")
    if not facts.is_regular:
        raise VmFileError(f"its data file {escape(path)} is no file but a link or a device")
    if facts.is_locked:
        raise VmFileError(
            f"its data file {escape(path)} is locked",
            next_step="a VM that runs here or on another host has it: restore to another folder",
        )
    if extent.kind not in _FLAT_KINDS:
        return
    wanted_bytes = (extent.offset + extent.sectors) * SECTOR_BYTES
    if facts.size_bytes != wanted_bytes:
        raise VmFileError(
            f"its data file {escape(path)} has {facts.size_bytes} bytes, expected {wanted_bytes}",
            next_step="restore it again, or from an earlier backup: as it is the disk is damaged",
        )


def has_matching_geometry(descriptor: Descriptor) -> bool:
    """Tell whether the geometry in the disk data base is that of a disk of this size.

    Its cylinders fill the disk but for less than one, or are as many as can be counted.
    """
    numbers = [
        descriptor.ddb.get(f"ddb.geometry.{each}", "") for each in ("cylinders", "heads", "sectors")
    ]
    if not all(number.isascii() and number.isdigit() for number in numbers):
        return False
    cylinders, heads, sectors = (int(number) for number in numbers)
    rest = descriptor.capacity_bytes // SECTOR_BYTES - cylinders * heads * sectors
    return 0 <= rest < heads * sectors or (rest >= 0 and cylinders in _MOST_CYLINDERS)
