"""The metrics say what the state files say, in a text that Prometheus's own tool accepts."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from night_kit import NOW, READ, look, make_records
from promtool_kit import check_metrics

from hlb_hooks.decisions import metrics
from hlb_hooks.decisions.metrics import Metric, render_metrics
from hlb_hooks.effects.reap_trace import ReapTrace
from hlb_hooks.effects.records import Flag, Record

DOCS = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"
METRICS = [each for each in vars(metrics).values() if isinstance(each, Metric)]
SAMPLE = re.compile(r'(hlb_[a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\.)*",?)*)\})? (-?\d+)')
VMS = [
    ("web", READ),
    ("db", (Flag.LEFT_OUT,)),
    ('a "b"\\\nc', (Flag.OK_SNAP,)),
]


def read_samples(text: str) -> dict[str, list[tuple[dict[str, str], int]]]:
    found: dict[str, list[tuple[dict[str, str], int]]] = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        match = SAMPLE.fullmatch(line)
        assert match, line
        labels = dict(re.findall(r'([a-z]+)="((?:[^"\\]|\\.)*)"', match[2] or ""))
        found.setdefault(match[1], []).append((labels, int(match[3])))
    return found


def render_night() -> str:
    begun = NOW - timedelta(hours=5)
    more = [
        Record(begun + timedelta(seconds=30), Flag.STARTED),
        Record(begun + timedelta(seconds=90), Flag.INTENT_UMOUNT, "/v/web/web.vmx"),
        Record(begun + timedelta(seconds=95), Flag.ENDED),
    ]
    records = make_records(5, VMS, more=more, is_ended=False)
    before = make_records(40, [("db", READ)])
    # The last VM's snapshot is open still: another run's, by hand.
    by_hand = make_records(6, VMS[2:], hook="snap_request", is_ended=False)
    return render_metrics(look(before, by_hand, records), ReapTrace(NOW, 4))


def test_promtool_reads_it_and_finds_nothing_to_say() -> None:
    check_metrics(render_night())


def test_promtool_reads_what_there_is_before_the_first_night() -> None:
    text = render_metrics(look(), None)
    check_metrics(text)
    assert set(read_samples(text)) == {"hlb_build_info", "hlb_state_files_damaged"}


def test_every_metric_there_is_comes_with_its_labels() -> None:
    samples = read_samples(render_night())
    assert sorted(samples) == sorted(metric.name for metric in METRICS)
    for metric in METRICS:
        assert {tuple(labels) for labels, _ in samples[metric.name]} == {metric.labels}


def test_the_numbers_are_those_of_the_night() -> None:
    samples = read_samples(render_night())
    now = int(NOW.timestamp())
    success = {
        labels["vm"]: value for labels, value in samples["hlb_last_success_timestamp_seconds"]
    }
    assert success == {"web": now - 5 * 3600, "db": now - 40 * 3600}
    expected = {
        labels["vm"]: value for labels, value in samples["hlb_success_expected_timestamp_seconds"]
    }
    assert expected["web"] == now + 21 * 3600
    assert expected["db"] == now - 14 * 3600
    assert samples["hlb_snapshots_open"] == [({"job": "gold"}, 1)]
    ((labels, since),) = samples["hlb_snapshot_open_since_timestamp_seconds"]
    assert (labels["run"], since) == ("gold-6", now - 6 * 3600)
    ((_, limit),) = samples["hlb_snapshot_limit_timestamp_seconds"]
    assert limit == since + 12 * 3600
    states = {labels["state"]: value for labels, value in samples["hlb_run_vms"]}
    assert states == {"chosen": 3, "protected": 2, "failed": 1, "not_due": 0, "held": 0}
    reasons = {labels["reason"]: value for labels, value in samples["hlb_run_failures"]}
    assert reasons["LEFT_OUT"] == 1
    assert sum(reasons.values()) == 1
    parts = {labels["phase"]: value for labels, value in samples["hlb_run_duration_seconds"]}
    assert parts == {"start": 30, "reading": 60, "removal": 5}
    assert samples["hlb_last_reap_timestamp_seconds"] == [({}, now)]
    assert samples["hlb_last_reap_exit_code"] == [({}, 4)]


@given(st.text(st.characters(exclude_categories=()), min_size=1))
def test_whatever_a_vm_is_called_it_is_one_line_of_utf_8(name: str) -> None:
    text = render_metrics(look(make_records(5, [(name, READ)])), None)
    text.encode("utf-8")
    assert len(read_samples(text)["hlb_last_success_timestamp_seconds"]) == 1


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_the_reference_explains_every_metric(metric: Metric) -> None:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    assert f"| `{metric.name}` | {labels} | {metric.text} |" in DOCS.read_text("utf-8")
