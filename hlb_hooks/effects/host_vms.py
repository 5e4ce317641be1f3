"""The other VMs of this host, as far as a VM that is put back must not collide with them."""

import os
import posixpath
from dataclasses import dataclass

from hlb_hooks.base.errors import VmFileError
from hlb_hooks.effects.effect_kind import reads
from hlb_hooks.effects.vm_files import read_vmx
from hlb_hooks.effects.vmware_cmd import VmwareCmd
from hlb_hooks.vmfiles.chain import resolve
from hlb_hooks.vmfiles.file_names import name_base


@dataclass(frozen=True)
class OtherVm:
    """A registered VM: its ``.vmx`` without symbolic links, name, ``uuid.bios`` and disks.

    ``listed`` is its path as the host prints it. The name is the folder's and the rest is empty
    where its ``.vmx`` cannot be read.
    """

    vmx: str
    listed: str
    name: str
    uuid: str
    disks: frozenset[str]


@reads
def read_other_vms(driver: VmwareCmd) -> tuple[OtherVm, ...]:
    """Give every VM that is registered on this host. Raise HostError, ConfigurationError."""
    return tuple(_read_one(listed) for listed in driver.list_vms())


@reads
def follow_links(path: str) -> str:
    """Give a file's path without symbolic links on the way to it: datastores have two names."""
    folder, name = posixpath.split(path)
    return posixpath.join(os.path.realpath(folder), name)


def _read_one(listed: str) -> OtherVm:
    path = follow_links(listed)
    folder = posixpath.dirname(path)
    try:
        vmx = read_vmx(path)
        named = [resolve(folder, disk.file_name) for disk in vmx.disks() if disk.file_name]
    except VmFileError:
        # The VM of a host that died, or that is just moving: it has only its place.
        return OtherVm(path, listed, posixpath.basename(folder), "", frozenset())
    disks = {follow_links(each) for each in (*named, *(name_base(x) or "" for x in named)) if each}
    name = vmx.display_name or posixpath.basename(folder)
    return OtherVm(path, listed, name, vmx.get("uuid.bios") or "", frozenset(disks))
