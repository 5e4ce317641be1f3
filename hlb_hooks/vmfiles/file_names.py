"""What a file of a VM's folder is, by its name alone.

The names are those of real folders (virtuallyhyper.com, ghettoVCB, VMware's list of a VM's files).
A snapshot's disk has exactly six digits: ``web-1-flat.vmdk`` and ``web-2009.vmdk`` are none.
"""

import posixpath
import re

_SNAPSHOT_DISK = re.compile(r"(?P<stem>.+)-[0-9]{6}\.vmdk", re.IGNORECASE | re.DOTALL | re.ASCII)
_DELTA_DATA = re.compile(
    r"(?P<stem>.+)-[0-9]{6}-(?:delta|sesparse)\.vmdk", re.IGNORECASE | re.DOTALL | re.ASCII
)
_CHANGE_TRACKING = re.compile(r"(?P<stem>.+?)(?:-[0-9]{6})?-ctk\.vmdk", re.IGNORECASE | re.DOTALL)
# A lock is a file on VMFS, a folder where VMware Server keeps one, and ".lck-<id>" on NFS.
_RUNTIME = re.compile(
    r".+\.(?:vmsd|vmsn|vmss|vmem|vswp|hlb-claim(?:\..+)?|hlb-new|vmx\.hlb|vmtx\.hlb|lck)|\.lck-.+",
    re.IGNORECASE | re.DOTALL,
)
_CONFIGURATION = re.compile(r".+\.(?:vmx|vmtx)", re.IGNORECASE | re.DOTALL)


def is_configuration(name: str) -> bool:
    """Tell whether a file is a VM's configuration, or a template's."""
    return _CONFIGURATION.fullmatch(name) is not None


def name_base(path: str) -> str | None:
    """Give the path of the disk that a snapshot's descriptor is named after; None for others.

    ``vm-000001.vmdk`` is ``vm.vmdk`` with a snapshot. The name says which disk, but not that it is
    the next one down: the number is not that of the snapshot.
    """
    match = _SNAPSHOT_DISK.fullmatch(path)
    return f"{match['stem']}.vmdk" if match else None


def name_disk(path: str) -> str | None:
    """Give the stem of the disk that a snapshot's descriptor, its data or its block list is of."""
    for shape in (_DELTA_DATA, _CHANGE_TRACKING, _SNAPSHOT_DISK):
        match = shape.fullmatch(posixpath.basename(path))
        if match:
            return match["stem"]
    return None


def is_left_by_running(name: str) -> bool:
    """Tell whether a file goes with a snapshot, a run or a suspension, and not with the disks."""
    return _RUNTIME.fullmatch(name) is not None
