"""A signal asks to stop; it never interrupts what is under way."""

import os
import signal
from collections.abc import Iterator

import pytest

from hlb_hooks.base.stop import SIGNALS, StopRequest


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
