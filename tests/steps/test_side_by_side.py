"""Many VMs at a time: within the limits, fair, and nothing lost when the time is over."""

import signal
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from hlb_hooks.base.logs import NoLog
from hlb_hooks.base.stop import StopRequest
from hlb_hooks.steps.side_by_side import (
    HEARTBEAT_SECONDS,
    STOP_GRACE_SECONDS,
    Limits,
    SideBySide,
    Unfinished,
)

WAIT_LIMIT_SECONDS = 30.0
DEADLINE = 1000.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Give a clock of ours, which stands still until a test sets it."""
    hands = {"boot": 0.0}
    monkeypatch.setattr("hlb_hooks.base.clock.read_seconds_since_boot", lambda: hands["boot"])
    # Only how long a round takes: many of them make up a test.
    monkeypatch.setattr("hlb_hooks.steps.side_by_side._WAKE_SECONDS", 0.01)
    return hands


def wait_for(question: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + WAIT_LIMIT_SECONDS
    while not question():
        assert time.monotonic() < deadline, f"waited in vain for: {what}"
        time.sleep(0.005)


class CountedRounds(StopRequest):
    """A stop request that counts how often it is looked at: once a round."""

    rounds = 0

    @property
    def is_asked(self) -> bool:
        self.rounds += 1
        return super().is_asked


class KeptLog(NoLog):
    """A log that keeps its events."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []

    def info(self, event: str, **details: Any) -> None:
        self.events.append((event, details))


class Bench:
    """Runs items, each named by its key and a number, whose work ends when the test says so."""

    def __init__(
        self,
        items: Sequence[str],
        at_once: int,
        at_once_per_key: int,
        *,
        deadline: float = DEADLINE,
        finished: Callable[[str], bool] = lambda _: True,
        defects: dict[str, BaseException] | None = None,
        stop_signal: signal.Signals | None = None,
    ) -> None:
        self.begun: list[str] = []
        self.told: list[str] = []
        self.workers: dict[str, threading.Thread] = {}
        self.telling: set[threading.Thread] = set()
        self.may_end = {item: threading.Event() for item in items}
        self.log, self.stop = KeptLog(), CountedRounds()
        self.stop.signal = stop_signal
        self._finished, self._defects = finished, defects or {}
        self._outcome: list[Unfinished[str] | BaseException] = []
        self._items = [(item, item[0]) for item in items]
        self._limits = Limits(at_once, at_once_per_key, deadline)
        self._others = set(threading.enumerate())
        self.caller = threading.Thread(target=self._call, daemon=True)
        self.caller.start()

    def _call(self) -> None:
        side_by_side = SideBySide(self._work, self._tell, stop=self.stop, log=self.log)
        try:
            self._outcome.append(side_by_side.run(self._items, self._limits))
        except BaseException as error:
            self._outcome.append(error)

    def _work(self, item: str) -> None:
        self.begun.append(item)
        self.workers[item] = threading.current_thread()
        assert self.may_end[item].wait(WAIT_LIMIT_SECONDS)
        if item in self._defects:
            raise self._defects[item]

    def _tell(self, item: str) -> bool:
        self.telling.add(threading.current_thread())
        self.told.append(item)
        return self._finished(item)

    def settle(self) -> list[str]:
        """Wait until all that may begin now has begun; give what has, in its order."""
        seen = self.stop.rounds
        wait_for(
            lambda: self.stop.rounds >= seen + 3 or not self.caller.is_alive(), "three more rounds"
        )
        known = {*self._others, self.caller}
        wait_for(
            lambda: set(threading.enumerate()) <= {*known, *self.workers.values()}, "the threads"
        )
        return list(self.begun)

    def end(self, *items: str) -> list[str]:
        """Let items end; give what has begun when that has settled."""
        wait_for(lambda: set(items) <= self.workers.keys(), f"the beginning of {items}")
        for item in items:
            self.may_end[item].set()
            self.workers[item].join(WAIT_LIMIT_SECONDS)
        return self.settle()

    def outcome(self) -> Unfinished[str] | BaseException:
        self.caller.join(WAIT_LIMIT_SECONDS)
        assert not self.caller.is_alive(), "it never ended"
        return self._outcome[0]


NOTHING_LEFT: Unfinished[str] = Unfinished((), ())
pytestmark = pytest.mark.usefixtures("clock")


