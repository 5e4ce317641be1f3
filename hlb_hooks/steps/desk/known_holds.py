"""What operators want left alone, from all the folders that may say so; reads alone."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import tzinfo

from hlb_hooks.base.errors import StateError
from hlb_hooks.base.text import escape
from hlb_hooks.decisions.views.documents import ProblemView
from hlb_hooks.effects.holds import Hold
from hlb_hooks.steps.choose import explain_hold
from hlb_hooks.steps.context import Context
from hlb_hooks.steps.desk.lines import INDENT, Line, Tone
from hlb_hooks.steps.desk.words import Voice


@dataclass(frozen=True)
class KnownHolds:
    """The wishes, and what stood in the way of knowing more."""

    holds: tuple[Hold, ...]
    damage: tuple[ProblemView, ...]


def gather_holds(context: Context, state_dirs: Iterable[str]) -> KnownHolds:
    """Read every folder's wishes. What cannot be read hides none of the others."""
    holds: list[Hold] = []
    damage: list[ProblemView] = []
    for folder in state_dirs:
        try:
            holds += context.effects.open_store(folder).read_holds()
        except StateError as error:
            damage.append(ProblemView(error.message, error.next_step))
    return KnownHolds(tuple(holds), tuple(damage))


def tell_holds(holds: Iterable[Hold], voice: Voice, zone: tzinfo) -> Iterator[Line]:
    """Give the lines of each wish: what, who and why, and how it ends."""
    for hold in holds:
        reason, next_step = explain_hold(hold, zone)
        place = escape(hold.vmx) if hold.vmx else voice.phrase("whole_host")
        yield Line(f"{place}: {voice.phrase(reason.key, **reason.words)}", INDENT, Tone.WARNING)
        text = voice.phrase(next_step.key, **next_step.words)
        yield Line(voice.phrase("next_step", text=text), 2 * INDENT)
