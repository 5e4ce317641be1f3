"""The lab's own encoding of a ``-delta.vmdk``: which 4 KiB blocks a guest wrote, and their data.

VMware's format is its own affair and nothing here needs it. A header of 4 KiB (magic, number of
blocks), a table with one 32-bit entry a block (0: not written, else the number of its slot from
1), and the slots in the order of the first writes. A block's data is written before its entry.
"""

import os
import struct
from pathlib import Path
from types import TracebackType
from typing import Self

from hlb_hooks.base.errors import VmFileError

BLOCK_BYTES = 4096
_MAGIC = b"HLB lab delta 1\n"
_ENTRY = struct.Struct("<I")
_HEADER = struct.Struct("<16sI")


def create_delta(path: Path, block_count: int, mode: int) -> None:
    """Make an empty delta for a disk of ``block_count`` blocks. Raise FileExistsError if there."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        os.fchmod(descriptor, mode)
        os.pwrite(descriptor, _HEADER.pack(_MAGIC, block_count), 0)
        os.ftruncate(descriptor, _first_slot_offset(block_count))
    finally:
        os.close(descriptor)


class DeltaFile:
    """An open delta. Raises VmFileError when the file is no delta of the lab's."""

    def __init__(self, path: Path) -> None:
        """Open ``path`` for reading and writing."""
        self._descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        magic, block_count = _HEADER.unpack(
            os.pread(self._descriptor, _HEADER.size, 0).ljust(_HEADER.size, b"\0")
        )
        if magic != _MAGIC:
            os.close(self._descriptor)
            raise VmFileError(f"{path}: not a delta that this lab made")
        self.block_count: int = block_count
        self._slots_offset = _first_slot_offset(block_count)

    def __enter__(self) -> Self:
        """Give the delta itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def read_block(self, number: int) -> bytes | None:
        """Give the data of a block, or None when it was not written since the snapshot."""
        slot = self._read_entry(number)
        if slot == 0:
            return None
        return os.pread(self._descriptor, BLOCK_BYTES, self._slot_offset(slot))

    def write_block(self, number: int, data: bytes) -> None:
        """Keep ``data``, exactly one block, as the content of block ``number``."""
        slot = self._read_entry(number)
        if slot:
            os.pwrite(self._descriptor, data, self._slot_offset(slot))
            return
        end = os.fstat(self._descriptor).st_size
        slot = (end - self._slots_offset + BLOCK_BYTES - 1) // BLOCK_BYTES + 1
        os.pwrite(self._descriptor, data, self._slot_offset(slot))
        os.pwrite(self._descriptor, _ENTRY.pack(slot), BLOCK_BYTES + number * _ENTRY.size)

    def list_blocks(self) -> list[int]:
        """Give the numbers of the blocks that were written, in ascending order."""
        table = os.pread(self._descriptor, self.block_count * _ENTRY.size, BLOCK_BYTES)
        return [number for number, (slot,) in enumerate(_ENTRY.iter_unpack(table)) if slot]

    def _read_entry(self, number: int) -> int:
        entry = os.pread(self._descriptor, _ENTRY.size, BLOCK_BYTES + number * _ENTRY.size)
        slot: int = _ENTRY.unpack(entry)[0]
        return slot

    def _slot_offset(self, slot: int) -> int:
        return self._slots_offset + (slot - 1) * BLOCK_BYTES


def _first_slot_offset(block_count: int) -> int:
    table_blocks = (block_count * _ENTRY.size + BLOCK_BYTES - 1) // BLOCK_BYTES
    return BLOCK_BYTES * (1 + table_blocks)
