"""The state folder of a dry run: it is looked at as the real one is used."""

import contextlib
import errno
import os
from collections.abc import Iterable, Iterator

from hlb_hooks.effects.effect_kind import changes, reads
from hlb_hooks.effects.found_runs import FoundRun, FoundRuns, check_folder, find_runs
from hlb_hooks.effects.holds import Hold, read_holds
from hlb_hooks.effects.journal import Journal, MemoryJournal, keep_in_memory
from hlb_hooks.effects.records import Record
from hlb_hooks.effects.run_store import cannot_write, state_path


class RehearsedStateFolder:
    """The state folder of a dry run: read, and never written or locked."""

    def __init__(self, folder: str) -> None:
        """Take the folder's path; it need not exist."""
        self._folder = folder

    @reads
    def find_runs(self) -> FoundRuns:
        """Read every run in the folder."""
        return find_runs(self._folder)

    @contextlib.contextmanager
    @changes
    def beginning(self, limit_seconds: float) -> Iterator[None]:  # noqa: ARG002
        """Look at what the real hook would meet, and take no lock. Raise as it does."""
        try:
            with contextlib.suppress(FileNotFoundError):
                check_folder(self._folder)
            _check_writable(self._folder)
        except OSError as error:
            raise cannot_write(self._folder, error) from error
        yield

    @changes
    def begin(self, name: str, records: Iterable[Record]) -> Journal:
        """Begin a run that is written nowhere."""
        return keep_in_memory(state_path(self._folder, name), records)

    @changes
    def take_over(self, found: FoundRun, limit_seconds: float) -> Journal:  # noqa: ARG002
        """Go on with a run in memory alone."""
        return MemoryJournal(found.run, found.path)

    @contextlib.contextmanager
    @changes
    def tidying(self) -> Iterator[bool]:
        """Take no lock."""
        yield True

    @changes
    def forget(self, found: FoundRun) -> bool:  # noqa: ARG002
        """Delete nothing."""
        return True

    @changes
    def save_index(self, runs: Iterable[FoundRun]) -> None:
        """Write nothing."""

    @changes
    def note_reap(self, exit_code: int) -> None:
        """Write nothing: nothing was reaped."""

    @reads
    def read_holds(self) -> tuple[Hold, ...]:
        """Read the file, as the real one does."""
        return read_holds(self._folder)

    @changes
    def save_holds(self, holds: Iterable[Hold]) -> None:
        """Write nothing."""


def _check_writable(folder: str) -> None:
    """Raise OSError when nothing can be put into a folder, or, if there is none, above it."""
    while not os.path.exists(folder):
        folder = os.path.dirname(folder)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, "nothing can be written there")
