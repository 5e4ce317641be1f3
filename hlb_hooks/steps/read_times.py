"""When the client reads each VM, as the guard sees it from the outside: an estimate.

The guard looks, at each of its polls, at which base disks the owner, or a process it started,
holds open. What it saw is put down once, when the client's turn is over. It decides nothing; it
shows how long snapshots are open beyond the reading that they were made for.
"""

from dataclasses import dataclass, field
from datetime import datetime

from hlb_hooks.base import clock
from hlb_hooks.effects import processes
from hlb_hooks.effects.journal import Journal
from hlb_hooks.effects.owner import ProcessOwner
from hlb_hooks.effects.records import Flag
from hlb_hooks.effects.run_story import Run


@dataclass
class ReadTimes:
    """First and last sight of each VM's disks being held open, by the VM's .vmx path."""

    _seen: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)
    _is_given_up: bool = False

    def look(self, run: Run) -> None:
        """Take in what the owner of ``run`` reads right now. Of a lease nobody knows who reads."""
        owner = run.owner
        if not isinstance(owner, ProcessOwner) or self._is_given_up:
            return
        vmx_of = {
            path: vm.vmx
            for vm in run.chosen
            if vm.is_ready
            for disk in vm.base_disks
            for path, _ in disk.extents
        }
        now = clock.read_utc_now()
        for path in processes.list_held_by_family(owner.process.pid, vmx_of):
            first, _ = self._seen.get(vmx_of[path], (now, now))
            self._seen[vmx_of[path]] = (first, now)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to put down."""
        return not self._seen

    def put_down(self, journal: Journal) -> None:
        """Note what was seen, and forget it. The caller holds the run's lock."""
        for vmx, (first, last) in self._seen.items():
            moments = {"read_from": first, "read_until": last}
            details = {key: clock.format_utc(moment) for key, moment in moments.items()}
            # A NOTE of no words: a release that does not know of it passes over it.
            journal.note(Flag.NOTE, vmx, **details)
        self._seen.clear()

    def give_up(self) -> None:
        """Look no more, and put nothing down: what failed once would fail at each poll."""
        self._is_given_up = True
        self._seen.clear()
