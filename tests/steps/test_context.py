"""What a step is handed: it reads the host without outlasting a signal, and it is heard."""

import os
import signal
import threading
from pathlib import Path

import pytest

from hlb_hooks.base.errors import HostError, StoppedError
from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.base.logs import NoLog
from hlb_hooks.effects.bundle import make_effects
from hlb_hooks.steps.context import Context

WAIT_LIMIT_SECONDS = 30.0


@pytest.fixture
def context() -> Context:
    return Context("initial_backup", make_effects("en", may_change=True))


@pytest.mark.parametrize("value", [["/a.vmx"], [], None, "", HostError("a value, not raised")])
def test_what_was_read_is_given(context: Context, value: object) -> None:
    assert context.read_or_stop(lambda: value) is value


@pytest.mark.parametrize("error", [HostError("no answer"), ValueError("a defect"), SystemExit(3)])
def test_what_the_reading_raised_is_raised(context: Context, error: BaseException) -> None:
    def read() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        context.read_or_stop(read)
    assert caught.value is error


def test_the_host_is_read_in_a_thread_of_its_own(context: Context) -> None:
    assert context.read_or_stop(threading.current_thread) is not threading.current_thread()


@pytest.mark.parametrize(
    ("number", "exit_code"),
    [
        (signal.SIGTERM, ExitCode.TERMINATED),
        (signal.SIGHUP, ExitCode.TERMINATED),
        (signal.SIGINT, ExitCode.INTERRUPTED),
    ],
)
def test_a_stop_leaves_a_reading_that_takes_long(
    context: Context, number: signal.Signals, exit_code: ExitCode
) -> None:
    may_end, was_left = threading.Event(), threading.Event()

    def read() -> None:
        context.stop.signal = number
        assert may_end.wait(WAIT_LIMIT_SECONDS)
        was_left.set()

    with pytest.raises(StoppedError, match=number.name) as caught:
        context.read_or_stop(read)
    assert caught.value.exit_code == exit_code
    assert int(exit_code) in {130, 143}
    assert not was_left.is_set()
    may_end.set()
    assert was_left.wait(WAIT_LIMIT_SECONDS)


def test_whoever_was_to_stop_before_gets_no_answer(context: Context) -> None:
    context.stop.signal = signal.SIGTERM
    with pytest.raises(StoppedError, match="SIGTERM: nothing was begun"):
        context.read_or_stop(lambda: "an answer")


def test_an_unread_pipe_may_be_left_only_when_this_process_is_to_stop(context: Context) -> None:
    before = context.speaker
    context.use(make_effects("pl", may_change=False))
    assert context.speaker is not before
    assert not context.speaker.may_give_up()
    context.stop.signal = signal.SIGHUP
    assert context.speaker.may_give_up()
    assert Context("snap_remove", make_effects("en", may_change=True)).speaker.may_give_up() is (
        False
    )


def test_a_log_that_cannot_be_opened_is_said_and_stops_nothing(
    context: Context, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "missing" / "hlb.log"
    context.open_log(str(path))
    context.log.info("goes nowhere")
    assert capfd.readouterr().out == f"warning: {path}: no log: No such file or directory\n"


def test_a_dry_run_opens_no_log(tmp_path: Path) -> None:
    context = Context("initial_backup", make_effects("en", may_change=False))
    context.open_log(str(tmp_path / "hlb.log"))
    assert isinstance(context.log, NoLog)
    assert os.listdir(tmp_path) == []
