"""Which disk a VM that was put back shall have, where its backup was read behind a snapshot.

A client that read while our snapshot was open has the base, whole and at rest, and a ``.vmx`` that
names ``-000001.vmdk``: of that it has the descriptor at best, as the delta's data was locked.
"""

import posixpath
from dataclasses import dataclass

from hlb_hooks.base.errors import VmFileError
from hlb_hooks.base.text import escape
from hlb_hooks.decisions.restore.data import check_data, has_matching_geometry
from hlb_hooks.decisions.restore.moment import check_moment
from hlb_hooks.decisions.restore.options import RestoreOptions
from hlb_hooks.effects.restored_folder import RestoredFolder
from hlb_hooks.vmfiles.chain import MAX_LINKS, resolve
from hlb_hooks.vmfiles.file_names import name_base
from hlb_hooks.vmfiles.vmdk import Descriptor
from hlb_hooks.vmfiles.vmx import VmxDisk


@dataclass(frozen=True)
class DiskChoice:
    """The disk for one node: its descriptor's path, and the name for it in the ``.vmx``.

    ``deltas`` are the descriptors above it, which the restored VM does not have; ``parent`` is
    another VM's disk that a linked clone is made of, else empty.
    """

    node: str
    path: str
    file_name: str
    deltas: tuple[str, ...] = ()
    parent: str = ""
    is_raw: bool = False
    is_changed_since: bool = False
    """Whether the base has another content id than the delta was made on: it was written to."""


def choose_disk(
    folder: RestoredFolder, disk: VmxDisk, options: RestoreOptions, *, is_saved: bool
) -> DiskChoice:
    """Find the disk that ``disk`` shall be, and see that all of its data is there.

    ``is_saved`` says that the ``.vmx`` is the one from before the snapshot. Raise VmFileError, with
    the node and the next step, when there is no such disk or it is not certain which it is.
    """
    try:
        return _choose(folder, disk, options, is_saved=is_saved)
    except VmFileError as error:
        raise VmFileError(
            f"disk {disk.node}: {error.message}",
            next_step=error.next_step or _name_ways_out(disk),
        ) from error


def _choose(
    folder: RestoredFolder, disk: VmxDisk, options: RestoreOptions, *, is_saved: bool
) -> DiskChoice:
    placed = options.placed_disks.get(disk.node)
    if placed is not None:
        path = folder.real_paths.get(resolve(folder.path, placed), "")
        if path not in folder.disks:
            raise VmFileError(f"{escape(placed)} is not there, or no VMDK descriptor")
        walk = _Walk(folder, path)
    else:
        walk = _Walk(folder, _locate(folder, folder.path, disk.file_name))
    if walk.base is None:
        walk.base = _find_by_name(folder, disk, walk.lost)
    descriptor = _read(folder, walk.base)
    check_data(folder, walk.base, descriptor)
    if not is_saved and (walk.deltas or walk.lost) and placed is None:
        check_moment(folder, disk.node, walk.base, walk.deltas, options)
    return DiskChoice(
        node=disk.node,
        path=walk.base,
        file_name=_name_in_vmx(folder, disk, walk.base),
        deltas=tuple(walk.deltas),
        parent=walk.parent,
        is_raw=descriptor.is_raw_device_mapping or descriptor.is_raw,
        is_changed_since=walk.is_changed_since,
    )


class _Walk:
    """The way from what a ``.vmx`` names down to the VM's own base, as far as it goes.

    ``base`` is None where a descriptor on the way is not there; ``lost`` is its path then.
    """

    def __init__(self, folder: RestoredFolder, top: str) -> None:
        self.base: str | None = None
        self.lost = ""
        self.parent = ""
        self.deltas: list[str] = []
        self.is_changed_since = False
        path = top
        while self.base is None and not self.lost:
            path = self._step(folder, path)

    def _step(self, folder: RestoredFolder, path: str) -> str:
        """Look at one descriptor; give the next one down."""
        if path in self.deltas:
            raise VmFileError(
                f"the chain of {escape(self.deltas[0])} runs in a circle: {escape(path)} comes "
                "twice"
            )
        if len(self.deltas) == MAX_LINKS:
            raise VmFileError(f"the chain of {escape(self.deltas[0])} is too long")
        found = folder.disks.get(path)
        if not isinstance(found, Descriptor):
            if isinstance(found, VmFileError) and name_base(path) is None:
                raise found
            self.lost = path
            return path
        if self.deltas:
            above = _read(folder, self.deltas[-1])
            self.is_changed_since |= above.parent_cid != found.cid
        if found.is_base:
            self.base = path
            return path
        hint = found.parent_file_name_hint
        if hint is None:
            raise VmFileError(f"{escape(path)} has a parent but does not name it")
        if name_base(path) is None and _lies_outside(folder, path, hint):
            # Named like a disk and laid on a disk of another VM's: a linked clone's own.
            self.base = path
            self.parent = _find_clones_parent(folder, path, hint, found)
            return path
        self.deltas.append(path)
        return _locate(folder, posixpath.dirname(path), hint)


