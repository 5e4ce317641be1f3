"""What a VM went through, from the times of its records."""

from datetime import datetime

import pytest
from view_kit import BEGUN, asked, at, gone, intent, made, note

from hlb_hooks.decisions.views.phases import Phase, PhaseKind, trace_phases
from hlb_hooks.effects.records import Flag, Record

CHOSEN = note(0, Flag.CHOSEN)
SECOND = "HLB-gold-20261122T010000Z-ffffffff"


def trace(
    *records: Record, over: datetime | None = None, now: float = 60
) -> list[tuple[str, float, float | None]]:
    def count(moment: datetime) -> float:
        return (moment - BEGUN).total_seconds() / 60

    return [
        (phase.kind, count(phase.begun), None if phase.ended is None else count(phase.ended))
        for phase in trace_phases(records, BEGUN, over, at(now))
    ]


@pytest.mark.parametrize(
    ("records", "phases"),
    [
        ([], []),
        ([note(0, Flag.NOT_DUE)], []),
        (
            [CHOSEN, intent(2), made(3), asked(20), gone(25)],
            [("waiting", 0, 2), ("making", 2, 3), ("open", 3, 20), ("removing", 20, 25)],
        ),
        ([CHOSEN], [("waiting", 0, None)]),
        ([CHOSEN, intent(2)], [("waiting", 0, 2), ("making", 2, None)]),
        ([CHOSEN, note(4, Flag.LEFT_OUT)], [("waiting", 0, 4)]),
        ([CHOSEN, note(4, Flag.READABLE)], [("waiting", 0, 4)]),
        # quiescing failed, then once more without it
        (
            [CHOSEN, intent(2), note(4, Flag.NOT_MADE), intent(5, snapshot=SECOND), made(6)],
            [("waiting", 0, 2), ("making", 2, 4), ("making", 5, 6), ("open", 6, None)],
        ),
        # not clear whether it was made, and looked for at the end
        (
            [CHOSEN, intent(2), note(9, Flag.FAILED_SNAP), note(30, Flag.NOT_MADE, closed="1")],
            [("waiting", 0, 2), ("making", 2, 9)],
        ),
        # it came after all
        (
            [CHOSEN, intent(2), note(9, Flag.FAILED_SNAP), asked(30), gone(31)],
            [("waiting", 0, 2), ("making", 2, 9), ("removing", 30, 31)],
        ),
        # the host goes on merging: one removal
        (
            [CHOSEN, intent(0), made(1), asked(20), note(25, Flag.MERGING), gone(40)],
            [("waiting", 0, 0), ("making", 0, 1), ("open", 1, 20), ("removing", 20, 40)],
        ),
        # refused, and tried again
        (
            [CHOSEN, made(1), asked(20), note(21, Flag.FAILED_UMOUNT), asked(30), gone(31)],
            [
                ("waiting", 0, 1),
                ("open", 1, 20),
                ("removing", 20, 21),
                ("open", 21, 30),
                ("removing", 30, 31),
            ],
        ),
        # a failure to remove what was never asked for opens nothing
        ([CHOSEN, note(4, Flag.LEFT_OUT), note(5, Flag.FAILED_UMOUNT)], [("waiting", 0, 4)]),
        # another took it away
        (
            [CHOSEN, made(1), note(9, Flag.TORN, closed="1")],
            [("waiting", 0, 1), ("open", 1, 9)],
        ),
        ([CHOSEN, made(1), note(9, Flag.TORN)], [("waiting", 0, 1), ("open", 1, None)]),
        # taken back, then flagged
        (
            [CHOSEN, made(1), asked(2), gone(3), note(4, Flag.LEFT_OUT)],
            [("waiting", 0, 1), ("open", 1, 2), ("removing", 2, 3)],
        ),
        (
            [note(1, Flag.ADOPTED), asked(2), gone(3)],
            [("open", 1, 2), ("removing", 2, 3)],
        ),
    ],
)
def test_each_part_begins_and_ends_with_its_record(
    records: list[Record], phases: list[tuple[str, float, float | None]]
) -> None:
    assert trace(*records) == phases


def test_what_lasts_is_measured_up_to_now_and_ends_with_its_run() -> None:
    (waiting,) = trace_phases([CHOSEN], BEGUN, None, at(7))
    assert waiting == Phase(PhaseKind.WAITING, BEGUN, None, 420)
    assert trace(CHOSEN, made(1), over=at(5)) == [("waiting", 0, 1), ("open", 1, 5)]


def test_a_clock_that_was_set_back_makes_nothing_shorter_than_nothing() -> None:
    phases = trace_phases([CHOSEN, intent(2), made(-30), asked(5)], BEGUN, None, at(-60))
    assert [phase.seconds for phase in phases] == [120, 0, 35 * 60, 0]
