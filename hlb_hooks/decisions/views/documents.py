"""What ``--json`` writes: for each command one document, with a format and a version."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.decisions.views.check_view import FindingView
from hlb_hooks.decisions.views.history_view import RunLine
from hlb_hooks.decisions.views.holds_view import HoldView
from hlb_hooks.decisions.views.plan_view import PlannedVm, TargetView
from hlb_hooks.decisions.views.run_view import RunView
from hlb_hooks.decisions.views.status_view import FailedRun, LastSuccess, OpenRunView, ToDoView
from hlb_hooks.decisions.views.vm_view import KnownVm

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


@dataclass(frozen=True)
class PlanDocument:
    """``hlb plan --json``. When no run would begin at all, stderr says why, and nothing else is."""

    format: Annotated[str, "hlb-plan"]
    version: Annotated[int, "of the format: 1"]
    written: Annotated[datetime, "when this was written"]
    problems: Annotated[tuple[ProblemView, ...], "what could not be read"]
    job: Annotated[str, "the job"]
    exit: Annotated[ExitCode, "what the start hook would end with"]
    targets: Annotated[str, "the targets file"]
    vms: Annotated[
        tuple[PlannedVm, ...], "every VM of the host; what would not be protected goes first"
    ]
    unmatched: Annotated[tuple[TargetView, ...], "the lines of the targets file that mean no VM"]


@dataclass(frozen=True)
class HistoryDocument:
    """``hlb history --json``."""

    format: Annotated[str, "hlb-history"]
    version: Annotated[int, "of the format: 1"]
    written: Annotated[datetime, "when this was written"]
    problems: Annotated[tuple[ProblemView, ...], "what could not be read"]
    runs: Annotated[tuple[RunLine, ...], "the runs, newest first"]


@dataclass(frozen=True)
class StatusDocument:
    """``hlb status --json``."""

    format: Annotated[str, "hlb-status"]
    version: Annotated[int, "of the format: 1"]
    written: Annotated[datetime, "when this was written"]
    problems: Annotated[tuple[ProblemView, ...], "what could not be read"]
    runs: Annotated[tuple[OpenRunView, ...], "the runs that are not settled yet"]
    open: Annotated[int, "VMs with an open snapshot"]
    last_successes: Annotated[
        tuple[LastSuccess, ...],
        "of each VM that a job has chosen in the week before its last run: none first, then oldest",
    ]
    failed_runs: Annotated[tuple[FailedRun, ...], "the last runs that failed for a VM"]
    to_do: Annotated[tuple[ToDoView, ...], "what a person has to do"]
    holds: Annotated[tuple[HoldView, ...], "what is left alone by an operator's wish"]


@dataclass(frozen=True)
class HoldsDocument:
    """``hlb hold --json``."""

    format: Annotated[str, "hlb-holds"]
    version: Annotated[int, "of the format: 1"]
    written: Annotated[datetime, "when this was written"]
    holds: Annotated[tuple[HoldView, ...], "what is left alone by an operator's wish"]


@dataclass(frozen=True)
class CheckDocument:
    """``hlb check --json``; it is written with a configuration that cannot be used, too."""

    format: Annotated[str, "hlb-check"]
    version: Annotated[int, "of the format: 1"]
    written: Annotated[datetime, "when this was written"]
    status: Annotated[str, "the worst of the severities: UNKNOWN is worse than WARNING"]
    exit: Annotated[ExitCode, "what the command ends with"]
    findings: Annotated[tuple[FindingView, ...], "the worst first"]
    numbers: Annotated[Mapping[str, float], "for graphs: those of --monitoring"]


@dataclass(frozen=True)
class WhereisDocument:
    """``hlb whereis VM --json``."""

    format: Annotated[str, "hlb-whereis"]
    version: Annotated[int, "of the format: 1"]
    written: Annotated[datetime, "when this was written"]
    problems: Annotated[tuple[ProblemView, ...], "what could not be found out"]
    vms: Annotated[tuple[KnownVm, ...], "the VMs that the name means, registered ones first"]


@dataclass(frozen=True)
class DatasetDocument:
    """``hlb dataset JOB --json``. Its paths are as they are, bytes not UTF-8 as lone surrogates."""

    format: Annotated[str, "hlb-dataset"]
    version: Annotated[int, "of the format: 1"]
    written: Annotated[datetime, "when this was written"]
    problems: Annotated[tuple[ProblemView, ...], "VMs of the job whose files cannot be read"]
    job: Annotated[str, "the job"]
    sources: Annotated[tuple[str, ...], "what the client is to read"]
    excludes: Annotated[tuple[str, ...], "patterns to leave out"]
    includes: Annotated[tuple[str, ...], "patterns to add back"]
    options: Annotated[Mapping[str, str], "avtar's options"]
    rescued: Annotated[tuple[str, ...], "the files that the inclusions are for"]


@dataclass(frozen=True)
class ProbeDocument:
    """``hlb probe show --json``."""

    format: Annotated[str, "hlb-probe"]
    version: Annotated[int, "of the format: 1"]
    written: Annotated[datetime, "when this was written"]
    calls: Annotated[
        tuple[tuple[Mapping[str, object], ...], ...],
        "for each call of a hook what was seen of it, in order, as the inert hooks wrote it down",
    ]


@dataclass(frozen=True)
class KeyView:
    """A key of hlb.toml, as it is in force."""

    section: Annotated[str, "where it stands: run, jobs.default"]
    key: Annotated[str, "its name"]
    value: Annotated[str | int | float | bool | tuple[str, ...], "the value in force"]
    line: Annotated[int | None, "the line of hlb.toml that says it; null: it is the default"]


@dataclass(frozen=True)
class ConfigDocument:
    """``hlb config show --json``."""

    format: Annotated[str, "hlb-config"]
    version: Annotated[int, "of the format: 1"]
    path: Annotated[str, "the file"]
    said_by: Annotated[str, "why this one: --config, $HLB_CONFIG, or default"]
    keys: Annotated[tuple[KeyView, ...], "every key"]


DOCUMENTS = (
    PlanDocument,
    StatusDocument,
    ReportDocument,
    HistoryDocument,
    CheckDocument,
    WhereisDocument,
    HoldsDocument,
    DatasetDocument,
    ProbeDocument,
    ConfigDocument,
)
