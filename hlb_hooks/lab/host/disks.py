"""The disks of a VM as its files say, and their content through a chain of deltas.

Whoever calls holds the VM's lock, unless nothing can change: a guest may write at any time, and
the host may put a delta on top.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from hlb_hooks.lab.host.delta import BLOCK_BYTES, DeltaFile
from hlb_hooks.lab.host.registry import RegisteredVm
from hlb_hooks.vmfiles.chain import Chain, read_chain, resolve
from hlb_hooks.vmfiles.vmx import Vmx, VmxDisk


@dataclass(frozen=True)
class LabDisk:
    """One hard disk of a VM: its node, its descriptor, the chain below, what a snapshot does to it.

    ``has_content`` is False for the pointer of a raw device: its data lie on a LUN, not in files.
    """

    node: str
    descriptor: Path
    chain: Chain
    is_covered: bool
    has_content: bool

    @property
    def link_paths(self) -> tuple[Path, ...]:
        """The descriptors from the top of the chain to its base."""
        return tuple(Path(path) for path in self.chain.paths)

    @property
    def data_files(self) -> tuple[Path, ...]:
        """The data files from the top of the chain to its base, one a link."""
        return tuple(Path(paths[0]) for paths in self.chain.extent_paths())

    @property
    def capacity_bytes(self) -> int:
        """The size of the disk as its guest sees it."""
        return self.chain.base.descriptor.capacity_bytes


def read_vmx(vm: RegisteredVm) -> Vmx:
    """Read a VM's configuration. Raise VmFileError or OSError when that is not possible."""
    return Vmx.parse(vm.config.read_bytes(), str(vm.config))


def read_vm_disks(vm: RegisteredVm) -> tuple[LabDisk, ...]:
    """Give a VM's hard disks. Raise VmFileError or OSError when its files are not in order."""
    return tuple(read_disk(vm, disk) for disk in read_vmx(vm).disks())


def read_disk(vm: RegisteredVm, disk: VmxDisk) -> LabDisk:
    """Give one hard disk of a VM. Raise VmFileError when its files are not in order."""
    descriptor = resolve(str(vm.folder), disk.file_name)
    chain = read_chain(_read_file, descriptor)
    base = chain.base.descriptor
    return LabDisk(
        node=disk.node,
        descriptor=Path(descriptor),
        chain=chain,
        is_covered=not disk.is_independent and not base.is_physical_rdm,
        has_content=not base.is_raw_device_mapping,
    )


class OpenDisk:
    """A disk whose whole chain is open: blocks read through it, and written to its top."""

    def __init__(self, disk: LabDisk) -> None:
        """Open every file of the chain, the base for writing only where it is the top."""
        *deltas, base = disk.data_files
        access = os.O_RDONLY if deltas else os.O_RDWR
        self.capacity_bytes = disk.capacity_bytes
        self._base = os.open(base, access | os.O_CLOEXEC)
        self._deltas = [DeltaFile(path) for path in deltas]

    def __enter__(self) -> Self:
        """Give the disk itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close every file."""
        self.close()

    def close(self) -> None:
        """Close every file."""
        os.close(self._base)
        for delta in self._deltas:
            delta.close()

    @property
    def block_count(self) -> int:
        """How many blocks the disk has."""
        return self.capacity_bytes // BLOCK_BYTES

    def write_block(self, number: int, data: bytes) -> None:
        """Write one whole block as the guest does: to the top of the chain."""
        if self._deltas:
            self._deltas[0].write_block(number, data)
        else:
            os.pwrite(self._base, data, number * BLOCK_BYTES)

    def read_content(self) -> bytes:
        """Give the whole disk as its guest sees it."""
        content = bytearray(os.pread(self._base, self.capacity_bytes, 0))
        for delta in reversed(self._deltas):
            for number in delta.list_blocks():
                offset = number * BLOCK_BYTES
                content[offset : offset + BLOCK_BYTES] = delta.read_block(number) or b""
        return bytes(content)


def hash_disk(disk: LabDisk) -> str:
    """Give the SHA-256 of the disk's content as its guest sees it, in hexadecimal."""
    with OpenDisk(disk) as content:
        return hashlib.sha256(content.read_content()).hexdigest()


def _read_file(path: str) -> bytes:
    return Path(path).read_bytes()
