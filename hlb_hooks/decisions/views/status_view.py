"""What is under way and when each VM was last backed up, as the operator is shown it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from hlb_hooks.base.text import escape
from hlb_hooks.decisions.history import Past, tell_pasts
from hlb_hooks.decisions.successes import READ
from hlb_hooks.effects.found_runs import FoundRun
from hlb_hooks.effects.run_digest import VmIdentity, name_folder

# A VM that no run of the job's last days has chosen is not the job's any more.
_OF_LATE = timedelta(days=7)


@dataclass(frozen=True)
class OpenVmView:
    """A VM with a snapshot of ours on it."""

    vmx: Annotated[str, "the path of its .vmx, as it was last found"]
    flags: Annotated[tuple[str, ...], "the flags of the report: docs/reference/hooks.md"]
    snapshot: Annotated[str, "the name of its last snapshot"]
    since: Annotated[datetime, "since when it is open"]
    hours: Annotated[float, "for how long, with one decimal"]


@dataclass(frozen=True)
class OpenRunView:
    """A run with something left to settle."""

    run: Annotated[str, "its name"]
    job: Annotated[str, "its job"]
    owner: Annotated[str, "whose it is: the client's process, or a lease"]
    kept_by: Annotated[str | None, "who sees to its end, in words; null: nobody"]
    vms: Annotated[tuple[OpenVmView, ...], "the VMs with an open snapshot"]


@dataclass(frozen=True)
class ToDoView:
    """Something that a person has to do."""

    what: Annotated[str, "what is the matter, with the VM, run or file"]
    next_step: Annotated[str, "what to do about it"]


@dataclass(frozen=True)
class FailedRun:
    """The last run of a job, if it has failed for a VM."""

    job: Annotated[str, "the job"]
    run: Annotated[str, "the run: hlb report RUN says why"]
    begun: Annotated[datetime, "when it began"]
    failed: Annotated[int, "chosen VMs that it did not protect"]


@dataclass(frozen=True)
class LastSuccess:
    """When a VM was last backed up in a job."""

    job: Annotated[str, "the job"]
    vmx: Annotated[str, "the path of its .vmx"]
    name: Annotated[str, "its display name"]
    success: Annotated[
        datetime | None, "when its newest success began, as [jobs.X] success counts; null: none"
    ]
    run: Annotated[str | None, "the run of that success"]
    uncounted: Annotated[str | None, "a newer run of which nobody knows whether it was read"]


def view_last_successes(
    runs: Sequence[FoundRun], measures: Mapping[str, str] | None, now: datetime
) -> tuple[LastSuccess, ...]:
    """Give the last success of each VM that is a job's now: none first, then the oldest.

    ``measures`` has [jobs.X] success of each job that is configured; None, where that cannot be
    known, stands for every job there was, by the strict one.
    """
    jobs = dict.fromkeys(entry.job for entry in runs)
    found = [
        success
        for job in jobs
        if measures is None or job in measures
        for success in _view_job(runs, job, (measures or {}).get(job, READ), now)
    ]
    return tuple(sorted(found, key=lambda each: (each.success is not None, each.success or now)))


def view_failed_runs(
    runs: Sequence[FoundRun], measures: Mapping[str, str] | None
) -> tuple[FailedRun, ...]:
    """Give, of each job that is configured, its last finished run, if a VM failed in it."""
    last: dict[str, FoundRun] = {}
    for entry in sorted(runs, key=lambda entry: entry.begun):
        if entry.is_finished and (measures is None or entry.job in measures):
            last[entry.job] = entry
    return tuple(
        FailedRun(entry.job, entry.name, entry.begun, len(entry.digest.failed))
        for entry in last.values()
        if entry.digest.failed
    )


def _view_job(
    runs: Sequence[FoundRun], job: str, measure: str, now: datetime
) -> Iterable[LastSuccess]:
    pasts = tell_pasts(runs, job, measure, now)
    for vm, name in _list_current(runs, job).items():
        past = pasts.get(vm, Past())
        yield LastSuccess(
            job,
            escape(vm.vmx),
            escape(name),
            past.last.begun if past.last else None,
            past.last.run if past.last else None,
            past.uncounted.run if past.uncounted else None,
        )


def _list_current(runs: Sequence[FoundRun], job: str) -> dict[VmIdentity, str]:
    """Give the VMs that ``job`` has chosen of late, with their display names."""
    entries = [entry for entry in runs if entry.job == job]
    newest = max(entry.begun for entry in entries)
    current: dict[str, tuple[VmIdentity, str]] = {}
    for entry in sorted(entries, key=lambda entry: entry.begun):
        if entry.begun < newest - _OF_LATE:
            continue
        digest = entry.digest
        names = dict(digest.names)
        vms = digest.read + digest.unread + digest.failed + digest.not_due + digest.held
        if not entry.is_finished:
            vms += tuple(VmIdentity(vm.vmx, vm.uuid) for vm in entry.run.pending)
        for vm in vms:
            # Without a uuid its .vmx could not be read: then it is the VM that it was.
            if vm.uuid or vm.vmx not in current:
                current[vm.vmx] = vm, names.get(vm.vmx, name_folder(vm.vmx))
    return dict(current.values())
