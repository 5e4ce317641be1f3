"""What a check has found: each with how bad it is and with its remedy. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum, StrEnum

from hlb_hooks.base.errors import HlbError
from hlb_hooks.base.text import make_printable
from hlb_hooks.decisions.overview import Overview
from hlb_hooks.decisions.phrase import Phrase, phrase

# A plug-in's answer is one line, and "|" begins its numbers (Monitoring Plugins Development
# Guidelines). Old agents pass on a kilobyte.
_MAX_TEXT = 600


class Severity(IntEnum):
    """The words of monitoring plug-ins, with their exit codes."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


_RANK = (Severity.OK, Severity.WARNING, Severity.UNKNOWN, Severity.CRITICAL)


class Area(StrEnum):
    """What was looked at. The words are the same in every language."""

    CONFIGURATION = "configuration"
    HOST = "host"
    SCRIPTS = "scripts"
    STATE = "state"
    SPACE = "space"
    CLOCK = "clock"
    REAPER = "reaper"
    SNAPSHOTS = "snapshots"
    BACKUPS = "backups"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at, and what to do about it; nothing where all is well."""

    area: Area
    severity: Severity
    what: Phrase
    next_step: Phrase | None = None


def good(area: Area, what: Phrase) -> Finding:
    """Make the finding that all is well."""
    return Finding(area, Severity.OK, what)


def from_error(
    area: Area,
    error: HlbError,
    severity: Severity = Severity.CRITICAL,
    *,
    remedy: Phrase | None = None,
) -> Finding:
    """Make a finding of an error: it has its words already.

    ``remedy`` is for one that does not say what to do; else somebody has to look at what it names.
    """
    if error.next_step:
        remedy = phrase("files_unreadable", message=error.next_step)
    what = phrase("files_unreadable", message=error.message)
    return Finding(area, severity, what, remedy or phrase("look_at_it"))


def find_worst(findings: Iterable[Finding]) -> Severity:
    """Give the worst severity: not to know is worse than a warning."""
    return max((finding.severity for finding in findings), key=_RANK.index, default=Severity.OK)


def sort_worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Give the findings in the order in which they want a hand."""
    return sorted(findings, key=lambda finding: -_RANK.index(finding.severity))


def make_numbers(overview: Overview, reap_age: timedelta | None) -> dict[str, float]:
    """Give the numbers of a check, for graphs; seconds are whole."""
    numbers: dict[str, float] = {
        "open": len(overview.open),
        "oldest_open_seconds": round(overview.oldest_open.total_seconds()),
        "wanted": len(overview.wanted),
        "late": len(overview.late),
        "failed": sum(sum(night.failures.values()) for night in overview.nights),
        "damaged": overview.damaged,
    }
    ages = [overview.now - vm.last_success for vm in overview.wanted if vm.last_success]
    if ages:
        numbers["oldest_success_seconds"] = round(max(ages).total_seconds())
    if reap_age is not None:
        numbers["reap_age_seconds"] = round(reap_age.total_seconds())
    return numbers


def render_monitoring(status: Severity, text: str, numbers: Mapping[str, float]) -> str:
    """Give a plug-in's line: the status word first, then what is the matter, then the numbers."""
    shown = make_printable(text).replace("|", "/")
    if len(shown) > _MAX_TEXT:
        shown = shown[: _MAX_TEXT - 3] + "..."
    perfdata = " ".join(_render_number(name, value) for name, value in numbers.items())
    line = f"HLB {status.name} - {shown}"
    return f"{line} | {perfdata}" if perfdata else line


def _render_number(name: str, value: float) -> str:
    label, is_time = name.removesuffix("_seconds"), name.endswith("_seconds")
    return f"{label}={value:.0f}s;;;0" if is_time else f"{label}={value:.0f};;;0"
