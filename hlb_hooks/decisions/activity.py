"""Which runs are alive, whose they are, and which have nobody any more: from facts alone."""

from collections.abc import Iterable

from hlb_hooks.effects.owner import ProcessOwner
from hlb_hooks.effects.processes import ProcessIdentity
from hlb_hooks.effects.run_store import FoundRun


def find_active(found: Iterable[FoundRun], job: str, over: frozenset[str]) -> FoundRun | None:
    """Give a run of ``job`` that is alive, or None.

    ``over`` names the runs that are not: ended, handed over to the guard, or their owner gone.
    """
    for entry in found:
        run = entry.run
        if run.job == job and run.name not in over:
            return entry
    return None


def find_runs_of(found: Iterable[FoundRun], owner: ProcessIdentity) -> list[FoundRun]:
    """Give the runs of one owner, and nobody else's."""
    return [
        entry
        for entry in found
        if isinstance(entry.run.owner, ProcessOwner) and entry.run.owner.process == owner
    ]
