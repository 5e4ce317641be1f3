"""How long the client read a VM, and how long its snapshot was there beyond that."""

import pytest
from view_kit import (
    BEGUN,
    OTHER,
    VMX,
    asked,
    at,
    gone,
    intent,
    made,
    make_night,
    note,
    view,
)

from hlb_hooks.base import clock
from hlb_hooks.decisions.views.phases import trace_phases
from hlb_hooks.decisions.views.reading import ReadingView, add_beyond, find_reading
from hlb_hooks.effects.records import Flag, Record

CHOSEN = note(0, Flag.CHOSEN)


def seen(first: float, last: float, vmx: str = VMX) -> Record:
    moments = {"read_from": at(first), "read_until": at(last)}
    details = {key: clock.format_utc(moment) for key, moment in moments.items()}
    return note(40, Flag.NOTE, vmx, **details)


@pytest.mark.parametrize(
    ("records", "reading"),
    [
        ([CHOSEN, intent(1), made(2), asked(20), gone(25)], None),
        # There from 2 to 25, read from 5 to 8.
        (
            [CHOSEN, intent(1), made(2), asked(20), gone(25), seen(5, 8)],
            ReadingView(at(5), at(8), 180, 20 * 60),
        ),
        # A guard that was posted anew saw the rest.
        (
            [CHOSEN, intent(1), made(2), asked(20), gone(25), seen(9, 12), seen(5, 8)],
            ReadingView(at(5), at(12), 420, 16 * 60),
        ),
        # It is open still: nobody knows for how long.
        (
            [CHOSEN, intent(1), made(2), asked(20), seen(5, 8)],
            ReadingView(at(5), at(8), 180, None),
        ),
        # Read without a snapshot.
        ([CHOSEN, note(4, Flag.READABLE), seen(5, 8)], ReadingView(at(5), at(8), 180, None)),
        # The clock was set back meanwhile.
        (
            [CHOSEN, intent(1), made(2), asked(3), gone(4), seen(5, 2)],
            ReadingView(at(5), at(2), 0, 120),
        ),
        # Seen for longer than the snapshot was there: its base is held open by a slow close.
        (
            [CHOSEN, intent(1), made(2), asked(3), gone(4), seen(2, 9)],
            ReadingView(at(2), at(9), 420, 0),
        ),
    ],
)
def test_what_a_guard_saw_is_reckoned_against_the_snapshot_s_time(
    records: list[Record], reading: ReadingView | None
) -> None:
    phases = trace_phases(records, BEGUN, None, at(60))
    assert find_reading(records, phases) == reading


def test_all_vms_together_are_those_of_which_it_is_known() -> None:
    known, open_still = ReadingView(at(5), at(8), 180, 1200), ReadingView(at(5), at(8), 180, None)
    assert add_beyond([known, None, open_still, known]) == 2400
    assert add_beyond([None, open_still]) is None
    assert add_beyond([]) is None


def test_a_run_shows_each_vm_s_own_and_the_sum() -> None:
    first = [CHOSEN, intent(1), made(2), asked(20), gone(25), seen(5, 8)]
    other = [note(0, Flag.CHOSEN, OTHER), intent(1, OTHER), made(2, OTHER), gone(3, OTHER)]
    run = view(make_night(*first, *other))
    assert [vm.reading and vm.reading.beyond_seconds for vm in run.vms] == [1200, None]
    assert run.totals.beyond_reading_seconds == 1200
    assert run.vms[0].notes == ()


def test_a_note_that_makes_no_sense_is_an_error() -> None:
    records = [CHOSEN, note(3, Flag.NOTE, read_from="noon", read_until="noon")]
    with pytest.raises(ValueError, match="noon"):
        find_reading(records, ())