def test_never_more_are_under_way_than_may_be_at_once() -> None:
    bench = Bench(["a1", "b1", "c1", "d1", "e1"], 2, 2)
    for count in (2, 3, 4, 5):
        begun = bench.settle()
        assert len(begun) == count
        bench.end(begun[count - 2])
    bench.end(bench.begun[-1])
    assert bench.outcome() == NOTHING_LEFT
    assert sorted(bench.told) == ["a1", "b1", "c1", "d1", "e1"]


def test_never_more_of_one_key_are_under_way_than_may_be() -> None:
    bench = Bench(["a1", "a2", "a3", "b1"], 3, 1)
    assert sorted(bench.settle()) == ["a1", "b1"]
    assert sorted(bench.end("b1")) == ["a1", "b1"]
    assert bench.end("a1")[2:] == ["a2"]
    assert bench.end("a2")[3:] == ["a3"]
    bench.end("a3")
    assert bench.outcome() == NOTHING_LEFT


@pytest.mark.parametrize(
    ("items", "at_once", "per_key", "first"),
    [
        # One of each key before a second of any.
        (["a1", "a2", "a3", "b1"], 2, 2, ["a1", "b1"]),
        (["a1", "a2", "a3", "b1", "c1"], 3, 3, ["a1", "b1", "c1"]),
        (["a1", "a2", "b1"], 3, 2, ["a1", "a2", "b1"]),
        (["a1", "a2", "a3", "b1", "b2", "b3"], 4, 3, ["a1", "a2", "b1", "b2"]),
        # Of keys with equally many under way the one with most to do.
        (["a1", "b1", "b2", "b3"], 1, 1, ["b1"]),
        (["a1", "b1", "b2", "c1", "c2", "c3"], 2, 1, ["b1", "c1"]),
        # But first the one that needs all its places until the end.
        (["a1", "a2", "a3", "a4", "b1", "c1"], 3, 2, ["a1", "a2", "b1"]),
        # Within a key the order of the list.
        (["a3", "a1", "a2"], 2, 2, ["a1", "a3"]),
    ],
)
def test_what_begins_first_is_fair_across_keys(
    items: list[str], at_once: int, per_key: int, first: list[str]
) -> None:
    bench = Bench(items, at_once, per_key)
    assert sorted(bench.settle()) == first
    bench.stop.signal = signal.SIGTERM
    bench.end(*first)
    assert isinstance(bench.outcome(), Unfinished)


def test_a_place_that_becomes_free_goes_to_the_key_with_least_under_way() -> None:
    bench = Bench(["a1", "a2", "a3", "a4", "b1", "b2"], 2, 2)
    assert sorted(bench.settle()) == ["a1", "b1"]
    assert bench.end("b1")[2:] == ["b2"]
    assert bench.end("a1")[3:] == ["a2"]
    assert bench.end("b2")[4:] == ["a3"]
    bench.stop.signal = signal.SIGTERM
    bench.end("a2", "a3")
    assert bench.outcome() == Unfinished(("a4",), ())


def test_what_is_done_is_told_in_the_caller_s_thread_in_the_order_of_its_end() -> None:
    bench = Bench(["a1", "b1", "c1"], 3, 1)
    bench.settle()
    for item in ("b1", "c1", "a1"):
        bench.end(item)
    assert bench.outcome() == NOTHING_LEFT
    assert bench.told == ["b1", "c1", "a1"]
    assert bench.telling == {bench.caller}
    assert bench.caller not in bench.workers.values()


def test_nothing_to_do_is_done() -> None:
    assert Bench([], 1, 1).outcome() == NOTHING_LEFT


def test_a_deadline_leaves_what_waits_apart_from_what_is_under_way(clock: dict[str, float]) -> None:
    bench = Bench(["a1", "a2", "a3", "b1"], 2, 1)
    assert sorted(bench.settle()) == ["a1", "b1"]
    assert bench.end("b1") == bench.begun
    clock["boot"] = DEADLINE
    assert bench.outcome() == Unfinished(("a2", "a3"), ("a1",))
    assert bench.told == ["b1"]
    bench.may_end["a1"].set()


def test_after_the_deadline_nothing_begins() -> None:
    bench = Bench(["a1", "b1"], 2, 1, deadline=0.0)
    assert bench.outcome() == Unfinished(("a1", "b1"), ())
    assert bench.begun == []


