"""How much room there is, where it can be known."""

import os
from pathlib import Path

from hlb_hooks.effects.disk_space import read_disk_space


def test_the_room_is_that_of_the_file_system(tmp_path: Path) -> None:
    status = os.statvfs(tmp_path)
    room = read_disk_space(str(tmp_path))
    assert room is not None
    assert room.total_bytes == status.f_blocks * status.f_frsize
    assert 0 <= room.free_bytes <= room.total_bytes


def test_a_file_system_that_tells_nothing_holds_nobody_up() -> None:
    assert os.statvfs("/proc").f_blocks == 0
    assert read_disk_space("/proc") is None


def test_a_place_that_is_not_there_is_not_known(tmp_path: Path) -> None:
    assert read_disk_space(str(tmp_path / "gone")) is None
