"""The log file: one JSON event a line, whatever the event holds and whoever writes beside us."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hlb_hooks.base.logs import NoLog, open_log

PROGRAM = """
import sys
sys.path.insert(0, sys.argv[2])
from hlb_hooks.base.logs import open_log
log = open_log(sys.argv[1], hook="test", job="gold")
{body}
"""
ROOT = str(Path(__file__).parents[2])


def run_logger(path: Path, body: str) -> "subprocess.CompletedProcess[bytes]":
    program = PROGRAM.format(body=body)
    return subprocess.run(
        [sys.executable, "-c", program, str(path), ROOT], capture_output=True, check=False
    )


def log_events(path: Path, body: str) -> list[dict[str, Any]]:
    done = run_logger(path, body)
    assert (done.returncode, done.stderr) == (0, b"")
    return [json.loads(line) for line in path.read_bytes().decode("ascii").splitlines()]


def test_an_event_is_one_line_with_its_context(tmp_path: Path) -> None:
    [event] = log_events(tmp_path / "hlb.log", "log.bind(run='r1').info('vm_started', vm='/a')")
    assert event.pop("timestamp").endswith("Z")
    assert isinstance(event.pop("pid"), int)
    assert event == {
        "event": "vm_started",
        "level": "info",
        "hook": "test",
        "job": "gold",
        "run": "r1",
        "vm": "/a",
    }


def test_each_level_is_named(tmp_path: Path) -> None:
    body = "log.info('a'); log.warning('b'); log.error('c')"
    levels = [event["level"] for event in log_events(tmp_path / "hlb.log", body)]
    assert levels == ["info", "warning", "error"]


def test_a_name_of_any_bytes_stays_one_line(tmp_path: Path) -> None:
    body = r"log.info('e', vm='two\nlines \udcff \u2028 \x00 {' + chr(34), other=object)"
    [event] = log_events(tmp_path / "hlb.log", body)
    assert "class 'object'" in event["other"]
    assert event["vm"] == 'two\nlines \udcff \u2028 \x00 {"'


def test_a_defect_is_written_with_its_traceback(tmp_path: Path) -> None:
    body = "try:\n    1 / 0\nexcept ZeroDivisionError:\n    log.exception('defect', why='x')"
    [event] = log_events(tmp_path / "hlb.log", body)
    assert "ZeroDivisionError" in event["exception"]
    assert event["level"] == "error"


def test_loggers_bound_and_dropped_do_not_close_the_file(tmp_path: Path) -> None:
    body = (
        "import gc\nfor number in range(20):\n    log.bind(n=number).info('e'); gc.collect()\n"
        "log.info('last')"
    )
    events = log_events(tmp_path / "hlb.log", body)
    assert [event["event"] for event in events] == ["e"] * 20 + ["last"]


def test_the_file_is_ours_alone_and_only_grows(tmp_path: Path) -> None:
    path = tmp_path / "hlb.log"
    log_events(path, "log.info('first')")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [event["event"] for event in log_events(path, "log.info('second')")] == [
        "first",
        "second",
    ]


def test_many_processes_do_not_mix_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "hlb.log"
    program = PROGRAM.format(body="for n in range(200): log.info('e', filler='x' * 500, n=n)")
    writers = [subprocess.Popen([sys.executable, "-c", program, str(path), ROOT]) for _ in range(3)]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    events = [json.loads(line) for line in path.read_text().splitlines()]
    assert sorted(event["n"] for event in events) == sorted(list(range(200)) * 3)


def test_a_full_disk_costs_the_event_and_not_the_work() -> None:
    done = run_logger(Path("/dev/full"), "log.info('e'); print('went on')")
    assert (done.returncode, done.stdout) == (0, b"went on\n")


def test_a_full_disk_costs_the_event_and_not_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "hlb.log"
    done = run_logger(
        path,
        "import os, resource, signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "log.info('before')\n"
        "room = os.stat(sys.argv[1]).st_size, resource.RLIM_INFINITY\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, room)\n"
        "log.info('lost'); log.bind(run='r').info('lost too')\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)\n"
        "log.info('after')",
    )
    assert (done.returncode, done.stderr) == (0, b"")
    events = [json.loads(line)["event"] for line in path.read_text().splitlines()]
    assert events == ["before", "after"]


def test_a_log_that_cannot_be_opened_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        open_log(str(tmp_path / "missing" / "hlb.log"))


def test_no_log_takes_everything_and_writes_nothing(tmp_path: Path) -> None:
    before = os.listdir(tmp_path)
    log = NoLog()
    assert log.bind(run="r") is log
    log.info("a", vm="b")
    log.warning("a")
    log.error("a")
    log.exception("a")
    assert os.listdir(tmp_path) == before
