"""When each VM of a job was last backed up, from the runs that are known: pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from hlb_hooks.decisions.successes import list_successes
from hlb_hooks.effects.found_runs import FoundRun
from hlb_hooks.effects.run_digest import VmIdentity


@dataclass(frozen=True)
class Backup:
    """A VM's part in one run: the run's name, and when it began."""

    run: str
    begun: datetime


@dataclass
class Past:
    """What is known of one VM in one job."""

    last: Backup | None = None
    """The newest success that is not in the future."""
    future: Backup | None = None
    """The newest success of a time that is still to come: the clock was set back."""
    uncounted: Backup | None = None
    """The newest run that may have been a success, only that nobody knows."""


def tell_pasts(
    runs: Iterable[FoundRun], job: str, measure: str, now: datetime
) -> dict[VmIdentity, Past]:
    """Give the past of each VM that ``job`` ever protected, by the measure of [jobs.X] success."""
    pasts: dict[VmIdentity, Past] = {}
    entries = (entry for entry in runs if entry.job == job)
    # Oldest first: whatever comes later takes the place of what was before.
    for entry in sorted(entries, key=lambda entry: entry.begun):
        _add(pasts, entry, measure, now)
    return pasts


def _add(pasts: dict[VmIdentity, Past], entry: FoundRun, measure: str, now: datetime) -> None:
    digest = entry.digest
    backup = Backup(digest.name, digest.begun)
    successes = list_successes(digest, measure)
    for vm in successes:
        past = pasts.setdefault(vm, Past())
        if digest.begun > now:
            past.future = backup
        else:
            past.last, past.uncounted = backup, None
    # Of a run under way it will be known: its client is still reading.
    if entry.is_finished and len(successes) == len(digest.read):
        for vm in digest.unread:
            pasts.setdefault(vm, Past()).uncounted = backup
