"""Whether the host keeps a file locked, asked at every opening: quick with hundreds of VMs."""

import threading
from pathlib import Path

from hlb_hooks.lab.host.locks import LockTable
from hlb_hooks.lab.host.neighbours import list_all_vms
from hlb_hooks.lab.layout import Lab

_Seen = tuple[tuple[Path, int, int], ...]


class FreshLocks:
    """A lock table that is made anew when a VM came, went, or has another .vmx.

    Its answers are those of the moment anyhow; what grows old is in which folders a VM has files,
    and to read that takes all VMs' disks.
    """

    def __init__(self, lab: Lab) -> None:
        """Take the lab; nothing is read yet."""
        self._lab = lab
        self._turn = threading.Lock()
        self._seen: _Seen | None = None
        self._table: LockTable | None = None

    def is_locked(self, path: Path) -> bool:
        """Tell whether the host keeps the file at ``path`` locked now. May be asked at once."""
        return self._take_table().is_locked(path)

    def _take_table(self) -> LockTable:
        # Looked at before the table is made: what changes in between makes the next one.
        seen = self._look()
        with self._turn:
            if self._table is None or self._seen != seen:
                self._table = LockTable(self._lab)
                self._seen = seen
            return self._table

    def _look(self) -> _Seen:
        return tuple(_look_at(vm.config) for vm in list_all_vms(self._lab))


def _look_at(config: Path) -> tuple[Path, int, int]:
    try:
        status = config.stat()
    except OSError:
        # Files that somebody took away, or cannot be reached: no VM that can lock anything.
        return config, 0, 0
    return config, status.st_ino, status.st_mtime_ns
