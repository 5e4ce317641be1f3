"""Whether a claim that lies beside a VM keeps another run away from it."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from hlb_hooks.effects.claims import Claim
from hlb_hooks.effects.run_story import Run

STALE_AFTER = timedelta(hours=2)


def is_claim_in_force(claim: Claim, *, host: str, runs: Iterable[Run], now: datetime) -> bool:
    """Tell whether somebody still answers for ``claim``.

    A run of this host answers as long as its state file says that it is not settled; one that no
    state file knows, and any of another host, for two hours after the last refresh.
    """
    if claim.host == host:
        for run in runs:
            if run.name == claim.run:
                return bool(run.unsettled_vms)
    return claim.refreshed is None or now - claim.refreshed < STALE_AFTER
