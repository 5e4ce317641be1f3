"""Of which moment a base is: the backup's, or that of a snapshot that somebody else made."""

import posixpath
from collections.abc import Sequence

from hlb_hooks.base.errors import VmFileError
from hlb_hooks.base.names import bears_our_prefix
from hlb_hooks.base.text import escape
from hlb_hooks.decisions.restore.options import RestoreOptions
from hlb_hooks.effects.restored_folder import RestoredFolder
from hlb_hooks.vmfiles.vmdk import Descriptor
from hlb_hooks.vmfiles.vmsd import Snapshot

_WAY_OUT = (
    "to have the VM with its snapshots, register it as it was put back; to have its disks as "
    "they were when the snapshot was made: --drop-snapshots"
)


def check_moment(
    folder: RestoredFolder,
    node: str,
    base: str,
    deltas: Sequence[str],
    options: RestoreOptions,
) -> None:
    """See that the base below ``deltas`` is as of the backup: that our snapshot froze it.

    Raise VmFileError when another's snapshot did, or when nobody can tell and the deltas' data is
    there: then it may be the VM's present, and dropping it would lose it.
    """
    if options.drops_snapshots:
        return
    if folder.vmsd_trouble:
        raise VmFileError(
            f"whose snapshot froze {escape(base)} cannot be told: {folder.vmsd_trouble}",
            next_step=_WAY_OUT,
        )
    snapshot = _find_snapshot_of(folder, node, base)
    if snapshot is not None:
        if not bears_our_prefix(snapshot.display_name):
            made = f", made {snapshot.created:%Y-%m-%d %H:%M} UTC" if snapshot.created else ""
            raise VmFileError(
                f"{escape(base)} is the disk as of the snapshot '{escape(snapshot.display_name)}'"
                f"{made}, and not as of the backup",
                next_step=_WAY_OUT,
            )
        return
    if folder.claim is None and any(_has_data(folder, delta) for delta in deltas):
        raise VmFileError(
            f"{escape(deltas[0])} has its data with it, and no file tells whose snapshot it is",
            next_step=_WAY_OUT,
        )


def _find_snapshot_of(folder: RestoredFolder, node: str, base: str) -> Snapshot | None:
    """Give the snapshot whose making left ``base`` as it is: the one that names it."""
    for snapshot in folder.vmsd.snapshots if folder.vmsd else ():
        named = dict(snapshot.disks).get(node)
        if named is not None and posixpath.basename(named) == posixpath.basename(base):
            return snapshot
    return None


def _has_data(folder: RestoredFolder, delta: str) -> bool:
    found = folder.disks.get(delta)
    if not isinstance(found, Descriptor):
        return False
    names = (extent.file_name for extent in found.extents)
    here = posixpath.dirname(delta)
    return any(name is not None and posixpath.join(here, name) in folder.files for name in names)
