"""What ``--json`` writes: for each command one document, with a format and a version."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from hlb_hooks.decisions.views.run_view import RunView

# To be raised when a field goes, or means something else; a new one is no reason.
VERSION = 1


@dataclass(frozen=True)
class ProblemView:
    """Something that stood in the way: a state file that is damaged, a hlb.toml with a mistake."""

    message: Annotated[str, "what, naming the file"]
    next_step: Annotated[str, "what to do about it; may be empty"]


@dataclass(frozen=True)
class ReportDocument:
    """``hlb report --json``."""

    format: Annotated[str, "hlb-report"]
    version: Annotated[int, "of the format: 1"]
    written: Annotated[datetime, "when this was written"]
    problems: Annotated[tuple[ProblemView, ...], "what could not be read"]
    run: Annotated[RunView, "the run"]


DOCUMENTS = (ReportDocument,)
