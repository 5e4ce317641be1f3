"""Whether tonight will go well: everything a backup depends on, looked at; reads alone."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from hlb_hooks import __version__
from hlb_hooks.base import clock
from hlb_hooks.base.config import Config
from hlb_hooks.base.errors import HlbError
from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.base.text import escape
from hlb_hooks.decisions import check_places, check_runs
from hlb_hooks.decisions.findings import (
    Area,
    Finding,
    Severity,
    find_worst,
    from_error,
    good,
    make_numbers,
    render_monitoring,
    sort_worst_first,
)
from hlb_hooks.decisions.overview import Overview
from hlb_hooks.decisions.phrase import phrase
from hlb_hooks.decisions.views.check_view import FindingView
from hlb_hooks.decisions.views.documents import VERSION, CheckDocument
from hlb_hooks.effects import client_scripts, reap_trace
from hlb_hooks.effects.commands import CommandRunner
from hlb_hooks.effects.found_runs import FoundRuns
from hlb_hooks.effects.guard_process import is_guard_alive
from hlb_hooks.effects.report_files import takes_reports
from hlb_hooks.effects.state_place import look_at_place, read_modified_seconds
from hlb_hooks.steps.check_host import check_host
from hlb_hooks.steps.choose import explain_hold
from hlb_hooks.steps.context import Context
from hlb_hooks.steps.desk.delivery import Form, Wanted, deliver_data
from hlb_hooks.steps.desk.json_form import write_json
from hlb_hooks.steps.overview import make_overview

_INDENT = 4
CHECK_RUN = "check"


@dataclass(frozen=True)
class CheckRequest:
    """The configuration, or why there is none; ``form``: ``text``, ``json`` or ``monitoring``."""

    config: Config | None
    trouble: HlbError | None
    state_dirs: tuple[str, ...]
    form: str


@dataclass
class _Check:
    """One check under way: what it has found, and the numbers for graphs."""

    findings: list[Finding] = field(default_factory=list)
    numbers: dict[str, float] = field(default_factory=dict)


def run(context: Context, request: CheckRequest) -> int:
    """Say every finding with its remedy, and give the exit code.

    0: nothing critical; 1: something is; 2: the configuration cannot be used. With ``monitoring``
    the codes of plug-ins: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.
    """
    check = _Check()
    if request.trouble is not None:
        check.findings.append(from_error(Area.CONFIGURATION, request.trouble))
    if request.config is not None:
        _check_config(check, request.config)
        check.findings += check_host(context, request.config)
        check.findings += _check_scripts(request.config)
    _check_state(context, check, request)
    findings = sort_worst_first(check.findings)
    status = find_worst(findings)
    if request.form == "monitoring":
        _say_line(context, findings, status, check.numbers)
        return int(status)
    exit_code = ExitCode.NOT_PROTECTED if status >= Severity.CRITICAL else ExitCode.DONE
    if request.trouble is not None:
        exit_code = request.trouble.exit_code
    if request.form == "json":
        _say_json(context, findings, status, exit_code, check.numbers)
    else:
        _say_text(context, findings)
    return int(exit_code)


def _check_config(check: _Check, config: Config) -> None:
    jobs = ", ".join(sorted(config.jobs))
    check.findings.append(
        good(Area.CONFIGURATION, phrase("config_good", path=config.path, jobs=jobs))
    )
    if os.geteuid() != 0:
        what = phrase("not_root", user=os.geteuid())
        step = phrase("be_root")
        check.findings.append(Finding(Area.CONFIGURATION, Severity.WARNING, what, step))


def _check_scripts(config: Config) -> list[Finding]:
    folder = config.paths.scripts_dir
    if not check_places.is_for_avtar(config.run.owner):
        return [good(Area.SCRIPTS, phrase("scripts_not_needed"))]
    runner = CommandRunner(run=CHECK_RUN, may_change=False)
    scripts = [
        client_scripts.read_client_script(
            folder, check_places.name_script(hook, job), hook, __version__, runner
        )
        for job in sorted(config.jobs)
        for hook in (check_places.START, check_places.END)
    ]
    strays = check_places.check_strays(
        folder, client_scripts.list_jobs_of_scripts(folder), config.jobs
    )
    return [*check_places.check_scripts(scripts, __version__), *strays]


def _check_state(context: Context, check: _Check, request: CheckRequest) -> None:
    """Look at every state folder: the configured one, and those that guards are at work in."""
    read: list[FoundRuns] = []
    for folder in request.state_dirs:
        place = look_at_place(folder)
        found = FoundRuns((), ())
        if place.trouble is None:
            try:
                found = context.effects.open_store(folder).find_runs()
            except HlbError as error:
                check.findings.append(from_error(Area.STATE, error, Severity.UNKNOWN))
            check.findings += _check_holds(context, folder)
        read.append(found)
        check.findings += check_places.check_state(place, found.errors)
    overview = make_overview(read)
    check.findings += check_runs.check_snapshots(overview, _list_unattended(read))
    if request.config is not None:
        check.findings += check_runs.check_backups(overview, request.config.jobs)
    begun = [entry.begun for found in read for entry in found.runs]
    uptime = timedelta(seconds=clock.read_seconds_since_boot())
    check.findings += check_runs.check_clock(overview, begun, uptime)
    traces = [reap_trace.read_reap_trace(folder) for folder in request.state_dirs]
    trace = max(filter(None, traces), key=lambda trace: trace.moment, default=None)
    check.findings.append(
        check_runs.check_reaper(
            trace,
            reap_trace.find_reap_schedules(),
            overview.now,
            is_folder_there=any(found.runs for found in read),
        )
    )
    if request.config is not None and request.config.paths.metrics_file:
        check.findings += _check_metrics(request.config.paths.metrics_file, overview)
    if request.config is not None:
        check.findings += _check_reports(request.config.paths.report_dir)
    check.numbers = make_numbers(overview, overview.now - trace.moment if trace else None)


def _check_holds(context: Context, folder: str) -> list[Finding]:
    """Name what somebody wants left alone: such wishes outlive their reasons."""
    try:
        holds = context.effects.open_store(folder).read_holds()
    except HlbError as error:
        return [from_error(Area.STATE, error)]
    findings = []
    for hold in holds:
        reason, next_step = explain_hold(hold, clock.read_time_zone())
        name = escape(hold.name) if hold.vmx else context.speaker.phrase("whole_host")
        what = phrase("files_unreadable", message=f"{name}: {context.speak(reason)}")
        findings.append(Finding(Area.BACKUPS, Severity.WARNING, what, next_step))
    return findings


def _list_unattended(read: Iterable[FoundRuns]) -> list[str]:
    return [
        entry.name
        for found in read
        for entry in found.runs
        if not entry.is_ended and entry.run.unsettled_vms and not is_guard_alive(entry.run.guard)
    ]


def _check_metrics(path: str, overview: Overview) -> list[Finding]:
    """Look whether somebody writes the metrics: every hook, guard and reap does."""
    written = read_modified_seconds(path)
    newest = max((night.run.latest for night in overview.nights), default=None)
    if newest is None or (written is not None and written >= newest.timestamp()):
        return []
    what = phrase("metrics_old", path=path)
    return [Finding(Area.STATE, Severity.WARNING, what, phrase("mend_metrics"))]


def _check_reports(folder: str) -> list[Finding]:
    """Look whether reports can be left where they are wanted."""
    if not folder or takes_reports(folder):
        return []
    what = phrase("reports_nowhere", path=folder)
    return [Finding(Area.STATE, Severity.WARNING, what, phrase("mend_reports"))]


def _say_text(context: Context, findings: Sequence[Finding]) -> None:
    for finding in findings:
        what = context.speak(finding.what)
        context.speaker.line(f"{finding.severity.name:<8} {finding.area}: {what}")
        if finding.next_step is not None:
            text = context.speak(finding.next_step)
            context.speaker.say("next_step", text=text, indent=_INDENT)


def _say_line(
    context: Context, findings: Sequence[Finding], status: Severity, numbers: dict[str, float]
) -> None:
    faults = [finding for finding in findings if finding.severity is not Severity.OK]
    said = "; ".join(f"{each.area}: {context.speak(each.what)}" for each in faults)
    if not faults:
        count = int(numbers["wanted"])
        said = context.speaker.phrase("successes_in_time", count=count)
    context.speaker.line(render_monitoring(status, said, numbers))


def _say_json(
    context: Context,
    findings: Sequence[Finding],
    status: Severity,
    exit_code: ExitCode,
    numbers: dict[str, float],
) -> None:
    document = CheckDocument(
        format="hlb-check",
        version=VERSION,
        written=clock.read_utc_now(),
        status=status.name,
        exit=exit_code,
        findings=tuple(
            FindingView(
                area=finding.area,
                severity=finding.severity.name,
                text=context.speak(finding.what),
                next_step=context.speak(finding.next_step) if finding.next_step else "",
            )
            for finding in findings
        ),
        numbers=numbers,
    )
    deliver_data(context, Wanted(Form.JSON), write_json(document))
