"""Moments of one removal, noted by every process that has a part in it: a file in memory."""

import mmap
import struct
import sys
import time
from pathlib import Path
from typing import NamedTuple

MOMENT = struct.Struct("q")
# Places in the file. The look before the command is kept apart: there are more looks after it.
LATEST_LOOK, LOOK_BEFORE, EXECUTED, HOST_BEGAN = range(4)
PLACES = 4


class Try(NamedTuple):
    """One removal with an administrator beside it; moments in nanoseconds, 0 for never.

    ``looked`` is when the .vmsd was opened for the last time before the host was asked, or before
    it was decided not to ask; ``executed`` when the process of vmware-cmd began, ``host_began``
    when the host had the VM for itself, ``admin_done`` when the administrator's snapshot was
    complete. ``is_lost``: it was taken, and is gone.
    """

    looked: int
    executed: int
    host_began: int
    admin_done: int
    is_lost: bool

    @property
    def is_asked(self) -> bool:
        return self.executed > 0

    @property
    def is_taken(self) -> bool:
        return self.admin_done > 0

    @property
    def was_complete_before_the_look(self) -> bool:
        return 0 < self.admin_done < self.looked

    @property
    def window_ms(self) -> float:
        """What is ours of the window: from the last look to the start of the host's command."""
        return (self.executed - self.looked) / 1e6

    @property
    def host_ms(self) -> float:
        """What is the host's: from the start of its command to its task."""
        return (self.host_began - self.executed) / 1e6


class Moments:
    """The file of moments, shared with children and with the host's command."""

    def __init__(self, path: Path) -> None:
        path.write_bytes(bytes(PLACES * MOMENT.size))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 0)

    def forget(self) -> None:
        self._memory[:] = bytes(len(self._memory))

    def read(self) -> list[int]:
        return [moment for (moment,) in MOMENT.iter_unpack(self._memory[:])]

    def listen(self) -> None:
        """Note each opening of a .vmsd, and each program's start, as long as this process lives."""

        def hear(event: str, arguments: tuple[object, ...]) -> None:
            if event == "open" and str(arguments[0]).endswith(".vmsd"):
                self._note(LATEST_LOOK, time.monotonic_ns())
            elif event == "os.exec":
                # In the child, which shares this memory.
                self._note(EXECUTED, time.monotonic_ns())
                self._note(LOOK_BEFORE, self.read()[LATEST_LOOK])

        sys.addaudithook(hear)

    def _note(self, place: int, moment: int) -> None:
        MOMENT.pack_into(self._memory, place * MOMENT.size, moment)
