"""Which state files may be deleted: pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from hlb_hooks.decisions.successes import HOOKS, READ, list_successes
from hlb_hooks.effects.found_runs import FoundRun
from hlb_hooks.effects.run_digest import VmIdentity


def find_expired(runs: Iterable[FoundRun], now: datetime, keep: timedelta) -> list[FoundRun]:
    """Give the runs whose last record is older than ``keep``, oldest first.

    Never one that is unfinished or awaits its verdict, and never the newest success of a VM in a
    job, by either measure, as the job may change its own.
    """
    finished = sorted(
        (entry for entry in runs if entry.is_finished), key=lambda entry: entry.digest.begun
    )
    newest: dict[tuple[str, str, VmIdentity], str] = {}
    for entry in finished:
        if entry.digest.begun > now:
            continue  # the clock was set back: what it hides still counts
        for measure in (READ, HOOKS):
            for vm in list_successes(entry.digest, measure):
                newest[entry.job, measure, vm] = entry.path
    kept = set(newest.values())
    return [
        entry for entry in finished if entry.digest.latest < now - keep and entry.path not in kept
    ]
