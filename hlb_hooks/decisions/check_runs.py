"""What a check finds in the state files: snapshots that stay, backups that are late. Pure."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from hlb_hooks.base.text import escape
from hlb_hooks.decisions.findings import Area, Finding, Severity, good
from hlb_hooks.decisions.overview import Night, OpenSnapshot, Overview
from hlb_hooks.decisions.phrase import phrase
from hlb_hooks.effects.reap_trace import ReapTrace
from hlb_hooks.effects.records import Flag

# It is to run every ten minutes.
REAP_LATE = timedelta(hours=1)
_REAP_LOST = timedelta(hours=24)
# Records are of whole seconds, and a clock that is kept right jumps by less.
_CLOCK_TOLERANCE = timedelta(minutes=5)


def check_snapshots(overview: Overview, unattended: Collection[str]) -> list[Finding]:
    """Look at what is open. ``unattended``: the runs whose owner and guard are both gone."""
    findings = [
        Finding(
            Area.SNAPSHOTS,
            Severity.CRITICAL,
            phrase("run_unattended", run=name),
            phrase("reap_it"),
        )
        for name in sorted(unattended)
    ]
    for each in overview.open:
        findings += _check_open(overview.now, each)
    if not findings:
        findings.append(good(Area.SNAPSHOTS, phrase("snapshots_open", count=len(overview.open))))
    return findings


def check_backups(overview: Overview, jobs: Iterable[str]) -> list[Finding]:
    """Look at when each VM was last backed up, and what failed last."""
    findings = [
        Finding(
            Area.BACKUPS,
            Severity.WARNING,
            phrase("job_never_ran", job=job),
            phrase("begin_job", job=job),
        )
        for job in jobs
        if job not in {night.run.job for night in overview.nights}
    ]
    for vm in overview.late:
        words = {"name": vm.name, "job": vm.job, "vmx": vm.vmx}
        what = (
            phrase("success_late", last=_show(vm.last_success), **words)
            if vm.last_success
            else phrase("success_never", **words)
        )
        step = phrase("find_out_why", job=vm.job)
        findings.append(Finding(Area.BACKUPS, Severity.CRITICAL, what, step))
    findings += [_report_failures(night) for night in overview.nights if night.failures]
    if not findings:
        count = len(overview.wanted)
        findings.append(good(Area.BACKUPS, phrase("successes_in_time", count=count)))
    return findings


def check_clock(overview: Overview, begun: Iterable[datetime], uptime: timedelta) -> list[Finding]:
    """Compare the clock with what the runs were told by it: when they began, in any boot."""
    latest = max(begun, default=overview.now)
    if latest > overview.now + _CLOCK_TOLERANCE:
        what = phrase("clock_behind", latest=_show(latest))
        return [Finding(Area.CLOCK, Severity.WARNING, what, phrase("set_clock"))]
    now, booted = _show(overview.now), _show(overview.now - uptime)
    return [good(Area.CLOCK, phrase("clock_good", now=now, booted=booted))]


def check_reaper(
    trace: ReapTrace | None, schedules: Collection[str], now: datetime, *, is_folder_there: bool
) -> Finding:
    """Look whether hlb reap runs again and again."""
    if trace is not None:
        moment = _show(trace.moment)
        if now - trace.moment <= REAP_LATE:
            return good(Area.REAPER, phrase("reaper_good", moment=moment, exit=trace.exit_code))
        is_lost = now - trace.moment > _REAP_LOST
        severity = Severity.CRITICAL if is_lost else Severity.WARNING
        what = phrase("reaper_late", moment=moment)
        return Finding(Area.REAPER, severity, what, phrase("schedule_reaper"))
    if not schedules:
        what = phrase("reaper_unscheduled")
        return Finding(Area.REAPER, Severity.WARNING, what, phrase("schedule_reaper"))
    places = ", ".join(escape(place) for place in sorted(schedules))
    if not is_folder_there:
        return good(Area.REAPER, phrase("reaper_scheduled", text=places))
    what = phrase("reaper_never_ran", text=places)
    return Finding(Area.REAPER, Severity.WARNING, what, phrase("try_reaper"))


def _check_open(now: datetime, each: OpenSnapshot) -> Iterable[Finding]:
    name = escape(each.vm.place)
    trouble = each.vm.troubles.get(Flag.FAILED_UMOUNT)
    if Flag.FAILED_UMOUNT in each.vm.flags and trouble is not None:
        yield Finding(
            Area.SNAPSHOTS,
            Severity.CRITICAL,
            phrase("files_unreadable", message=f"{name}: {trouble.reason}"),
            phrase("files_unreadable", message=trouble.next_step),
        )
    age = now - each.since
    if age > each.limit:
        yield Finding(
            Area.SNAPSHOTS,
            Severity.CRITICAL,
            phrase(
                "snapshot_stays",
                vmx=each.vm.place,
                hours=f"{age / timedelta(hours=1):.1f}",
                limit=each.run.config.snapshot.alarm_open_hours,
            ),
            phrase("look_at_run", run=each.run.name),
        )


def _report_failures(night: Night) -> Finding:
    counts = ", ".join(f"{flag} {count}" for flag, count in night.failures.items())
    what = phrase("last_run_failed", run=night.run.name, text=counts)
    return Finding(Area.BACKUPS, Severity.WARNING, what, phrase("read_report", run=night.run.name))


def _show(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
