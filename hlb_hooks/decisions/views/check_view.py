"""What a check has found, as a program is told it."""

from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True)
class FindingView:
    """One thing that was looked at."""

    area: Annotated[str, "what: docs/how-to/monitoring.md has the areas"]
    severity: Annotated[str, "OK, WARNING, UNKNOWN or CRITICAL"]
    text: Annotated[str, "what was found"]
    next_step: Annotated[str, "what to do about it; empty where all is well"]
