"""Which log the owner of a run writes, and what it wrote since the run began."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from effects_kit import running

from hlb_hooks.effects.owner import owner_from_details, owner_of_pid
from hlb_hooks.effects.owner_log import (
    OwnerLog,
    find_log_path,
    find_owner_log,
    owner_log_from_details,
    read_lines,
)

CLIENT = "import sys; print('ready', flush=True); sys.stdin.readline()"


def find_log(*options: str, cwd: Path) -> OwnerLog | None:
    with running(CLIENT, *options, cwd=str(cwd)) as client:
        return find_owner_log(client.pid)


def log_of(path: Path, begun_at_bytes: int = 0) -> OwnerLog:
    return OwnerLog(str(path), path.stat().st_ino, begun_at_bytes)


@pytest.mark.parametrize(
    ("words", "path"),
    [
        ((), ""),
        (("avtar", "-c", "/vmfs"), ""),
        (("avtar", "--logfile=/var/x.log", "-c"), "/var/x.log"),
        (("avtar", "--logfile", "/var/x.log", "-c"), "/var/x.log"),
        (("avtar", "--logfile=a=b c.log"), "a=b c.log"),
        (("avtar", "--logfile="), ""),
        (("avtar", "--logfile"), ""),
        (("avtar", "--logfiles=/x", "--nologfile=/x", "logfile=/x", "-logfile=/x"), ""),
        (("avtar", "--label=--logfile=/x"), ""),
    ],
)
def test_the_log_is_what_the_command_line_says(words: tuple[str, ...], path: str) -> None:
    assert find_log_path(words) == path


@pytest.mark.parametrize("is_joined", [True, False])
@pytest.mark.parametrize("is_relative", [True, False])
def test_a_living_client_s_log_is_found_with_its_size(
    tmp_path: Path, *, is_joined: bool, is_relative: bool
) -> None:
    log = tmp_path / "a b.log"
    log.write_bytes(b"begun\n")
    name = log.name if is_relative else str(log)
    options = [f"--logfile={name}"] if is_joined else ["--logfile", name]
    assert find_log(*options, cwd=tmp_path) == OwnerLog(str(log), log.stat().st_ino, 6)


@pytest.mark.parametrize("name", ["missing.log", "folder", "pipe", "/dev/null", "no/such/folder"])
def test_what_is_no_file_is_no_log(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    assert find_log(f"--logfile={name}", cwd=tmp_path) is None


def test_a_client_without_a_log_or_that_is_gone_has_none(tmp_path: Path) -> None:
    assert find_log("-c", cwd=tmp_path) is None
    (tmp_path / "x.log").touch()
    with running(CLIENT, "--logfile=x.log", cwd=str(tmp_path)) as client:
        pid = client.pid
    client.wait()
    assert find_owner_log(pid) is None


def test_an_owner_is_recorded_with_its_log(tmp_path: Path) -> None:
    log = tmp_path / os.fsdecode(b"\xff.log")
    log.write_bytes(b"x")
    with running(CLIENT, f"--logfile={log}") as client:
        owner = owner_of_pid(client.pid)
    assert owner.log == log_of(log, 1)
    assert owner_from_details(owner.to_details()) == owner
    without = replace(owner, log=None)
    assert owner_from_details(without.to_details()) == without


@pytest.mark.parametrize("missing", ["log_inode", "log_bytes"])
def test_a_record_that_is_not_whole_is_refused(tmp_path: Path, missing: str) -> None:
    details = OwnerLog("/x", 1, 2).to_details()
    assert owner_log_from_details(details) == OwnerLog("/x", 1, 2)
    del details[missing]
    with pytest.raises(KeyError):
        owner_log_from_details(details)
    with pytest.raises(ValueError, match="invalid literal"):
        owner_log_from_details({**details, missing: "x"})


def test_the_lines_are_those_since_the_run_began(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_bytes(b"of before\n")
    log = log_of(path, 10)
    assert list(read_lines(log)) == []
    with path.open("ab") as file:
        file.write(b"one\r\ntwo \xff\n\nlast")
    assert list(read_lines(log)) == ["one", "two \udcff", "", "last"]
    # Read as often as need be.
    assert len(list(read_lines(log))) == 4


def test_of_a_log_that_was_emptied_what_came_after_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_bytes(b"x" * 100)
    log = log_of(path, 100)
    path.write_bytes(b"new\n")
    assert path.stat().st_ino == log.inode
    assert list(read_lines(log)) == ["new"]


def test_a_line_without_end_is_read_in_pieces_and_not_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    with path.open("wb") as file:
        file.truncate(1024 * 1024)
    assert max(map(len, read_lines(log_of(path)))) <= 64 * 1024


def rotate(path: Path) -> None:
    path.rename(path.with_suffix(".1"))
    path.write_bytes(b"the next one's\n")


def make_pipe(path: Path) -> None:
    path.rename(path.with_suffix(".1"))
    os.mkfifo(path)


def make_folder(path: Path) -> None:
    path.rename(path.with_suffix(".1"))
    path.mkdir()


@pytest.mark.parametrize("change", [Path.unlink, rotate, make_pipe, make_folder])
def test_a_log_that_is_gone_is_an_error_and_no_other_file_is_read_for_it(
    tmp_path: Path, change: Callable[[Path], object]
) -> None:
    path = tmp_path / "x.log"
    path.write_bytes(b"ours\n")
    log = log_of(path)
    change(path)
    with pytest.raises((FileNotFoundError, IsADirectoryError)):
        list(read_lines(log))


def test_a_log_that_was_rotated_and_put_back_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_bytes(b"ours\n")
    log = log_of(path)
    rotate(path)
    path.with_suffix(".1").replace(path)
    assert list(read_lines(log)) == ["ours"]
