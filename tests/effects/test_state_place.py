"""The place of the state files, looked at without writing anything."""

import os
from pathlib import Path

import pytest

from hlb_hooks.effects.state_place import look_at_place, read_modified_seconds


def test_a_folder_of_ours_has_no_trouble(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    place = look_at_place(str(tmp_path))
    assert (place.is_there, place.trouble, place.is_writable) == (True, None, True)
    assert place.free_bytes is not None
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_still_to_come_is_looked_at_from_above(tmp_path: Path) -> None:
    place = look_at_place(str(tmp_path / "a" / "b"))
    assert (place.is_there, place.trouble, place.is_writable) == (False, None, True)


@pytest.mark.parametrize("is_folder", [True, False])
def test_a_folder_that_others_may_write_and_one_that_is_none(
    tmp_path: Path, *, is_folder: bool
) -> None:
    path = tmp_path / "hlb"
    path.mkdir() if is_folder else path.touch()
    path.chmod(0o777)
    assert look_at_place(str(path)).trouble is not None


def test_the_time_of_a_file_is_known_if_it_is_there(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    os.utime(tmp_path / "a", (5, 5))
    assert read_modified_seconds(str(tmp_path / "a")) == 5
    assert read_modified_seconds(str(tmp_path / "b")) is None
