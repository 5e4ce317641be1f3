"""Committing deltas: their blocks go into the disk below them while the guest goes on writing.

A block that is in a delta hides the same block of the disk below, so the disk's content is the
same at every moment of a merge. The guest is held for one piece at a time.
"""

import os
from pathlib import Path
from typing import Self

from hlb_hooks.base.clock import sleep_seconds
from hlb_hooks.lab.host.delta import BLOCK_BYTES, DeltaFile
from hlb_hooks.lab.host.registry import RegisteredVm
from hlb_hooks.lab.layout import Lab

_PIECE_BLOCKS = 32


def merge_in_pieces(
    lab: Lab, vm: RegisteredVm, deltas: tuple[Path, ...], target: Path, pause_seconds: float
) -> bool:
    """Copy what ``deltas`` (the top first) hold into ``target``; the guest writes meanwhile.

    ``target`` is the data file of the link below them, a base or a delta. Starts with the delta
    next to it, as hosts do from ESX 4.0 Update 2. Wait ``pause_seconds`` after each piece. Give
    whether anything in the target changed.
    """
    has_changed = False
    for delta_path in reversed(deltas):
        with DeltaFile(delta_path) as delta, _open_target(target) as into:
            blocks = delta.list_blocks()
            for start in range(0, len(blocks), _PIECE_BLOCKS):
                with lab.hold_vm(vm.config):
                    has_changed |= _copy_blocks(delta, blocks[start : start + _PIECE_BLOCKS], into)
                sleep_seconds(pause_seconds)
    return has_changed


def merge_rest(deltas: tuple[Path, ...], target: Path) -> bool:
    """Copy what is newer in ``deltas`` than in ``target``, while the caller holds the guest.

    Give whether anything in the target changed.
    """
    has_changed = False
    for delta_path in reversed(deltas):
        with DeltaFile(delta_path) as delta, _open_target(target) as into:
            has_changed |= _copy_blocks(delta, delta.list_blocks(), into)
    return has_changed


class _BaseFile:
    """A base to merge into, with the methods that a delta has."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def read_block(self, number: int) -> bytes:
        return os.pread(self._descriptor, BLOCK_BYTES, number * BLOCK_BYTES)

    def write_block(self, number: int, data: bytes) -> None:
        os.pwrite(self._descriptor, data, number * BLOCK_BYTES)


def _open_target(path: Path) -> DeltaFile | _BaseFile:
    return DeltaFile(path) if path.name.endswith("-delta.vmdk") else _BaseFile(path)


def _copy_blocks(delta: DeltaFile, blocks: list[int], target: DeltaFile | _BaseFile) -> bool:
    has_changed = False
    for number in blocks:
        data = delta.read_block(number) or b""
        if target.read_block(number) != data:
            target.write_block(number, data)
            has_changed = True
    return has_changed
