"""What is to be left alone survives, and is never taken for nothing."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from hlb_hooks.base.errors import StateError
from hlb_hooks.effects.holds import Hold, read_holds, write_holds

SINCE = datetime(2026, 11, 22, 1, tzinfo=UTC)
HOLD = Hold("/v/\udcff it's\n/a.vmx", 'a "b"', "ola", SINCE, "łatki")
DRAIN = Hold("", "", "ola", SINCE, "")


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    write_holds(str(tmp_path), [HOLD, DRAIN])
    assert read_holds(str(tmp_path)) == (HOLD, DRAIN)
    assert [hold.is_drain for hold in (HOLD, DRAIN)] == [False, True]
    write_holds(str(tmp_path), [])
    assert read_holds(str(tmp_path)) == ()


def test_where_nobody_has_a_wish_there_is_none(tmp_path: Path) -> None:
    assert read_holds(str(tmp_path)) == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '{"version": 2, "holds": []}',
        '{"version": 1, "holds": [{}]}',
        '{"version": 1, "holds": 1}',
        '{"version": 1, "holds": [{"vmx": 1, "name": "", "who": "", "since": "x", "why": ""}]}',
        "\x00\x00\x00",
    ],
)
def test_a_file_that_cannot_be_read_is_never_taken_for_empty(tmp_path: Path, text: str) -> None:
    (tmp_path / "holds.json").write_text(text)
    with pytest.raises(StateError, match="nobody knows what is held"):
        read_holds(str(tmp_path))


def test_what_cannot_be_written_is_an_error_and_the_old_wishes_stand(tmp_path: Path) -> None:
    write_holds(str(tmp_path), [HOLD])
    (tmp_path / "holds.json.new").mkdir()
    with pytest.raises(StateError, match="cannot be written"):
        write_holds(str(tmp_path), [])
    assert read_holds(str(tmp_path)) == (HOLD,)
