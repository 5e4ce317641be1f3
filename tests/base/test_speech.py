"""What the hooks say: one printable line at a time, never one of avtar's, and never a hindrance."""

import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hlb_hooks.base.speech import RehearsalSpeaker, Speaker

ROOT = str(Path(__file__).parents[2])
WAIT_LIMIT_SECONDS = 30.0


@pytest.fixture
def heard(capfd: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    yield lambda: capfd.readouterr().out


def test_values_are_escaped_and_sentences_are_not(heard: Callable[[], str]) -> None:
    Speaker().say("found", name="two\nlines \x1b[31m \\ \udcff")
    assert heard() == "**found two\\nlines \\x1b[31m \\\\ \\xff\n"


def test_a_name_full_of_braces_is_only_a_name(heard: Callable[[], str]) -> None:
    Speaker().say("found", name="{count} {0} {name.__class__}")
    assert heard() == "**found {count} {0} {name.__class__}\n"


def test_the_talk_s_polish_is_spoken_on_request(heard: Callable[[], str]) -> None:
    speaker = Speaker("pl")
    speaker.say("report")
    speaker.say("found", name="wro215ts")
    speaker.step("snap_request")
    speaker.mark(is_ok=True)
    speaker.mark(is_ok=False)
    assert heard() == (
        "**RAPORT**\n**znalazlem wro215ts\n--snap_request--\n***OK***\n***FAILED***\n"
    )


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(ValueError, match="de"):
        Speaker("de")


def test_a_line_can_be_indented(heard: Callable[[], str]) -> None:
    Speaker().say("reason", text="x", indent=4)
    assert heard() == "    reason: x\n"


@pytest.mark.parametrize(
    "line",
    [
        "2009-10-07 12:50:34 avtar Info <5314>: Command completed (exit code 0: success)",
        "2009-10-07 12:50:34 avtar Error <5000>: x",
        "2019/10/03-09:49:29.42089 [avtar]  <5314> Command completed",
        "2019-10-03 09:49",
        "----- START avtar log 2026-11-22 -----",
        "-----   END avtar log",
        "<logheader version='1'>",
    ],
)
def test_no_line_can_be_taken_for_one_of_avtar_s(heard: Callable[[], str], line: str) -> None:
    Speaker().line(line)
    assert heard() == f"hlb: {line}\n"


@pytest.mark.parametrize("line", ["/vmfs/volumes/2009-10-07 12:50:34/x.vmx OK_snap", "-----", ""])
def test_another_line_is_said_as_it_is(heard: Callable[[], str], line: str) -> None:
    Speaker().line(line)
    assert heard() == f"{line}\n"


def test_a_surrogate_that_slipped_through_does_no_harm(heard: Callable[[], str]) -> None:
    Speaker().line("a\udcffb")
    assert heard() == "a\\udcffb\n"


SPEAKING = (
    "import sys; sys.path.insert(0, sys.argv[1])\n"
    "from hlb_hooks.base.speech import Speaker\nspeaker = Speaker()\n"
)


def say_into(descriptor: int, body: str) -> "subprocess.CompletedProcess[bytes]":
    program = f"{SPEAKING}{body}\nsys.stderr.write(f'went on {{speaker.is_heard}}')\n"
    return subprocess.run(
        [sys.executable, "-c", program, ROOT],
        stdout=descriptor,
        stderr=subprocess.PIPE,
        check=False,
        timeout=WAIT_LIMIT_SECONDS,
    )


@contextmanager
def speaking_into_pipe(body: str, *, is_blocking: bool = True) -> Iterator[tuple[int, int]]:
    """Let another process speak into a pipe; give both its ends, the reader's first."""
    reader, writer = os.pipe()
    os.set_blocking(writer, is_blocking)
    try:
        with subprocess.Popen(
            [sys.executable, "-c", SPEAKING + body, ROOT], stdout=writer
        ) as other:
            try:
                yield reader, writer
            except BaseException:
                other.kill()
                raise
        assert other.returncode == 0
    finally:
        os.close(reader)


def read_all(reader: int, writer: int) -> bytes:
    os.close(writer)
    received = b""
    while data := os.read(reader, 65536):
        received += data
    return received


def test_a_closed_pipe_never_stops_the_work() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = say_into(writer, "for _ in range(100): speaker.say('report')")
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"went on False")


