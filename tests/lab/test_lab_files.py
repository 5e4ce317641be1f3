"""The lab's own files and folders, when several programs make them at once."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from hlb_hooks.lab.files import PRIVATE_FOLDER_MODE, make_folder

AT_ONCE = 4
ROUNDS = 200


def test_several_programs_make_one_folder_at_the_same_instant(tmp_path: Path) -> None:
    barrier = Barrier(AT_ONCE)

    def make(path: Path) -> None:
        barrier.wait(10)
        make_folder(path, PRIVATE_FOLDER_MODE)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for number in range(ROUNDS):
            folder = tmp_path / str(number) / "a" / "b"
            list(pool.map(make, [folder] * AT_ONCE))
            assert stat.S_IMODE(folder.stat().st_mode) == PRIVATE_FOLDER_MODE


def test_a_file_in_the_place_of_a_folder_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "store").touch()
    for path in (tmp_path / "store", tmp_path / "store" / "contents"):
        with pytest.raises(FileExistsError, match="store"):
            make_folder(path)
