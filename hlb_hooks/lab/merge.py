"""Committing deltas: their blocks go into the disk below them while the guest goes on writing.

A block that is in a delta hides the same block of the disk below, so the disk's content is the
same at every moment of a merge. The guest is held for one piece at a time.
"""

import os
from pathlib import Path

from hlb_hooks.base.clock import sleep_seconds
from hlb_hooks.lab.delta import BLOCK_BYTES, DeltaFile
from hlb_hooks.lab.layout import Lab
from hlb_hooks.lab.registry import RegisteredVm

_PIECE_BLOCKS = 32


def merge_in_pieces(
    lab: Lab, vm: RegisteredVm, deltas: tuple[Path, ...], target: Path, pause_seconds: float
) -> bool:
    """Copy what ``deltas`` (the top first) hold into ``target``; the guest writes meanwhile.

    Starts with the delta next to the target, as hosts do from ESX 4.0 Update 2. Wait
    ``pause_seconds`` after each piece. Give whether anything in the target changed.
    """
    has_changed = False
    for delta_path in reversed(deltas):
        with DeltaFile(delta_path) as delta:
            blocks = delta.list_blocks()
            for start in range(0, len(blocks), _PIECE_BLOCKS):
                with lab.hold_vm(vm.config):
                    piece = blocks[start : start + _PIECE_BLOCKS]
                    has_changed |= _copy_blocks(delta, piece, target)
                sleep_seconds(pause_seconds)
    return has_changed


def merge_rest(deltas: tuple[Path, ...], target: Path) -> bool:
    """Copy what is newer in ``deltas`` than in ``target``, while the caller holds the guest.

    Give whether anything in the target changed.
    """
    has_changed = False
    for delta_path in reversed(deltas):
        with DeltaFile(delta_path) as delta:
            has_changed |= _copy_blocks(delta, delta.list_blocks(), target)
    return has_changed


def _copy_blocks(delta: DeltaFile, blocks: list[int], target: Path) -> bool:
    has_changed = False
    descriptor = os.open(target, os.O_RDWR | os.O_CLOEXEC)
    try:
        for number in blocks:
            data = delta.read_block(number) or b""
            if os.pread(descriptor, BLOCK_BYTES, number * BLOCK_BYTES) != data:
                os.pwrite(descriptor, data, number * BLOCK_BYTES)
                has_changed = True
    finally:
        os.close(descriptor)
    return has_changed
