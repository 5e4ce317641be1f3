"""Doing the same to many VMs, some at a time: fair across datastores, within a time."""

import queue
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from hlb_hooks.base import clock
from hlb_hooks.base.logs import Log
from hlb_hooks.base.stop import StopRequest

T = TypeVar("T")
_WAKE_SECONDS = 0.2
HEARTBEAT_SECONDS = 30.0
# A signal leaves the hook 30 s; what it writes and says afterwards needs some of them.
STOP_GRACE_SECONDS = 15.0


@dataclass(frozen=True)
class Limits:
    """How many at a time, in all and of one key, and until when, in seconds since boot."""

    at_once: int
    at_once_per_key: int
    deadline: float


@dataclass(frozen=True)
class Unfinished(Generic[T]):
    """What was left when the time was over: not begun, and begun but not finished."""

    waiting: tuple[T, ...]
    running: tuple[T, ...]


class SideBySide(Generic[T]):
    """Runs ``work`` on items in threads of their own; what it did is told in this thread.

    The threads are daemons: when the time is over the caller goes on without them, and the host
    command that one of them waits for goes on too, in a session of its own.
    """

    def __init__(
        self,
        work: Callable[[T], None],
        finished: Callable[[T], bool],
        *,
        stop: StopRequest,
        log: Log,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> None:
        """Take the work, and what to call, in this thread, for each item that is done.

        When ``finished`` gives False, no further item is begun. ``meanwhile`` is called in this
        thread again and again while work is under way, so it must be quick.
        """
        self._work = work
        self._finished = finished
        self._stop = stop
        self._log = log
        self._meanwhile = meanwhile
        self._done: queue.SimpleQueue[tuple[T, BaseException | None]] = queue.SimpleQueue()
        self._waiting: dict[str, deque[T]] = {}
        self._running: list[tuple[T, str]] = []
        self._defects: list[BaseException] = []
        self._may_begin = True
        self._next_heartbeat = clock.read_seconds_since_boot() + HEARTBEAT_SECONDS

    def run(self, items: Sequence[tuple[T, str]], limits: Limits) -> Unfinished[T]:
        """Work on ``items``, each with its key. Raise what ``work`` raised, after the others."""
        for item, key in items:
            self._waiting.setdefault(key, deque()).append(item)
        deadline = limits.deadline
        while self._running or (self._may_begin and self._waiting):
            now = clock.read_seconds_since_boot()
            if self._stop.is_asked and self._may_begin:
                self._may_begin = False
                deadline = min(deadline, now + STOP_GRACE_SECONDS)
            if now >= deadline:
                break
            self._begin_some(limits)
            self._beat(now)
            self._meanwhile()
            self._take_one(wait_seconds=_WAKE_SECONDS)
        while self._take_one(wait_seconds=0):
            pass  # done in the last moment is done
        if self._defects:
            raise self._defects[0]
        return Unfinished(
            tuple(item for entries in self._waiting.values() for item in entries),
            tuple(item for item, _ in self._running),
        )

    def _begin_some(self, limits: Limits) -> None:
        while self._may_begin and (picked := _pick(self._waiting, self._running, limits)):
            self._running.append(picked)
            threading.Thread(target=self._run_one, args=(picked[0],), daemon=True).start()

    def _run_one(self, item: T) -> None:
        try:
            self._work(item)
        except BaseException as error:
            self._done.put((item, error))
        else:
            self._done.put((item, None))

    def _take_one(self, *, wait_seconds: float) -> bool:
        """Wait for an item that is done, and tell of it. False when there was none."""
        try:
            item, defect = self._done.get(timeout=wait_seconds)
        except queue.Empty:
            return False
        self._running = [entry for entry in self._running if entry[0] is not item]
        if defect is not None:
            self._defects.append(defect)
            self._may_begin = False
        elif not self._finished(item):
            self._may_begin = False
        return True

    def _beat(self, now: float) -> None:
        if now >= self._next_heartbeat:
            self._next_heartbeat = now + HEARTBEAT_SECONDS
            waiting = sum(map(len, self._waiting.values()))
            self._log.info("heartbeat", running=len(self._running), waiting=waiting)


def _pick(
    waiting: dict[str, deque[T]], running: Sequence[tuple[T, str]], limits: Limits
) -> tuple[T, str] | None:
    """Take the next item, of the key that has least under way; the longest queue goes first.

    But a key that needs every place it may have until the very end goes before all others: what is
    left of it would be worked off after them, with places that nobody else can use.
    """
    if len(running) >= limits.at_once:
        return None
    under_way = dict.fromkeys(waiting, 0)
    for _, key in running:
        if key in under_way:
            under_way[key] += 1
    free = [key for key, count in under_way.items() if count < limits.at_once_per_key]
    if not free:
        return None
    left = {key: len(queue) + under_way[key] for key, queue in waiting.items()}
    ended = len(running) - sum(under_way.values())  # under way, of keys where nothing waits
    all_left = sum(left.values()) + ended
    urgent = [
        key for key in free if left[key] * limits.at_once >= all_left * limits.at_once_per_key
    ]
    key = min(urgent or free, key=lambda name: (under_way[name], -len(waiting[name])))
    item = waiting[key].popleft()
    if not waiting[key]:
        del waiting[key]
    return item, key
