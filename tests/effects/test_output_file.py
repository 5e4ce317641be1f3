"""A file that was asked for is there as a whole, or what was there is."""

import os
import re
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hlb_hooks.base.errors import UsageError
from hlb_hooks.effects.output_file import write_output_file


def test_a_new_file_is_ours_alone_and_an_old_one_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "a b.html"
    write_output_file(str(path), b"one")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"one", 0o600)
    path.chmod(0o644)
    inode = path.stat().st_ino
    write_output_file(str(path), b"two")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"two", 0o644)
    assert path.stat().st_ino != inode  # a reader of the old one has it whole
    assert os.listdir(tmp_path) == ["a b.html"]


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    target, link, pipe = (tmp_path / name for name in ("target", "link", "pipe"))
    target.write_bytes(b"precious")
    link.symlink_to(target)
    os.mkfifo(pipe)
    for path in (link, pipe, tmp_path):
        with pytest.raises(UsageError, match=re.escape(f"--output {path}: expected a regular")):
            write_output_file(str(path), b"x")
    assert target.read_bytes() == b"precious"
    assert link.is_symlink()
    assert sorted(os.listdir(tmp_path)) == ["link", "pipe", "target"]


def test_a_link_that_was_planted_under_a_foreseeable_name_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"precious")
    (tmp_path / "x.html.new").symlink_to(target)
    write_output_file(str(tmp_path / "x.html"), b"x")
    assert target.read_bytes() == b"precious"


@pytest.mark.parametrize("place", ["missing/x.html", "file/x.html"])
def test_a_folder_that_takes_nothing_is_named(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=re.escape(f"--output {tmp_path / place}: cannot be wri")):
        write_output_file(str(tmp_path / place), b"x")
    assert os.listdir(tmp_path) == ["file"]


def test_a_disk_that_takes_not_all_of_it_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "x"
    write_output_file(str(path), b"before")
    with file_size_limit(4096), pytest.raises(UsageError, match="File too large"):
        write_output_file(str(path), b"x" * 200_000)
    assert path.read_bytes() == b"before"
    assert os.listdir(tmp_path) == ["x"]


@contextmanager
def file_size_limit(limit_bytes: int) -> Iterator[None]:
    """Have the kernel refuse longer files, as a full disk refuses them half-way."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
