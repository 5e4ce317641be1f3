"""Which runs are alive, whose they are, and which have nobody any more: from facts alone."""

from collections.abc import Iterable

from hlb_hooks.effects.found_runs import FoundRun
from hlb_hooks.effects.owner import ProcessOwner
from hlb_hooks.effects.processes import ProcessIdentity


def find_active(found: Iterable[FoundRun], job: str, over: frozenset[str]) -> FoundRun | None:
    """Give a run of ``job`` that is alive, or None.

    ``over`` names the runs that are not: ended, handed over to the guard, or their owner gone.
    """
    for entry in found:
        if entry.job == job and entry.name not in over:
            return entry
    return None


def find_runs_of(found: Iterable[FoundRun], owner: ProcessIdentity) -> list[FoundRun]:
    """Give the runs of one owner, and nobody else's."""
    return [
        entry
        for entry in found
        if isinstance(entry.owner, ProcessOwner) and entry.owner.process == owner
    ]
