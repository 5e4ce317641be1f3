"""The owner of a run: the backup client's process, or a lease for who has none.

The owner says how long a run's snapshots may stay: as long as it lives. It is never blindly the
direct parent, which may be a shell that is gone a moment later.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from hlb_hooks.base import clock
from hlb_hooks.base.errors import UsageError
from hlb_hooks.effects import processes
from hlb_hooks.effects.effect_kind import reads
from hlb_hooks.effects.owner_log import OwnerLog, find_owner_log, owner_log_from_details
from hlb_hooks.effects.processes import ProcessIdentity


@dataclass(frozen=True)
class ProcessOwner:
    """A run that is over when this process is."""

    process: ProcessIdentity
    name: str
    log: OwnerLog | None = None

    @reads
    def is_over(self) -> bool:
        """Tell whether the owner is gone; a zombie and a process of an earlier boot are."""
        return not processes.is_alive(self.process)

    def describe(self) -> str:
        """Name the owner for the operator."""
        return f"{self.name} (pid {self.process.pid})"

    def to_details(self) -> dict[str, str]:
        """Give the owner as details of a record."""
        return {
            "kind": "process",
            "name": self.name,
            "pid": str(self.process.pid),
            "start_ticks": str(self.process.start_ticks),
            "boot_id": self.process.boot_id,
            **(self.log.to_details() if self.log else {}),
        }


@dataclass(frozen=True)
class LeaseOwner:
    """A run that is over when its time is: by the boot's own clock, or the calendar's after one."""

    until: datetime
    until_seconds_since_boot: float
    boot_id: str

    @reads
    def is_over(self) -> bool:
        """Tell whether the lease is over. Setting the host's clock does not stretch it."""
        if processes.read_boot_id() == self.boot_id:
            return clock.read_seconds_since_boot() >= self.until_seconds_since_boot
        return clock.read_utc_now() >= self.until

    def describe(self) -> str:
        """Name the lease for the operator."""
        return f"a lease until {clock.format_utc(self.until)}"

    def to_details(self) -> dict[str, str]:
        """Give the lease as details of a record."""
        return {
            "kind": "lease",
            "until": clock.format_utc(self.until),
            "until_seconds_since_boot": f"{self.until_seconds_since_boot:.0f}",
            "boot_id": self.boot_id,
        }


Owner = ProcessOwner | LeaseOwner


def owner_from_details(details: Mapping[str, str]) -> Owner:
    """Read what ``to_details`` gave. Raise KeyError or ValueError for anything else."""
    if details["kind"] == "lease":
        return LeaseOwner(
            clock.parse_utc(details["until"]),
            float(details["until_seconds_since_boot"]),
            details["boot_id"],
        )
    identity = ProcessIdentity(int(details["pid"]), int(details["start_ticks"]), details["boot_id"])
    return ProcessOwner(identity, details["name"], owner_log_from_details(details))


@reads
def find_owner(patterns: tuple[str, ...]) -> ProcessOwner | None:
    """Give the nearest ancestor called like one of ``patterns``, or None."""
    identity = processes.find_ancestor(patterns)
    return None if identity is None else _own(identity)


@reads
def owner_of_pid(pid: int) -> ProcessOwner:
    """Give the living process ``pid`` as owner. Raise UsageError when there is none."""
    identity = processes.identify_process(pid)
    if identity is None:
        raise UsageError(
            f"--owner-pid {pid}: there is no such process",
            next_step="give the pid of the backup client, or --lease 4h",
        )
    return _own(identity)


@reads
def lease_for(length: timedelta) -> LeaseOwner:
    """Give a lease that begins now."""
    return LeaseOwner(
        clock.read_utc_now() + length,
        clock.read_seconds_since_boot() + length.total_seconds(),
        processes.read_boot_id(),
    )


def _own(identity: ProcessIdentity) -> ProcessOwner:
    facts = processes.read_process(identity.pid)
    name = facts.command_name if facts else "?"
    return ProcessOwner(identity, name, find_owner_log(identity.pid))
