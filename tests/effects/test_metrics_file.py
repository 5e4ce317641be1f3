"""Publishing metrics into a folder that belongs to somebody else."""

import os
from pathlib import Path

import pytest

from hlb_hooks.base.errors import StateError
from hlb_hooks.effects.metrics_file import MetricsFile, RehearsedMetrics


def publish(path: Path, text: str = "new\n") -> None:
    MetricsFile().publish(str(path), text)


def test_the_text_is_put_in_place_for_everybody_to_read(tmp_path: Path) -> None:
    path = tmp_path / "hlb.prom"
    path.write_text("old\n")
    before = os.umask(0o077)
    try:
        publish(path)
    finally:
        os.umask(before)
    assert path.read_text() == "new\n"
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["hlb.prom", f"hlb.prom.{os.getpid()}.new"])
def test_no_link_in_the_way_is_followed(tmp_path: Path, name: str) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious\n")
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics" / name).symlink_to(victim)
    publish(tmp_path / "metrics" / "hlb.prom")
    assert victim.read_text() == "precious\n"
    assert (tmp_path / "metrics" / "hlb.prom").read_text() == "new\n"


def test_what_a_writer_left_that_was_killed_is_removed_and_what_others_write_is_not(
    tmp_path: Path,
) -> None:
    for name in ("hlb.prom.999999999.new", f"hlb.prom.{os.getppid()}.new", "other.prom.7.new"):
        (tmp_path / name).touch()
    publish(tmp_path / "hlb.prom")
    assert {path.name for path in tmp_path.iterdir()} == {
        "hlb.prom",
        f"hlb.prom.{os.getppid()}.new",
        "other.prom.7.new",
    }


def test_a_folder_that_is_not_there_and_a_name_that_is_taken_are_errors(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="cannot be written: No such file"):
        publish(tmp_path / "nowhere" / "hlb.prom")
    (tmp_path / "hlb.prom").mkdir()
    with pytest.raises(StateError, match="cannot be written"):
        publish(tmp_path / "hlb.prom")
    assert list(tmp_path.iterdir()) == [tmp_path / "hlb.prom"]


def test_a_rehearsal_writes_nothing(tmp_path: Path) -> None:
    RehearsedMetrics().publish(str(tmp_path / "hlb.prom"), "new\n")
    assert list(tmp_path.iterdir()) == []
