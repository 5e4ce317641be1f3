"""The state folder: where runs begin, are found again, and are taken over."""

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from hlb_hooks.base import clock
from hlb_hooks.base.errors import ConfigurationError, NotNowError, StateError
from hlb_hooks.effects.effect_kind import changes, reads
from hlb_hooks.effects.journal import Journal, WrittenJournal
from hlb_hooks.effects.records import Record
from hlb_hooks.effects.run_story import Run, tell_run
from hlb_hooks.effects.state_file import StateFile, read_state_file

_SUFFIX = ".state"
_BEGIN_LOCK = "begin.lock"
_LOCK_PAUSE_SECONDS = 0.1


@dataclass(frozen=True)
class FoundRun:
    """A run and the state file it was read from."""

    path: str
    run: Run


@dataclass(frozen=True)
class FoundRuns:
    """What a state folder holds; a file that is damaged or too new is an error beside the rest."""

    runs: tuple[FoundRun, ...]
    errors: tuple[StateError, ...]


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


def state_path(folder: str, run: str) -> str:
    """Give the path of a run's state file."""
    return os.path.join(folder, run + _SUFFIX)


@reads
def find_runs(folder: str) -> FoundRuns:
    """Read every state file of ``folder``, oldest name first; a missing folder holds none."""
    runs: list[FoundRun] = []
    errors: list[StateError] = []
    try:
        check_folder(folder)
        names = sorted(os.listdir(folder))
    except FileNotFoundError:
        return FoundRuns((), ())
    except OSError as error:
        raise ConfigurationError(
            f"{folder}: the state folder cannot be read: {error.strerror}",
            next_step="mend its permissions or the disk it is on",
        ) from error
    for name in names:
        if not name.endswith(_SUFFIX):
            continue
        path = os.path.join(folder, name)
        try:
            run = tell_run(read_state_file(path).records, path)
        except StateError as error:
            errors.append(error)
            continue
        if run is not None:
            runs.append(FoundRun(path, run))
    return FoundRuns(tuple(runs), tuple(errors))


@reads
def check_folder(folder: str) -> None:
    """Return when only we may write in ``folder``.

    What its files say gets snapshots removed, so nobody else may put any there. Raise
    ConfigurationError, or FileNotFoundError where there is no such folder.
    """
    status = os.stat(folder)
    if not stat.S_ISDIR(status.st_mode):
        raise ConfigurationError(
            f"{folder}: [paths] state_dir is not a folder",
            next_step="name a folder that belongs to root, or one that does not exist yet",
        )
    is_shared = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if is_shared or status.st_uid not in {0, os.geteuid()}:
        raise ConfigurationError(
            f"{folder}: [paths] state_dir may be written by others",
            next_step=f"chown root {folder} && chmod 700 {folder}",
        )


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
                f"run {found.run.name} is being settled by another process",
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
