"""How long a run's snapshots may stay: as long as a process lives, or a lease lasts."""

import os
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from effects_kit import myself

from hlb_hooks.base.errors import UsageError
from hlb_hooks.effects.owner import (
    LeaseOwner,
    ProcessOwner,
    find_owner,
    lease_for,
    owner_from_details,
    owner_of_pid,
)
from hlb_hooks.effects.processes import ProcessIdentity, read_boot_id, read_process

NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Give a clock of ours: the calendar's and the boot's, each to be set."""
    hands = {"calendar": 0.0, "boot": 1000.0}
    monkeypatch.setattr(
        "hlb_hooks.base.clock.read_utc_now", lambda: NOW + timedelta(seconds=hands["calendar"])
    )
    monkeypatch.setattr("hlb_hooks.base.clock.read_seconds_since_boot", lambda: hands["boot"])
    return hands


def test_a_process_owns_a_run_until_it_is_gone() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        owner = owner_of_pid(process.pid)
        assert owner.name == "sleep"
        assert not owner.is_over()
        process.kill()
    assert owner.is_over()


def test_a_process_of_another_boot_owns_nothing_any_more() -> None:
    me = myself()
    assert not ProcessOwner(me, "pytest").is_over()
    assert ProcessOwner(ProcessIdentity(me.pid, me.start_ticks, "before"), "pytest").is_over()


@pytest.mark.parametrize("pid", [0, -1, 2**22 + 1])
def test_a_pid_of_nobody_is_a_usage_error(pid: int) -> None:
    with pytest.raises(UsageError, match=f"--owner-pid {pid}: there is no such process"):
        owner_of_pid(pid)


def test_the_nearest_ancestor_of_that_name_is_the_owner() -> None:
    parent = read_process(os.getppid())
    assert parent is not None
    owner = find_owner((parent.command_name,))
    assert owner is not None
    assert owner.process.pid == parent.pid
    assert find_owner(("no-such-client",)) is None


def test_a_lease_is_over_when_its_time_is(clock: dict[str, float]) -> None:
    lease = lease_for(timedelta(hours=4))
    assert lease.until == NOW + timedelta(hours=4)
    clock["boot"] += 4 * 3600 - 1
    assert not lease.is_over()
    clock["boot"] += 1
    assert lease.is_over()


@pytest.mark.parametrize("set_by_seconds", [-86_400.0, 86_400.0])
def test_setting_the_calendar_neither_stretches_nor_ends_a_lease(
    clock: dict[str, float], set_by_seconds: float
) -> None:
    lease = lease_for(timedelta(hours=4))
    clock["calendar"] = set_by_seconds
    assert not lease.is_over()
    clock["boot"] += 4 * 3600
    assert lease.is_over()


def test_after_a_boot_the_calendar_counts(clock: dict[str, float]) -> None:
    lease = LeaseOwner(NOW + timedelta(hours=4), 1_000_000.0, "an earlier boot")
    clock["boot"] = 5.0
    assert not lease.is_over()
    clock["calendar"] = 4 * 3600
    assert lease.is_over()


@pytest.mark.parametrize(
    "owner",
    [
        ProcessOwner(ProcessIdentity(7, 70, "boot"), "avtar (x)\n\udcff"),
        LeaseOwner(NOW, 1234.0, read_boot_id()),
    ],
)
def test_an_owner_is_read_back_as_it_was_written(owner: ProcessOwner | LeaseOwner) -> None:
    assert owner_from_details(owner.to_details()) == owner


@pytest.mark.parametrize(
    "details",
    [
        {},
        {"kind": "process"},
        {"kind": "process", "pid": "x", "start_ticks": "1", "boot_id": "b", "name": "n"},
        {"kind": "lease", "until": "x", "until_seconds_since_boot": "1", "boot_id": "b"},
        {"kind": "lease", "until": "2026-11-22T01:00:00Z", "boot_id": "b"},
    ],
)
def test_details_of_no_owner_are_refused(details: dict[str, str]) -> None:
    with pytest.raises((KeyError, ValueError)):
        owner_from_details(details)


def test_an_owner_is_described_for_the_operator() -> None:
    assert ProcessOwner(ProcessIdentity(7, 70, "b"), "avtar").describe() == "avtar (pid 7)"
    assert LeaseOwner(NOW, 1.0, "b").describe() == "a lease until 2026-11-22T01:00:00Z"
