"""Which state files may go, which VMs a run has backed up, and what is known of each VM."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlb_hooks.base.config import Config
from hlb_hooks.decisions.history import Backup, Past, tell_pasts
from hlb_hooks.decisions.retention import find_expired
from hlb_hooks.decisions.successes import list_successes
from hlb_hooks.effects.found_runs import FoundRun
from hlb_hooks.effects.owner import LeaseOwner
from hlb_hooks.effects.run_digest import RunDigest, VmIdentity
from hlb_hooks.effects.run_index import IndexEntry, Stamp
from hlb_hooks.effects.run_story import Run

NOW = datetime(2026, 11, 22, 20, tzinfo=UTC)
OWNER = LeaseOwner(NOW, 0.0, "boot")
KEEP = timedelta(days=30)
WEB, DB = VmIdentity("/web.vmx", "1"), VmIdentity("/db.vmx", "2")
TWIN = VmIdentity("/web.vmx", "3")


def finished(
    name: str,
    days_ago: float,
    read: tuple[VmIdentity, ...] = (),
    unread: tuple[VmIdentity, ...] = (),
    *,
    job: str = "gold",
    is_handed_over: bool = True,
    lasted_days: float = 0,
) -> FoundRun:
    begun = NOW - timedelta(days=days_ago)
    digest = RunDigest(
        name=name,
        job=job,
        host="esx1",
        begun=begun,
        latest=begun + timedelta(days=lasted_days),
        owner=OWNER,
        config_path="/x",
        is_handed_over=is_handed_over,
        is_night=True,
        read=read,
        unread=unread,
        failed=(),
        not_due=(),
        held=(),
        names=(),
        opened=(),
        unseen=(),
        closed="",
    )
    return FoundRun(f"/{name}", None, IndexEntry(name, Stamp(1, 2, 3, 4), digest))


def unfinished(name: str, days_ago: float) -> FoundRun:
    begun = NOW - timedelta(days=days_ago)
    run = Run(name, "gold", "esx1", "boot", begun, OWNER, Config("/x"), latest=begun)
    return FoundRun(f"/{name}", run)


def names(runs: list[FoundRun]) -> list[str]:
    return [entry.name for entry in runs]


@pytest.mark.parametrize(
    ("runs", "expired"),
    [
        ([], []),
        ([finished("old", 31)], ["old"]),
        ([finished("young", 29)], []),
        ([finished("just", 30)], []),
        ([finished("long", 40, lasted_days=11)], []),
        ([finished("future", -40)], []),
        ([unfinished("open", 400)], []),
        # the newest success of a VM stays, however old it is
        ([finished("a", 400, (WEB,)), finished("b", 300, (WEB,))], ["a"]),
        ([finished("a", 400, (WEB,)), finished("b", 300)], ["b"]),
        ([finished("a", 400, (WEB,)), finished("b", 1, (WEB,))], ["a"]),
        ([finished("a", 400, (WEB, DB)), finished("b", 1, (WEB,))], []),
        # of each job, and of each VM that was ever in a folder
        ([finished("a", 400, (WEB,), job="silver"), finished("b", 1, (WEB,))], []),
        ([finished("a", 400, (TWIN,)), finished("b", 1, (WEB,))], []),
        # by either measure: the job may change its own
        ([finished("a", 400, (WEB,)), finished("b", 1, (), (WEB,))], []),
        ([finished("a", 400, (), (WEB,)), finished("b", 1, (WEB,))], ["a"]),
        ([finished("a", 400, (), (WEB,))], []),
        ([finished("a", 400, (), (WEB,), is_handed_over=False)], ["a"]),
        # a success of the future hides none of the past
        ([finished("a", 400, (WEB,)), finished("b", -1, (WEB,))], []),
    ],
)
def test_what_is_old_goes_but_for_what_is_needed(runs: list[FoundRun], expired: list[str]) -> None:
    assert names(find_expired(runs, NOW, KEEP)) == expired
    assert names(find_expired(reversed(runs), NOW, KEEP)) == expired


RUNS = st.lists(
    st.builds(
        lambda days, read, unread, job, is_over: (days, tuple(read), tuple(unread), job, is_over),
        st.integers(-5, 500),
        st.sets(st.sampled_from([WEB, DB, TWIN])),
        st.sets(st.sampled_from([WEB, DB, TWIN])),
        st.sampled_from(["gold", "silver"]),
        st.booleans(),
    ),
    max_size=12,
)


@given(RUNS, st.sampled_from(["read", "hooks"]))
def test_whatever_is_deleted_what_is_known_of_every_vm_stays_the_same(
    runs: list[tuple[int, tuple[VmIdentity, ...], tuple[VmIdentity, ...], str, bool]], measure: str
) -> None:
    found = [
        finished(f"run{number}", days, read, unread, job=job, is_handed_over=is_over)
        for number, (days, read, unread, job, is_over) in enumerate(runs)
    ]
    expired = {entry.path for entry in find_expired(found, NOW, KEEP)}
    left = [entry for entry in found if entry.path not in expired]
    for job in ("gold", "silver"):
        before = tell_pasts(found, job, measure, NOW)
        after = tell_pasts(left, job, measure, NOW)
        assert {vm: past.last for vm, past in before.items() if past.last} == {
            vm: past.last for vm, past in after.items() if past.last
        }
        assert {vm: past.future for vm, past in before.items() if past.future} == {
            vm: past.future for vm, past in after.items() if past.future
        }


@pytest.mark.parametrize(
    ("measure", "is_handed_over", "expected"),
    [
        ("read", True, {WEB}),
        ("read", False, {WEB}),
        ("hooks", True, {WEB, DB}),
        ("hooks", False, {WEB}),
    ],
)
def test_what_counts_as_a_success(
    measure: str, is_handed_over: bool, expected: set[VmIdentity]
) -> None:
    digest = finished("a", 1, (WEB,), (DB,), is_handed_over=is_handed_over).digest
    assert set(list_successes(digest, measure)) == expected


def backup(name: str, days_ago: float) -> Backup:
    return Backup(name, NOW - timedelta(days=days_ago))


@pytest.mark.parametrize(
    ("runs", "past"),
    [
        ([], Past()),
        ([finished("a", 3, (WEB,))], Past(last=backup("a", 3))),
        ([finished("a", 3, (WEB,)), finished("b", 2, (WEB,))], Past(last=backup("b", 2))),
        ([finished("a", 3, (WEB,)), finished("b", 2, (DB,))], Past(last=backup("a", 3))),
        ([finished("a", 3, (TWIN,))], Past()),
        ([finished("a", 3, (WEB,), job="silver")], Past()),
        ([finished("now", 0, (WEB,))], Past(last=backup("now", 0))),
        ([finished("a", -1, (WEB,))], Past(future=backup("a", -1))),
        (
            [finished("a", 3, (WEB,)), finished("b", -1, (WEB,))],
            Past(last=backup("a", 3), future=backup("b", -1)),
        ),
        ([finished("a", 3, (), (WEB,))], Past(uncounted=backup("a", 3))),
        (
            [finished("a", 3, (WEB,)), finished("b", 2, (), (WEB,))],
            Past(last=backup("a", 3), uncounted=backup("b", 2)),
        ),
        ([finished("a", 3, (), (WEB,)), finished("b", 2, (WEB,))], Past(last=backup("b", 2))),
    ],
)
def test_the_past_of_a_vm_is_told_by_its_path_its_uuid_and_the_job(
    runs: list[FoundRun], past: Past
) -> None:
    for found in (runs, runs[::-1]):
        assert tell_pasts(found, "gold", "read", NOW).get(WEB, Past()) == past
