"""A signal asks to stop; it never interrupts what is under way."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hlb_hooks.base.stop import SIGNALS, StopRequest

ROOT = str(Path(__file__).parents[2])
WAIT_LIMIT_SECONDS = 30.0
FOREVER_SECONDS = 100_000


@pytest.fixture
def listening() -> Iterator[StopRequest]:
    kept = {number: signal.getsignal(number) for number in SIGNALS}
    stop = StopRequest()
    stop.listen()
    yield stop
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_each_signal_is_a_request(listening: StopRequest, number: signal.Signals) -> None:
    before = listening.is_asked
    os.kill(os.getpid(), number)
    assert listening.wait(30)
    assert (before, listening.is_asked, listening.signal) == (False, True, number)


def test_nobody_asked_is_told_after_the_wait(listening: StopRequest) -> None:
    assert not listening.wait(0.001)
    assert listening.signal is None


def test_a_second_signal_does_no_harm(listening: StopRequest) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGINT)
    assert listening.wait(30)
    assert listening.signal in {signal.SIGTERM, signal.SIGINT}


def test_nobody_who_does_not_listen_is_asked_and_waiting_ends_by_itself() -> None:
    stop = StopRequest()
    assert not stop.wait(0.001)
    assert not stop.is_asked


LISTENING = """
import sys
sys.path.insert(0, sys.argv[1])
from hlb_hooks.base.stop import StopRequest
stop = StopRequest()
stop.listen()
print("listening", flush=True)
{body}
print("over", stop.is_asked, stop.signal.name, flush=True)
"""


def read_word(process: "subprocess.Popen[str]", what: str) -> str:
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], WAIT_LIMIT_SECONDS)
    assert ready, f"waited in vain for: {what}"
    return process.stdout.readline().strip()


@contextmanager
def listen(body: str) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [sys.executable, "-c", LISTENING.format(body=body), ROOT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as process:
        try:
            assert read_word(process, "the start") == "listening"
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_a_wait_that_would_take_for_ever(number: signal.Signals) -> None:
    with listen(f"stop.wait({FOREVER_SECONDS})") as process:
        process.send_signal(number)
        assert read_word(process, "the end of the wait") == f"over True {number.name}"


def test_a_signal_that_came_before_ends_every_later_wait() -> None:
    body = f"sys.stdin.readline()\nfor _ in range(1000): assert stop.wait({FOREVER_SECONDS})"
    with listen(body) as process:
        process.send_signal(signal.SIGTERM)
        assert process.stdin is not None
        print("go", file=process.stdin)
        assert read_word(process, "the end of the waits") == "over True SIGTERM"
        assert process.wait(WAIT_LIMIT_SECONDS) == 0


def test_a_signal_that_comes_just_before_the_wait_is_not_lost() -> None:
    """The signal arrives between the look at what was asked and the wait itself."""
    body = (
        "import os, select, signal\n"
        "really_wait = select.select\n"
        "def signalled_first(*arguments):\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    return really_wait(*arguments)\n"
        "select.select = signalled_first\n"
        f"assert stop.wait({FOREVER_SECONDS})"
    )
    with listen(body) as process:
        assert read_word(process, "the end of the wait") == "over True SIGTERM"


def test_a_hail_of_signals_neither_hangs_nor_breaks_what_is_under_way() -> None:
    """More signals than the pipe has room for, into waits, questions and other work."""
    body = (
        "from threading import Thread\n"
        "kept, is_over = [], []\n"
        "def work():\n"
        "    while not is_over: stop.wait(0.0001); kept.append(stop.is_asked)\n"
        "workers = [Thread(target=work) for _ in range(3)]\n"
        "for worker in workers: worker.start()\n"
        "while sys.stdin.readline().strip() != 'enough':\n"
        "    for _ in range(200): stop.wait(0.0001)\n"
        "    print('alive', flush=True)\n"
        "is_over.append(True)\n"
        "for worker in workers: worker.join()\n"
        "assert True in kept"
    )
    with listen(body) as process:
        assert process.stdin is not None
        for _ in range(50):
            for number in SIGNALS * 600:
                process.send_signal(number)
            print("go on", file=process.stdin)
            assert read_word(process, "a sign of life") == "alive"
        print("enough", file=process.stdin)
        assert read_word(process, "the end").startswith("over True SIG")
        assert process.wait(WAIT_LIMIT_SECONDS) == 0


def test_more_signals_than_the_pipe_holds_are_taken_without_a_word(
    listening: StopRequest,
) -> None:
    assert listening._pipe is not None
    assert not os.get_blocking(listening._pipe[1])
    room = 0
    try:
        while True:
            room += os.write(listening._pipe[1], b"!" * 4096)
    except BlockingIOError:
        assert room
    os.kill(os.getpid(), signal.SIGHUP)
    assert listening.wait(FOREVER_SECONDS)
    assert listening.signal is signal.SIGHUP
