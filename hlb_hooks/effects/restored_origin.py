"""Where a VM that was put back came from, and whether it still runs there."""

import contextlib
import os
import posixpath
from collections.abc import Iterable

from hlb_hooks.base.errors import VmFileError
from hlb_hooks.effects.claims import Claim
from hlb_hooks.effects.effect_kind import reads
from hlb_hooks.effects.restored_disks import look_at_file
from hlb_hooks.vmfiles.vmx import Vmx


@reads
def find_original(claim: Claim | None, configs: Iterable[Vmx | None]) -> str:
    """Give the VM's folder at the time of the backup, without links; empty if nothing tells it.

    The claim knows it, or the swap file's path in the first of the configurations that has one;
    in one that a restore has made it is gone. A swap file may be kept on another datastore: then
    the folder is not this one, and the operator is asked.
    """
    if claim is not None and claim.vmx:
        return os.path.realpath(posixpath.dirname(claim.vmx))
    for vmx in configs:
        swap = vmx.get("sched.swap.derivedName") if vmx is not None else None
        if swap and swap.startswith("/"):
            return os.path.realpath(posixpath.dirname(swap))
    return ""


@reads
def find_locked_file(folder: str) -> str:
    """Give a file in a folder, if there is one, that the host refuses to open; else nothing."""
    try:
        paths = [posixpath.join(folder, name) for name in sorted(os.listdir(folder))]
    except OSError:
        return ""  # it is gone, or was on a datastore that this host does not have
    for path in paths:
        # What a running VM makes and removes may just have gone, and shows nothing.
        with contextlib.suppress(VmFileError):
            if look_at_file(path).is_locked:
                return path
    return ""
