"""What an operator wants left alone, as the operator is shown it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from hlb_hooks.base.text import escape
from hlb_hooks.effects.holds import Hold


@dataclass(frozen=True)
class HoldView:
    """A wish that a VM, or the whole host, be left alone until it is released."""

    vmx: Annotated[str | None, "the path of its .vmx; null: no run begins on this host at all"]
    name: Annotated[str | None, "its display name"]
    who: Annotated[str, "who asked for it"]
    since: Annotated[datetime, "since when"]
    why: Annotated[str | None, "why, if that was said"]


def view_holds(holds: Iterable[Hold]) -> tuple[HoldView, ...]:
    """Give the wishes in their order."""
    return tuple(
        HoldView(
            vmx=escape(hold.vmx) or None,
            name=escape(hold.name) or None,
            who=escape(hold.who),
            since=hold.since,
            why=escape(hold.why) or None,
        )
        for hold in holds
    )