def _lies_outside(folder: RestoredFolder, path: str, hint: str) -> bool:
    parent = resolve(posixpath.dirname(path), hint)
    real = folder.real_paths.get(parent, parent)
    return not folder.holds(real) and not folder.find_below(posixpath.basename(real))


def _find_clones_parent(folder: RestoredFolder, path: str, hint: str, clone: Descriptor) -> str:
    parent = resolve(posixpath.dirname(path), hint)
    found = folder.disks.get(folder.real_paths.get(parent, parent))
    if not isinstance(found, Descriptor):
        raise VmFileError(
            f"{escape(path)} is a linked clone of {escape(parent)}, which is not there",
            next_step="restore that VM first, to the place that is named",
        )
    if found.cid != clone.parent_cid:
        raise VmFileError(
            f"{escape(path)} is a linked clone of {escape(parent)}, which has changed since",
            next_step="restore that VM as it was when this one was backed up",
        )
    return parent


def _locate(folder: RestoredFolder, here: str, name: str) -> str:
    """Give the path without links of what ``name`` means in a file of the folder ``here``.

    What was somewhere else is looked for by its name in what was put back: the place that is named
    may be the original's, which is not to be touched by a copy. Raise VmFileError.
    """
    path = resolve(here, name)
    real = folder.real_paths.get(path, path)
    if folder.holds(real):
        return real
    if not name.startswith("/") and folder.holds(here + "/"):
        raise VmFileError(f"'{escape(name)}' leads out of {escape(folder.path)} by a link")
    if folder.is_in_original_place and real in folder.files:
        return real
    below = folder.find_below(posixpath.basename(real))
    if len(below) == 1:
        return below[0]
    if below:
        places = ", ".join(escape(each) for each in below)
        raise VmFileError(f"'{escape(name)}' may be any of {places}")
    if real in folder.files:
        raise VmFileError(
            f"'{escape(name)}' is not among what was put back, and what lies there may be another "
            "VM's"
        )
    return real


def _find_by_name(folder: RestoredFolder, disk: VmxDisk, lost: str) -> str:
    """Find the base where a descriptor above it was not backed up: the .vmsd names it, or its name.

    By its name alone it is believed only if its geometry proves that it is whole.
    """
    for snapshot in folder.vmsd.snapshots if folder.vmsd else ():
        named = dict(snapshot.disks).get(disk.node)
        if snapshot.parent_uid is None and named:
            path = _locate(folder, folder.path, named)
            if isinstance(folder.disks.get(path), Descriptor):
                return path
    guess = name_base(lost)
    found = folder.disks.get(guess or "")
    if guess is None or not isinstance(found, Descriptor) or not found.is_base:
        what = f"{escape(lost)} is not there"
        raise VmFileError(what if guess is None else f"{what}, nor is its base {escape(guess)}")
    if not has_matching_geometry(found):
        raise VmFileError(
            f"{escape(lost)} is not there, and whether {escape(guess)} is its base cannot be "
            "proven: its geometry is not that of its size"
        )
    return guess


def _read(folder: RestoredFolder, path: str) -> Descriptor:
    found = folder.disks[path]
    if isinstance(found, VmFileError):
        raise found
    return found


def _name_in_vmx(folder: RestoredFolder, disk: VmxDisk, path: str) -> str:
    """Give the name to be written: as it is if it says so already, short within the folder."""
    written = resolve(folder.path, disk.file_name) if disk.file_name else ""
    if folder.real_paths.get(written, written) == path:
        return disk.file_name
    return folder.shorten(path)


def _name_ways_out(disk: VmxDisk) -> str:
    ways = (
        f"restore it too, or say where it is: --disk {disk.node}=PATH; or do without it: "
        f"--without-disk {disk.node}"
    )
    if disk.is_independent:
        return f"it is independent, no snapshot covers it and the backup may lack it: {ways}"
    return ways
