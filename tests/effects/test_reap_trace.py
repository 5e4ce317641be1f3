"""When the reaper last ran, and who is to run it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from hlb_hooks.base import clock
from hlb_hooks.base.errors import StateError
from hlb_hooks.effects.reap_trace import (
    ReapTrace,
    find_reap_schedules,
    read_reap_trace,
    write_reap_trace,
)

LINE = "2026-11-22T01:00:00Z exit=4\n"


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    before = clock.read_utc_now()
    write_reap_trace(str(tmp_path), 4)
    trace = read_reap_trace(str(tmp_path))
    assert trace is not None
    assert before <= trace.moment <= clock.read_utc_now()
    assert trace.exit_code == 4


def test_where_no_run_has_ever_begun_nothing_is_made(tmp_path: Path) -> None:
    write_reap_trace(str(tmp_path / "hlb"), 0)
    assert not (tmp_path / "hlb").exists()


def test_a_trace_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "last-reap").mkdir()
    with pytest.raises(StateError, match="last-reap: cannot be written"):
        write_reap_trace(str(tmp_path), 0)


@pytest.mark.parametrize(
    ("text", "trace"),
    [
        (LINE, ReapTrace(datetime(2026, 11, 22, 1, tzinfo=UTC), 4)),
        ("", None),
        (LINE[:-1], None),
        (LINE.replace("4", "x"), None),
        (LINE.replace("11", "13"), None),
        ("\x00" * 300, None),
        ("\u0661" * 10, None),
    ],
)
def test_a_trace_that_was_damaged_is_none(
    tmp_path: Path, text: str, trace: ReapTrace | None
) -> None:
    (tmp_path / "last-reap").write_text(text, "utf-8")
    assert read_reap_trace(str(tmp_path)) == trace


def test_no_trace_is_none(tmp_path: Path) -> None:
    assert read_reap_trace(str(tmp_path)) is None


@pytest.mark.parametrize(
    ("place", "text", "is_one"),
    [
        ("etc/crontab", "*/10 * * * * root /usr/bin/hlb reap\n", True),
        ("etc/cron.d/hlb", "*/10 * * * * root /usr/bin/hlb reap --config /x >/dev/null\n", True),
        ("var/spool/cron/root", "*/10 * * * * hlb reap", True),
        ("etc/systemd/system/hlb-reap.service", "[Service]\nExecStart=/opt/hlb reap\n", True),
        ("etc/crontab", "# */10 * * * * root hlb reap\n", False),
        ("etc/crontab", "*/10 * * * * root hlb status # and no reap\n", False),
        ("etc/crontab", "*/10 * * * * root hlbx reap\n", False),
        ("etc/elsewhere", "*/10 * * * * root hlb reap\n", False),
    ],
)
def test_a_schedule_is_found_where_cron_and_systemd_look(
    tmp_path: Path, place: str, text: str, *, is_one: bool
) -> None:
    path = tmp_path / place
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert find_reap_schedules(str(tmp_path)) == ((str(path),) if is_one else ())


def test_a_schedule_that_is_found_by_two_names_is_one(tmp_path: Path) -> None:
    folder = tmp_path / "usr/lib/systemd/system"
    folder.mkdir(parents=True)
    (tmp_path / "lib").symlink_to("usr/lib")
    (folder / "hlb-reap.service").write_bytes(b"\xff\nExecStart=/usr/bin/hlb reap\n")
    assert find_reap_schedules(str(tmp_path)) == (str(folder / "hlb-reap.service"),)
