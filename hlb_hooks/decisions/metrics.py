"""The overview as metrics: a text that Prometheus and OpenMetrics both read. Pure.

Times are given, and no ages: a file that nobody writes any more would show young ones. What is to
be done by when is given as a time too, so that a rule needs no limit of its own.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from hlb_hooks import __version__
from hlb_hooks.base.text import escape
from hlb_hooks.decisions.overview import FAILURES, Night, OpenSnapshot, Overview, WantedVm
from hlb_hooks.decisions.verdict import count_vms
from hlb_hooks.effects.reap_trace import ReapTrace

PHASES = ("start", "reading", "removal")
_QUOTED = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


@dataclass(frozen=True)
class Metric:
    """One family, a gauge: its name, what it says, and the names of its labels."""

    name: str
    text: str
    labels: tuple[str, ...] = ()


_VM = ("job", "vm", "vmx")
BUILD = Metric("hlb_build_info", "The version of hlb-hooks; always 1.", ("version",))
LAST_SUCCESS = Metric(
    "hlb_last_success_timestamp_seconds",
    "When the last run began that backed the VM up; missing where none did.",
    _VM,
)
EXPECTED = Metric(
    "hlb_success_expected_timestamp_seconds",
    "When the VM's next success is due at the latest: its interval and [run] alarm_late_hours "
    "after the last.",
    _VM,
)
OPEN = Metric("hlb_snapshots_open", "How many snapshots of ours are open, or may be.", ("job",))
OPEN_SINCE = Metric(
    "hlb_snapshot_open_since_timestamp_seconds",
    "When a snapshot was asked for that is open, or may be.",
    (*_VM, "run"),
)
OPEN_UNTIL = Metric(
    "hlb_snapshot_limit_timestamp_seconds",
    "Until when it may be open: [snapshot] alarm_open_hours later.",
    (*_VM, "run"),
)
RUN_START = Metric(
    "hlb_run_start_timestamp_seconds", "When the newest run of the start hook began.", ("job",)
)
DURATION = Metric(
    "hlb_run_duration_seconds",
    "How long a part of that run took: start, reading, removal; missing until it is over.",
    ("job", "phase"),
)
VMS = Metric(
    "hlb_run_vms",
    "How many VMs were chosen by that run, are protected by it, failed, were not due, or held.",
    ("job", "state"),
)
RUN_FAILURES = Metric(
    "hlb_run_failures", "How many of its VMs have a flag that nobody wants.", ("job", "reason")
)
DAMAGED = Metric("hlb_state_files_damaged", "How many state files cannot be read.")
REAPED = Metric("hlb_last_reap_timestamp_seconds", "When hlb reap was last over.")
REAP_EXIT = Metric("hlb_last_reap_exit_code", "The exit code of that hlb reap.")

Sample = tuple[Mapping[str, str], float]


def render_metrics(overview: Overview, reaped: ReapTrace | None) -> str:
    """Give the whole text. ``reaped``: the last trace of the reaper, if there is any."""
    families: list[tuple[Metric, Iterable[Sample]]] = [
        (BUILD, [({"version": __version__}, 1)]),
        (
            LAST_SUCCESS,
            [
                (_name_vm(vm), _count(vm.last_success))
                for vm in overview.wanted
                if vm.last_success is not None
            ],
        ),
        (EXPECTED, [(_name_vm(vm), _count(vm.expected_by)) for vm in overview.wanted]),
        (OPEN, _count_open(overview)),
        (OPEN_SINCE, [(_name_open(each), _count(each.since)) for each in overview.open]),
        (
            OPEN_UNTIL,
            [(_name_open(each), _count(each.since + each.limit)) for each in overview.open],
        ),
        *_list_nights(overview.nights),
        (DAMAGED, [({}, overview.damaged)]),
    ]
    if reaped is not None:
        families += [
            (REAPED, [({}, _count(reaped.moment))]),
            (REAP_EXIT, [({}, reaped.exit_code)]),
        ]
    lines = [line for metric, samples in families for line in _render(metric, samples)]
    return "".join(f"{line}\n" for line in (*lines, "# EOF"))


def _list_nights(nights: Iterable[Night]) -> Iterator[tuple[Metric, Iterable[Sample]]]:
    nights = tuple(nights)
    yield RUN_START, [({"job": each.run.job}, _count(each.run.begun)) for each in nights]
    yield (
        DURATION,
        [
            ({"job": night.run.job, "phase": phase}, night.phases[phase].total_seconds())
            for night in nights
            for phase in PHASES
            if phase in night.phases
        ],
    )
    yield (
        VMS,
        [
            ({"job": night.run.job, "state": state}, count)
            for night in nights
            for state, count in _count_states(night).items()
        ],
    )
    yield (
        RUN_FAILURES,
        [
            ({"job": night.run.job, "reason": flag}, night.failures.get(flag, 0))
            for night in nights
            for flag in FAILURES
        ],
    )


def _count_states(night: Night) -> dict[str, int]:
    tally = count_vms(night.run.chosen)
    return {
        "chosen": tally.chosen,
        "protected": tally.ready,
        "failed": tally.failed,
        "not_due": len(night.run.not_due),
        "held": len(night.run.held),
    }


def _count_open(overview: Overview) -> list[Sample]:
    jobs = [night.run.job for night in overview.nights] + [each.run.job for each in overview.open]
    return [
        ({"job": job}, sum(each.run.job == job for each in overview.open))
        for job in dict.fromkeys(jobs)
    ]


def _name_vm(vm: WantedVm) -> dict[str, str]:
    return {"job": vm.job, "vm": vm.name, "vmx": vm.vmx}


def _name_open(each: OpenSnapshot) -> dict[str, str]:
    name = each.vm.name or each.vm.vmx
    return {"job": each.run.job, "vm": name, "vmx": each.vm.vmx, "run": each.run.name}


def _count(moment: datetime) -> float:
    return moment.timestamp()


def _render(metric: Metric, samples: Iterable[Sample]) -> Iterator[str]:
    lines = [_render_sample(metric.name, labels, value) for labels, value in samples]
    if lines:
        yield f"# HELP {metric.name} {metric.text}"
        yield f"# TYPE {metric.name} gauge"
        yield from lines


def _render_sample(name: str, labels: Mapping[str, str], value: float) -> str:
    # Whatever a host calls its VMs leaves as UTF-8, the way the report shows it.
    pairs = ",".join(f'{key}="{escape(text).translate(_QUOTED)}"' for key, text in labels.items())
    return f"{name}{{{pairs}}} {value:.0f}" if pairs else f"{name} {value:.0f}"
