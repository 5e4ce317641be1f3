"""What the state files say of all jobs together, for whoever watches over them: pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from hlb_hooks.base.intervals import INTERVALS
from hlb_hooks.decisions.attributes import WHOLE_VM
from hlb_hooks.decisions.due import find_next
from hlb_hooks.decisions.history import Past, tell_pasts
from hlb_hooks.effects.found_runs import FoundRun
from hlb_hooks.effects.records import Flag, Record
from hlb_hooks.effects.run_digest import VmIdentity
from hlb_hooks.effects.run_story import Run
from hlb_hooks.effects.vm_story import VmStory

_DAILY = INTERVALS["1D"]
FAILURES = (
    Flag.LEFT_OUT,
    Flag.FAILED_SNAP,
    Flag.TORN,
    Flag.FAILED_READ,
    Flag.FAILED_UMOUNT,
)


@dataclass(frozen=True)
class Night:
    """The newest run of a job's start hook, in full: it says which VMs the job has."""

    run: Run
    records: tuple[Record, ...]

    @property
    def failures(self) -> dict[str, int]:
        """How many VMs have each flag that nobody wants."""
        counts = {
            str(flag): sum(flag in vm.flags for vm in self.run.concerned_vms) for flag in FAILURES
        }
        return {flag: count for flag, count in counts.items() if count}

    @property
    def phases(self) -> dict[str, timedelta]:
        """How long each part took, of those that are over: start, reading, removal."""
        moments: dict[str, datetime] = {}
        for record in self.records:
            if record.flag in {Flag.STARTED, Flag.INTENT_UMOUNT, Flag.ENDED}:
                moments.setdefault(record.flag, record.moment)
        marks = [
            ("start", self.run.begun, moments.get(Flag.STARTED)),
            ("reading", moments.get(Flag.STARTED), moments.get(Flag.INTENT_UMOUNT)),
            ("removal", moments.get(Flag.INTENT_UMOUNT), moments.get(Flag.ENDED)),
        ]
        # A clock that was set meanwhile makes no time negative.
        return {name: max(end - begin, timedelta()) for name, begin, end in marks if begin and end}


@dataclass(frozen=True)
class WantedVm:
    """A VM that a job is to back up; ``expected_by``: when a new success is due at the latest."""

    job: str
    vmx: str
    name: str
    last_success: datetime | None
    expected_by: datetime


@dataclass(frozen=True)
class OpenSnapshot:
    """A snapshot of ours that is open, or may be, and since when."""

    run: Run
    vm: VmStory
    since: datetime

    @property
    def limit(self) -> timedelta:
        """How long it may be open."""
        return timedelta(hours=self.run.config.snapshot.alarm_open_hours)


@dataclass(frozen=True)
class Overview:
    """All of it, at the moment ``now``."""

    now: datetime
    nights: tuple[Night, ...]
    wanted: tuple[WantedVm, ...]
    open: tuple[OpenSnapshot, ...]
    damaged: int
    """How many state files cannot be read."""

    @property
    def late(self) -> tuple[WantedVm, ...]:
        """The VMs whose next success should be there already."""
        return tuple(vm for vm in self.wanted if self.now > vm.expected_by)

    @property
    def oldest_open(self) -> timedelta:
        """For how long the oldest open snapshot is open; nothing where none is."""
        return max((self.now - each.since for each in self.open), default=timedelta())


def look_over(
    runs: Sequence[FoundRun],
    nights: Iterable[Night],
    *,
    damaged: int,
    now: datetime,
    zone: tzinfo,
) -> Overview:
    """Give the overview of ``runs``, of which ``nights`` are the newest of each job in full."""
    nights = tuple(nights)
    unfinished = [entry.run for entry in runs if not entry.is_ended]
    return Overview(
        now=now,
        nights=nights,
        wanted=tuple(vm for night in nights for vm in _list_wanted(night, runs, now, zone)),
        open=tuple(
            OpenSnapshot(run, vm, min(attempt.recorded for attempt in vm.unsettled_attempts))
            for run in unfinished
            for vm in run.open_vms
        ),
        damaged=damaged,
    )


def _list_wanted(
    night: Night, runs: Sequence[FoundRun], now: datetime, zone: tzinfo
) -> Iterable[WantedVm]:
    run = night.run
    job = run.config.jobs.get(run.job)
    if job is None:
        return  # its configuration was stored by another version
    pasts = tell_pasts(runs, run.job, job.success, now)
    late = timedelta(hours=run.config.run.alarm_late_hours)
    # What was never backed up is waited for as long as the first run is under way.
    begins = [entry.begun for entry in runs if entry.job == run.job]
    first = min(begins, default=run.begun) if run.is_finished else run.begun
    for record in night.records:
        if record.flag not in {Flag.CHOSEN, Flag.NOT_DUE} or record.vmx is None:
            continue
        details = record.details
        past = pasts.get(VmIdentity(record.vmx, details.get("uuid", "")), Past())
        interval = INTERVALS.get(details.get(WHOLE_VM) or job.default_interval, _DAILY)
        last = past.last.begun if past.last else None
        yield WantedVm(
            job=run.job,
            vmx=record.vmx,
            name=details.get("name", "") or record.vmx,
            last_success=last,
            expected_by=find_next(last or first, interval, slack=-late, zone=zone),
        )