def test_a_full_disk_behind_stdout_never_stops_the_work() -> None:
    with open("/dev/full", "wb") as full:
        done = say_into(full.fileno(), "speaker.say('report')")
    assert (done.returncode, done.stderr) == (0, b"went on False")


def test_a_closed_stdout_never_stops_the_work() -> None:
    body = "import os\nos.close(1)\nspeaker.say('report')"
    assert say_into(subprocess.DEVNULL, body).stderr == b"went on False"


def wait_until_full(writer: int) -> None:
    deadline = time.monotonic() + WAIT_LIMIT_SECONDS
    while select.select([], [writer], [], 0)[1]:
        assert time.monotonic() < deadline, "the pipe is never full"
        time.sleep(0.01)


@pytest.mark.parametrize("is_blocking", [False, True])
@pytest.mark.parametrize("length", [100, 100_000])
def test_a_reader_who_is_slow_hears_everything(length: int, *, is_blocking: bool) -> None:
    count = 400_000 // length
    body = f"for _ in range({count}): speaker.line('x' * {length})\n"
    with speaking_into_pipe(body, is_blocking=is_blocking) as (reader, writer):
        # Only once the pipe is full does anybody begin to read.
        wait_until_full(writer)
        received = read_all(reader, writer)
    assert received == (b"x" * length + b"\n") * count


@pytest.mark.parametrize("length", [100, 1_000_000])
def test_a_reader_who_never_reads_is_left_only_when_that_is_allowed(length: int) -> None:
    """The pipe stays full throughout: at first the speaker keeps trying, then it gives up."""
    body = (
        "asked = []\n"
        "def may_give_up():\n"
        "    asked.append(True)\n"
        "    return len(asked) == 3\n"
        "speaker.may_give_up = may_give_up\n"
        f"for _ in range(1000): speaker.line('x' * {length})\n"
        "sys.stderr.write(f'{len(asked)} ')\n"
    )
    reader, writer = os.pipe()
    done = say_into(writer, body)
    os.close(writer)
    os.close(reader)
    assert (done.returncode, done.stderr) == (0, b"3 went on False")


def test_a_reader_who_reads_is_heard_out_even_when_giving_up_is_allowed() -> None:
    body = "speaker.may_give_up = lambda: True\nfor _ in range(3000): speaker.line('x' * 100)\n"
    with speaking_into_pipe(body) as (reader, writer):
        received = read_all(reader, writer)
    assert len(received) == 3000 * 101


def test_nobody_is_given_up_unless_somebody_says_when(heard: Callable[[], str]) -> None:
    speaker = Speaker()
    assert not speaker.may_give_up()
    speaker.line("x")
    assert heard() == "x\n"


def test_a_rehearsal_does_not_speak_of_deeds(heard: Callable[[], str]) -> None:
    speaker = RehearsalSpeaker()
    speaker.deed("removing", snapshot="HLB-1")
    speaker.deed_mark(is_ok=True)
    assert heard() == ""
    speaker.verdict("/a.vmx OK_snap")
    speaker.say("would_create", command="vmware-cmd x")
    assert heard() == "WOULD /a.vmx OK_snap\nWOULD run: vmware-cmd x\n"


def test_the_real_voice_speaks_of_deeds(heard: Callable[[], str]) -> None:
    speaker = Speaker()
    speaker.deed("removing", snapshot="HLB-1")
    speaker.deed_mark(is_ok=False)
    speaker.verdict("/a.vmx OK_snap")
    assert heard() == "removing snapshot HLB-1...\n***FAILED***\n/a.vmx OK_snap\n"