def test_what_was_done_in_the_last_moment_is_finished(clock: dict[str, float]) -> None:
    def finished(item: str) -> bool:
        """While the first is told, the second ends and the time is over."""
        if item == "a1":
            bench.may_end["b1"].set()
            bench.workers["b1"].join(WAIT_LIMIT_SECONDS)
            clock["boot"] = DEADLINE
        return True

    bench = Bench(["a1", "b1", "c1", "c2"], 3, 1, finished=finished)
    bench.settle()
    bench.may_end["a1"].set()
    assert bench.outcome() == Unfinished(("c2",), ("c1",))
    assert bench.told == ["a1", "b1"]
    bench.may_end["c1"].set()


@pytest.mark.parametrize("defect", [ValueError("ours"), SystemExit(3), KeyboardInterrupt()])
def test_a_defect_in_one_is_raised_after_the_others_are_done(defect: BaseException) -> None:
    bench = Bench(["a1", "b1", "c1"], 2, 1, defects={"a1": defect})
    first = sorted(bench.settle())
    assert first == ["a1", "b1"]
    assert sorted(bench.end("a1")) == first
    assert bench.caller.is_alive()
    bench.end("b1")
    assert bench.outcome() is defect
    assert bench.told == ["b1"]


def test_of_two_defects_the_first_is_raised() -> None:
    defects: dict[str, BaseException] = {"a1": ValueError("second"), "b1": TypeError("first")}
    bench = Bench(["a1", "b1"], 2, 1, defects=defects)
    bench.settle()
    bench.end("b1")
    bench.end("a1")
    assert bench.outcome() is defects["b1"]


def test_a_defect_is_raised_even_when_the_time_is_over(clock: dict[str, float]) -> None:
    defect = ValueError("ours")
    bench = Bench(["a1", "b1"], 2, 1, defects={"a1": defect})
    bench.settle()
    bench.end("a1")
    clock["boot"] = DEADLINE
    assert bench.outcome() is defect
    bench.may_end["b1"].set()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_stop_begins_nothing_new_and_waits_for_what_is_under_way(number: signal.Signals) -> None:
    bench = Bench(["a1", "a2", "b1", "b2"], 2, 1)
    first = sorted(bench.settle())
    bench.stop.signal = number
    assert sorted(bench.end("a1")) == first
    assert bench.caller.is_alive()
    bench.end("b1")
    assert bench.outcome() == Unfinished(("a2", "b2"), ())
    assert sorted(bench.told) == first


def test_a_stop_that_came_before_begins_nothing_at_all() -> None:
    bench = Bench(["a1", "b1"], 2, 1, stop_signal=signal.SIGTERM)
    assert bench.outcome() == Unfinished(("a1", "b1"), ())
    assert bench.begun == []


@pytest.mark.parametrize(
    ("deadline", "left_at"), [(DEADLINE, 100 + STOP_GRACE_SECONDS), (105.0, 105.0)]
)
def test_a_stop_leaves_what_is_under_way_after_a_while(
    clock: dict[str, float], deadline: float, left_at: float
) -> None:
    bench = Bench(["a1", "a2"], 1, 1, deadline=deadline)
    bench.settle()
    clock["boot"] = 100.0
    bench.stop.signal = signal.SIGTERM
    bench.settle()
    clock["boot"] = left_at - 0.5
    bench.settle()
    assert bench.caller.is_alive()
    clock["boot"] = left_at
    assert bench.outcome() == Unfinished(("a2",), ("a1",))
    bench.may_end["a1"].set()


def test_when_one_is_told_to_be_the_last_nothing_new_begins() -> None:
    bench = Bench(["a1", "a2", "b1"], 2, 1, finished=lambda item: item != "a1")
    first = sorted(bench.settle())
    assert sorted(bench.end("a1")) == first
    assert bench.caller.is_alive()
    bench.end("b1")
    assert bench.outcome() == Unfinished(("a2",), ())
    assert bench.told == ["a1", "b1"]


def test_a_long_wait_has_a_heartbeat(clock: dict[str, float]) -> None:
    bench = Bench(["a1", "a2", "a3", "b1"], 2, 1)
    bench.settle()
    assert bench.log.events == []
    for beats in (1, 2):
        clock["boot"] += HEARTBEAT_SECONDS
        bench.settle()
        assert bench.log.events == [("heartbeat", {"running": 2, "waiting": 2})] * beats
    clock["boot"] += HEARTBEAT_SECONDS - 1
    bench.settle()
    assert len(bench.log.events) == 2
    clock["boot"] = DEADLINE
    assert bench.outcome() == Unfinished(("a2", "a3"), ("a1", "b1"))
    for item in ("a1", "b1"):
        bench.may_end[item].set()
