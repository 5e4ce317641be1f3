"""A VM as its own files show it: what the decisions are made from."""

import errno
import itertools
import os
import re
import time
from dataclasses import dataclass

from hlb_hooks.base.errors import VmFileError
from hlb_hooks.base.text import escape
from hlb_hooks.effects.claims import Claim, read_claim
from hlb_hooks.effects.effect_kind import reads
from hlb_hooks.effects.regular_files import read_regular_file
from hlb_hooks.vmfiles.chain import Chain, read_chain, resolve
from hlb_hooks.vmfiles.vmsd import Vmsd
from hlb_hooks.vmfiles.vmx import Vmx, VmxDisk

_MAX_FILE_BYTES = 8 * 1024 * 1024
# hostd replaces a .vmx by a new one, and for a moment there may be none.
_TRIES = 5
_PAUSE_SECONDS = 0.05
_VOLUMES = "/vmfs/volumes/"
_MEGABYTES = re.compile("[0-9]{1,9}")


@dataclass(frozen=True)
class LiveDisk:
    """One hard disk of a VM with the chain it is on now, from the top down to the base."""

    disk: VmxDisk
    chain: Chain
    own_links: int
    """How many links of the chain, from the top, are the VM's own: not a linked clone's parent."""

    @property
    def is_linked_clone(self) -> bool:
        """Whether it is a delta on a disk of another VM, and not one that was left behind here."""
        return self.own_links == 1 and self.chain.is_delta

    @property
    def own_deltas(self) -> int:
        """How many deltas lie above the VM's own base, or above a linked clone's own disk."""
        return self.own_links - 1

    @property
    def is_covered(self) -> bool:
        """Whether a snapshot covers it: not an independent disk, and no physical RDM."""
        return not self.disk.is_independent and not self.chain.base.descriptor.is_physical_rdm


@dataclass(frozen=True)
class VmFacts:
    """What the files of one VM say. ``name`` is the display name, else the folder's."""

    vmx_path: str
    vmx_data: bytes
    vmx: Vmx
    name: str
    snapshot_names: tuple[str, ...]
    disks: tuple[LiveDisk, ...]
    claim: Claim | None

    @property
    def is_template(self) -> bool:
        """Whether it is a template: its configuration is a .vmtx, and nobody locks its disks."""
        return self.vmx_path.lower().endswith(".vmtx")

    @property
    def covered_disks(self) -> tuple[LiveDisk, ...]:
        """The disks a snapshot covers."""
        return tuple(disk for disk in self.disks if disk.is_covered)

    @property
    def chains(self) -> dict[str, tuple[str, ...]]:
        """The chain of every disk by its node, as absolute descriptor paths from the top down."""
        return {disk.disk.node: disk.chain.paths for disk in self.disks}

    @property
    def memory_bytes(self) -> int:
        """The guest's memory; 0 where the .vmx does not say."""
        megabytes = self.vmx.get("memsize") or ""
        return int(megabytes) * 1024 * 1024 if _MEGABYTES.fullmatch(megabytes) else 0

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders that will hold deltas.

        Whether ESX puts a delta into the VM's working directory or beside its disk differs with
        the version, so both are given.
        """
        folders = [working_folder(self.vmx_path, self.vmx)]
        folders += [os.path.dirname(disk.chain.top.path) for disk in self.covered_disks]
        return tuple(dict.fromkeys(folders))


@reads
def read_vmx(vmx_path: str) -> Vmx:
    """Read a VM's configuration alone. Raise VmFileError."""
    return Vmx.parse(_read_patiently(vmx_path), vmx_path)


@reads
def read_vm(vmx_path: str) -> VmFacts:
    """Read all files of a VM that matter here. Raise VmFileError, naming the file.

    A missing .vmsd is a VM that never had a snapshot; one that cannot be understood is an error.
    """
    data = _read_patiently(vmx_path)
    vmx = Vmx.parse(data, vmx_path)
    folder = os.path.dirname(vmx_path)
    return VmFacts(
        vmx_path=vmx_path,
        vmx_data=data,
        vmx=vmx,
        name=vmx.display_name or os.path.basename(folder),
        disks=tuple(_read_disk(folder, disk) for disk in vmx.disks()),
        claim=_read_claim_or_somebodys(vmx_path),
        # Last, as it is what a removal goes by: the younger the better.
        snapshot_names=read_snapshot_names(vmx_path, vmx),
    )


