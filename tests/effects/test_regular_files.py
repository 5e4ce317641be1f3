"""A file that others may have put there is read, and nothing keeps its reader waiting."""

import errno
import os
from pathlib import Path

import pytest

from hlb_hooks.effects.regular_files import read_regular_file


def test_a_file_is_read_up_to_the_limit(tmp_path: Path) -> None:
    (tmp_path / "a b").write_bytes(b"\xff\x00text")
    assert read_regular_file(str(tmp_path / "a b"), 100) == b"\xff\x00text"
    assert read_regular_file(str(tmp_path / "a b"), 2) == b"\xff\x00"


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to("file")
    assert read_regular_file(str(tmp_path / "link"), 100) == b"x"


def test_a_missing_file_is_told_from_one_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_regular_file(str(tmp_path / "gone"), 100)


@pytest.mark.parametrize("has_writer", [False, True])
def test_a_pipe_is_refused_at_once(tmp_path: Path, *, has_writer: bool) -> None:
    path = str(tmp_path / "pipe")
    os.mkfifo(path)
    writer = os.open(path, os.O_RDWR) if has_writer else -1
    try:
        with pytest.raises(OSError, match="not a regular file") as caught:
            read_regular_file(path, 100)
        assert caught.value.errno == errno.EINVAL
    finally:
        if has_writer:
            os.close(writer)


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null"])
def test_a_device_is_refused(path: str) -> None:
    with pytest.raises(OSError, match="not a regular file"):
        read_regular_file(path, 100)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        read_regular_file(str(tmp_path), 100)
