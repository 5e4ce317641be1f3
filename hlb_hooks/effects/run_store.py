"""The state folder: where runs begin, are found again, and are taken over."""

import contextlib
import errno
import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Protocol

from hlb_hooks.base import clock
from hlb_hooks.base.errors import NotNowError, StateError
from hlb_hooks.effects.effect_kind import changes, reads
from hlb_hooks.effects.forgetting import forget_run
from hlb_hooks.effects.found_runs import (
    SUFFIX,
    FoundRun,
    FoundRuns,
    check_folder,
    find_runs,
)
from hlb_hooks.effects.holds import Hold, read_holds, write_holds
from hlb_hooks.effects.journal import Journal, WrittenJournal
from hlb_hooks.effects.reap_trace import write_reap_trace
from hlb_hooks.effects.records import Record
from hlb_hooks.effects.run_index import write_index
from hlb_hooks.effects.run_story import tell_run
from hlb_hooks.effects.state_file import StateFile

_BEGIN_LOCK = "begin.lock"
_TIDY_LOCK = "tidy.lock"
_LOCK_PAUSE_SECONDS = 0.1


class RunStore(Protocol):
    """The state folder, as a step sees it."""

    @reads
    def find_runs(self) -> FoundRuns:
        """Read every run. Raise ConfigurationError for a folder that cannot be trusted."""

    @changes
    def beginning(self, limit_seconds: float) -> AbstractContextManager[None]:
        """Hold off other start hooks while this one looks for a living run and begins its own."""

    @changes
    def begin(self, name: str, records: Iterable[Record]) -> Journal:
        """Begin a run. Raise StateError when its state file cannot be written."""

    @changes
    def take_over(self, found: FoundRun, limit_seconds: float) -> Journal:
        """Get the right to act for a run. Raise NotNowError when somebody keeps it too long."""

    @changes
    def tidying(self) -> AbstractContextManager[bool]:
        """Hold off others who tidy up; False when one of them is at it. Raise StateError."""

    @changes
    def forget(self, found: FoundRun) -> bool:
        """Delete a finished run's state file; False: somebody is at work on it."""

    @changes
    def save_index(self, runs: Iterable[FoundRun]) -> None:
        """Keep what is to be known of the finished ones among ``runs``. Raise StateError."""

    @changes
    def note_reap(self, exit_code: int) -> None:
        """Put down that a reap is over. Raise StateError."""

    @reads
    def read_holds(self) -> tuple[Hold, ...]:
        """Give what is to be left alone. Raise StateError."""

    @changes
    def save_holds(self, holds: Iterable[Hold]) -> None:
        """Put down what is to be left alone from now on; within ``beginning``. Raise StateError."""


def state_path(folder: str, run: str) -> str:
    """Give the path of a run's state file."""
    return os.path.join(folder, run + SUFFIX)


class StateFolder:
    """The real state folder."""

    def __init__(self, folder: str) -> None:
        """Take the folder's path; it is made when the first run begins."""
        self._folder = folder

    @reads
    def find_runs(self) -> FoundRuns:
        """Read every run in the folder."""
        return find_runs(self._folder)

    @contextlib.contextmanager
    @changes
    def beginning(self, limit_seconds: float) -> Iterator[None]:
        """Hold the begin lock. Raise StateError or NotNowError when it cannot be had."""
        try:
            # Something else in its place is told by the check, as a rehearsal does.
            with contextlib.suppress(FileExistsError):
                os.makedirs(self._folder, mode=0o700, exist_ok=True)
            check_folder(self._folder)
            path = os.path.join(self._folder, _BEGIN_LOCK)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise cannot_write(self._folder, error) from error
        try:
            _wait_for_lock(
                lambda: fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB),
                limit_seconds,
                "another start hook is beginning its run",
            )
            yield
        finally:
            os.close(descriptor)

    @changes
    def begin(self, name: str, records: Iterable[Record]) -> Journal:
        """Write the head of a new run."""
        path = state_path(self._folder, name)
        kept = tuple(records)
        run = tell_run(kept, path)
        if run is None:
            raise AssertionError("a run begins with its head")
        return WrittenJournal(run, StateFile.create(path, kept))

    @changes
    def take_over(self, found: FoundRun, limit_seconds: float) -> Journal:
        """Lock a run's state file, then read it again: it may have grown meanwhile."""
        state_file = StateFile.open(found.path)
        try:
            _wait_for_lock(
                state_file.lock_or_raise,
                limit_seconds,
                f"run {found.name} is being settled by another process",
            )
            reading = state_file.read()
            run = tell_run(reading.records, found.path)
            if run is None:
                raise AssertionError(f"{found.path} lost its head under our lock")
            if state_file.is_writable:
                with contextlib.suppress(StateError):
                    # Read-only or full: every later note will say so, and the work goes on.
                    state_file.drop_interrupted_write(reading)
        except BaseException:
            state_file.close()
            raise
        return WrittenJournal(run, state_file)

    @contextlib.contextmanager
    @changes
    def tidying(self) -> Iterator[bool]:
        """Hold the lock of those who tidy up, without waiting for it."""
        try:
            path = os.path.join(self._folder, _TIDY_LOCK)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise cannot_write(self._folder, error) from error
        try:
            yield _try_lock(descriptor)
        finally:
            os.close(descriptor)

    @changes
    def forget(self, found: FoundRun) -> bool:
        """Delete a finished run's state file."""
        return forget_run(found)

    @changes
    def save_index(self, runs: Iterable[FoundRun]) -> None:
        """Write the index."""
        write_index(self._folder, (found.entry for found in runs if found.entry is not None))

    @changes
    def note_reap(self, exit_code: int) -> None:
        """Write the trace."""
        write_reap_trace(self._folder, exit_code)

    @reads
    def read_holds(self) -> tuple[Hold, ...]:
        """Read the file."""
        return read_holds(self._folder)

    @changes
    def save_holds(self, holds: Iterable[Hold]) -> None:
        """Write the file."""
        write_holds(self._folder, holds)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait_for_lock(take: Callable[[], None], limit_seconds: float, who: str) -> None:
    deadline = clock.read_seconds_since_boot() + limit_seconds
    while True:
        try:
            take()
        except OSError as error:
            if error.errno not in {errno.EAGAIN, errno.EACCES}:
                raise
        else:
            return
        if clock.read_seconds_since_boot() >= deadline:
            raise NotNowError(
                f"{who} (waited {limit_seconds:g} s, [run] lock_timeout_seconds)",
                next_step="look at the log file; try again",
            )
        clock.sleep_seconds(_LOCK_PAUSE_SECONDS)


def cannot_write(folder: str, error: OSError) -> StateError:
    """Give the error for a state folder that takes nothing."""
    return StateError(
        f"{folder}: the state folder cannot be written: {error.strerror}",
        next_step="make room or mend it: no snapshot is made without its record on disk",
    )