def working_folder(vmx_path: str, vmx: Vmx) -> str:
    """Give the VM's working directory: the .vmx's own folder, or what ``workingDir`` says."""
    folder = os.path.dirname(vmx_path)
    # Some tools write "." or a slash at the end.
    named = (vmx.working_dir or "").rstrip("/")
    return folder if named in {"", "."} else resolve(folder, named)


def datastore_of(path: str) -> str:
    """Give the datastore a path lies on: what follows ``/vmfs/volumes``, its label followed.

    A path elsewhere, as of an NFS mount of another place, is given the folder above the VM's.
    """
    volume = volume_of(path)
    return os.path.realpath(volume) if _VOLUMES in path else volume


def volume_of(path: str) -> str:
    """Give the datastore as ``path`` names it, which may be by its label; nothing is looked up."""
    head, mark, tail = path.rpartition(_VOLUMES)
    return head + mark + tail.partition("/")[0] if mark else os.path.dirname(os.path.dirname(path))


@reads
def read_snapshot_names(vmx_path: str, vmx: Vmx) -> tuple[str, ...]:
    """Read the snapshots' names from the .vmsd. Raise VmFileError.

    With a ``workingDir`` it is not known which folder has it, so both count.
    """
    name = os.path.splitext(os.path.basename(vmx_path))[0] + ".vmsd"
    folders = {working_folder(vmx_path, vmx), os.path.dirname(vmx_path)}
    if len(folders) > 1:
        # One folder by two names, as a datastore has them, would count each snapshot twice.
        folders = set({os.path.realpath(folder): folder for folder in folders}.values())
    names: list[str] = []
    for folder in sorted(folders):
        path = os.path.join(folder, name)
        try:
            data = _read_file(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise _cannot_read(path, error) from error
        names += [snapshot.display_name for snapshot in Vmsd.parse(data, path).snapshots]
    return tuple(names)


def _read_claim_or_somebodys(vmx_path: str) -> Claim | None:
    """Read the claim. One that cannot be read is somebody's, and keeps nobody from removing."""
    try:
        return read_claim(vmx_path)
    except VmFileError:
        return Claim()


def _read_disk(folder: str, disk: VmxDisk) -> LiveDisk:
    chain = read_chain(_read_file, resolve(folder, disk.file_name))
    own = itertools.takewhile(lambda path: not _is_of_another_vm(folder, path), chain.paths[1:])
    return LiveDisk(disk, chain, own_links=1 + len(tuple(own)))


def _is_of_another_vm(folder: str, parent: str) -> bool:
    """Tell a linked clone's parent from the VM's own base, which may lie on another datastore.

    Where it lies tells nothing, as ESX may put a delta beside the .vmx and not beside its disk;
    but the folder of another VM has a configuration of its own.
    """
    parent_folder = os.path.dirname(parent)
    if os.path.realpath(parent_folder) == os.path.realpath(folder):
        return False
    try:
        names = os.listdir(parent_folder)
    except OSError as error:
        raise _cannot_read(parent_folder, error) from error
    return any(name.lower().endswith((".vmx", ".vmtx")) for name in names)


def _read_patiently(path: str) -> bytes:
    for attempt in range(1, _TRIES + 1):
        try:
            return _read_file(path)
        except OSError as error:
            if error.errno not in {errno.ENOENT, errno.EBUSY} or attempt == _TRIES:
                raise _cannot_read(path, error) from error
        time.sleep(_PAUSE_SECONDS)
    raise AssertionError("the last try returns or raises")


def _read_file(path: str) -> bytes:
    """Read a small file. One that is larger is no configuration, and its parser says so."""
    return read_regular_file(path, _MAX_FILE_BYTES)


def _cannot_read(path: str, error: OSError) -> VmFileError:
    return VmFileError(
        f"{escape(path)}: cannot be read: {error.strerror}",
        next_step="look at the file on the datastore; the VM may have moved or be gone",
    )
