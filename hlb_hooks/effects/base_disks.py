"""A VM's disks as they are without a snapshot of ours: recorded before, compared after."""

import os

from hlb_hooks.base.errors import VmFileError
from hlb_hooks.base.text import escape
from hlb_hooks.effects.effect_kind import reads
from hlb_hooks.effects.vm_files import VmFacts
from hlb_hooks.vmfiles.chain import Link
from hlb_hooks.vmfiles.sighting import RecordedDisk


@reads
def record_disks(facts: VmFacts) -> tuple[RecordedDisk, ...]:
    """Give the covered disks as they are, for the record of an intent. Raise VmFileError."""
    return tuple(_record(disk.disk.node, disk.chain.links) for disk in facts.covered_disks)


@reads
def record_disks_below(facts: VmFacts, snapshots: int) -> tuple[RecordedDisk, ...]:
    """Give the covered disks as they were before the last ``snapshots``. Raise VmFileError.

    For who did not see them before: each snapshot has laid one delta on every disk it covers.
    """
    for disk in facts.covered_disks:
        if disk.own_deltas < snapshots:
            raise VmFileError(
                f"{escape(facts.vmx_path)}: disk {disk.disk.node} has {disk.own_deltas} deltas for "
                f"{snapshots} snapshots",
                next_step="look at the VM by hand: its .vmsd, its .vmx and the disks it names",
            )
        for link in disk.chain.links[:snapshots]:
            for path in link.extent_paths:
                read_status(path)  # a copy that a client put back lacks them: they were locked
    return tuple(
        _record(disk.disk.node, disk.chain.links[snapshots:]) for disk in facts.covered_disks
    )


@reads
def find_leftover_delta(facts: VmFacts) -> str:
    """Name the first delta that no snapshot of the .vmsd accounts for, or give an empty string."""
    for disk in facts.covered_disks:
        if disk.own_deltas > len(facts.snapshot_names):
            return disk.chain.top.path
    return ""


@reads
def find_changed_base(recorded: tuple[RecordedDisk, ...], facts: VmFacts) -> str:
    """Name the first base file that is not as it was recorded, or give an empty string.

    A base that changes while a snapshot is open was written behind it: what was read is torn.
    """
    live = {disk.disk.node: disk for disk in facts.disks}
    for disk in recorded:
        now = live.get(disk.node)
        links = {link.path: link for link in now.chain.links} if now else {}
        link = links.get(disk.chain[0])
        if link is None:
            continue
        if link.descriptor.cid != disk.top_cid:
            return link.path
        for path, size in disk.extents:
            if read_status(path).st_size != size:
                return path
    return ""


@reads
def read_status(path: str) -> os.stat_result:
    """Give what the file system says of a data file. Raise VmFileError.

    It can be asked while a running VM keeps the file locked: only opening it fails.
    """
    try:
        return os.stat(path)
    except OSError as error:
        raise VmFileError(
            f"{escape(path)}: a disk's data file cannot be found: {error.strerror}",
            next_step="look at the VM's folder; the host may be moving it",
        ) from error


def _record(node: str, links: tuple[Link, ...]) -> RecordedDisk:
    paths = [path for link in links for path in link.extent_paths]
    statuses = [read_status(path) for path in paths]
    return RecordedDisk(
        node=node,
        chain=tuple(link.path for link in links),
        top_cid=links[0].descriptor.cid,
        extents=tuple((path, status.st_size) for path, status in zip(paths, statuses, strict=True)),
        modified_ns=tuple(status.st_mtime_ns for status in statuses),
    )
