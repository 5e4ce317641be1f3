"""Whether a claim that lies beside a VM keeps another run away from it."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol

from hlb_hooks.effects.claims import Claim

STALE_AFTER = timedelta(hours=2)


class KnownRun(Protocol):
    """What is to be known of a run: its name, and whether nothing of it is open any more."""

    @property
    def name(self) -> str:
        """Give its name."""

    @property
    def is_ended(self) -> bool:
        """Tell whether it has ended."""


def is_claim_in_force(claim: Claim, *, host: str, runs: Iterable[KnownRun], now: datetime) -> bool:
    """Tell whether somebody still answers for ``claim``.

    A run of this host answers until its state file says that it has ended: one that had claimed
    nothing when it was read may have done so since. One that no state file knows, and any of
    another host, answers for two hours after the last refresh, unless it was released.
    """
    if claim.host == host:
        for run in runs:
            if run.name == claim.run:
                return not run.is_ended
    return is_claim_fresh(claim, now)


def is_claim_fresh(claim: Claim, now: datetime) -> bool:
    """Tell whether ``claim`` was refreshed in the last two hours and not released since."""
    if claim.is_released:
        return False
    # One of the future is of a host whose clock was wrong: it must not be fresh for years.
    return claim.refreshed is None or abs(now - claim.refreshed) < STALE_AFTER
