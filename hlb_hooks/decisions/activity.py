"""Which runs are alive, whose they are, and which have nobody any more: from facts alone."""

from collections.abc import Iterable

from hlb_hooks.effects.owner import ProcessOwner
from hlb_hooks.effects.processes import ProcessIdentity
from hlb_hooks.effects.run_store import FoundRun


def find_active(found: Iterable[FoundRun], job: str, over: frozenset[str]) -> FoundRun | None:
    """Give a run of ``job`` that is alive: not settled, and its owner not in ``over``.

    ``over`` names the runs whose owner is gone, as the effects found out.
    """
    for entry in found:
        run = entry.run
        if run.job == job and not run.is_ended and run.name not in over:
            return entry
    return None


def find_runs_of(found: Iterable[FoundRun], ancestors: Iterable[ProcessIdentity]) -> list[FoundRun]:
    """Give the runs whose owner is among ``ancestors``: the caller's own, and nobody else's."""
    own = frozenset(ancestors)
    return [
        entry
        for entry in found
        if isinstance(entry.run.owner, ProcessOwner) and entry.run.owner.process in own
    ]
