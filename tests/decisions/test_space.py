"""Whether the datastores have room for the deltas of all planned VMs together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlb_hooks.decisions.space import GIB, SpaceLedger
from hlb_hooks.effects.disk_space import DiskSpace

A, B = "/vmfs/volumes/a", "/vmfs/volumes/b"


def room(total_gib: float, free_gib: float) -> DiskSpace:
    return DiskSpace(int(total_gib * GIB), int(free_gib * GIB))


@pytest.mark.parametrize(
    ("percent", "gib", "total", "free", "need", "expected"),
    [
        # The larger of the two limits counts; equal is enough.
        (10, 20, 100, 30, 1, None),
        (10, 20, 100, 21, 1, None),
        (10, 20, 100, 20.9, 1, (19.9, 20)),
        (10, 20, 1000, 101, 1, None),
        (10, 20, 1000, 100, 1, (99, 100)),
        (10, 0, 100, 10.5, 1, (9.5, 10)),
        (0, 20, 1000, 21, 1, None),
        (0, 20, 1000, 20, 1, (19, 20)),
        # Both switched off: nothing is checked, not even what must fail.
        (0, 0, 100, 0, 1, None),
        (0, 0, 100, 0, 1000, None),
        (100, 0, 100, 100, 0, None),
        (100, 0, 100, 100, 1, (99, 100)),
        (10, 20, 0, 0, 0, (0, 20)),
    ],
)
def test_what_is_left_must_reach_the_limit(
    percent: int,
    gib: int,
    total: float,
    free: float,
    need: float,
    expected: tuple[float, float] | None,
) -> None:
    ledger = SpaceLedger(percent, gib)
    shortage = ledger.find_shortage({A: room(total, free)}, {A: int(need * GIB)})
    if expected is None:
        assert shortage is None
    else:
        assert shortage is not None
        datastore, left, limit = shortage
        assert datastore == A
        assert (left / GIB, limit / GIB) == pytest.approx(expected)


def test_the_needs_of_all_planned_vms_add_up() -> None:
    ledger = SpaceLedger(0, 10)
    rooms = {A: room(100, 13)}
    assert [ledger.find_shortage(rooms, {A: GIB}) is None for _ in range(5)] == [
        True,
        True,
        True,
        False,
        False,
    ]


def test_a_vm_that_is_refused_takes_no_room_anywhere() -> None:
    ledger = SpaceLedger(0, 10)
    rooms: dict[str, DiskSpace | None] = {A: room(100, 11), B: room(100, 10)}
    for _ in range(3):
        shortage = ledger.find_shortage(rooms, {A: GIB, B: GIB})
        assert shortage is not None
        assert shortage[0] == B
    assert ledger.find_shortage(rooms, {A: GIB}) is None
    assert ledger.find_shortage(rooms, {A: GIB}) is not None


def test_a_datastore_whose_room_is_not_known_holds_nobody_up() -> None:
    ledger = SpaceLedger(10, 20)
    assert ledger.find_shortage({A: None}, {A: GIB}) is None
    assert ledger.find_shortage({}, {A: GIB}) is None
    # But it does not hide that another one is full.
    assert ledger.find_shortage({A: None, B: room(100, 1)}, {A: GIB, B: GIB}) is not None


@given(
    st.lists(st.integers(0, 5 * GIB), max_size=20),
    st.integers(0, 100 * GIB),
    st.integers(0, 100),
    st.integers(0, 50),
)
def test_what_was_admitted_never_goes_below_the_limit(
    needs: list[int], free: int, percent: int, gib: int
) -> None:
    ledger = SpaceLedger(percent, gib)
    total = 100 * GIB
    admitted = [
        need
        for need in needs
        if ledger.find_shortage({A: DiskSpace(total, free)}, {A: need}) is None
    ]
    limit = max(total * percent // 100, gib * GIB)
    assert not limit or not admitted or free - sum(admitted) >= limit
