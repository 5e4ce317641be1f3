"""Which runs are alive, and whose they are."""

from datetime import UTC, datetime

import pytest

from hlb_hooks.base.config import Config
from hlb_hooks.decisions.activity import find_active, find_runs_of
from hlb_hooks.effects.found_runs import FoundRun
from hlb_hooks.effects.owner import LeaseOwner, Owner, ProcessOwner
from hlb_hooks.effects.processes import ProcessIdentity
from hlb_hooks.effects.run_story import Run

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
AVTAR = ProcessIdentity(100, 7000, "boot")
OTHER = ProcessIdentity(200, 9000, "boot")


def found(name: str, job: str = "gold", owner: Owner | None = None) -> FoundRun:
    run = Run(name, job, "esx1", "boot", NOW, owner or ProcessOwner(AVTAR, "avtar"), Config("/x"))
    return FoundRun(f"/var/hlb/{name}.state", run)


@pytest.mark.parametrize(
    ("runs", "over", "expected"),
    [
        ([], set(), None),
        ([found("a")], set(), "a"),
        ([found("a")], {"a"}, None),
        ([found("a")], {"b"}, "a"),
        ([found("a", job="silver")], set(), None),
        ([found("a", job="Gold")], set(), None),
        ([found("a", job="silver"), found("b")], set(), "b"),
        ([found("a"), found("b")], {"a"}, "b"),
        ([found("a"), found("b")], {"b"}, "a"),
        ([found("a"), found("b")], {"a", "b"}, None),
    ],
)
def test_a_run_of_the_job_is_alive_unless_it_is_said_to_be_over(
    runs: list[FoundRun], over: set[str], expected: str | None
) -> None:
    active = find_active(runs, "gold", frozenset(over))
    assert (active.run.name if active else None) == expected


def test_a_run_belongs_to_the_very_process_that_owns_it() -> None:
    mine, theirs = found("mine"), found("theirs", owner=ProcessOwner(OTHER, "avtar"))
    lease = found("lease", owner=LeaseOwner(NOW, 0.0, "boot"))
    second = found("second", job="silver")
    assert find_runs_of([theirs, lease, mine, second], AVTAR) == [mine, second]
    assert find_runs_of([theirs, lease, mine, second], OTHER) == [theirs]
    assert find_runs_of([], AVTAR) == []


@pytest.mark.parametrize(
    "stranger",
    [
        ProcessIdentity(AVTAR.pid, AVTAR.start_ticks + 1, AVTAR.boot_id),
        ProcessIdentity(AVTAR.pid, AVTAR.start_ticks, "another boot"),
        ProcessIdentity(AVTAR.pid + 1, AVTAR.start_ticks, AVTAR.boot_id),
    ],
)
def test_a_pid_that_came_back_owns_nothing(stranger: ProcessIdentity) -> None:
    assert find_runs_of([found("a")], stranger) == []
