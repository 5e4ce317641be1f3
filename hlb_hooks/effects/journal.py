"""A run being lived: its state file and, beside it, what the records so far add up to.

Two ways to put something down. ``record`` is for what must be on disk before the next step, an
intent above all: it raises when it cannot. ``note`` never does: a full disk or a read-only state
folder is reported at the end and never a reason to leave a snapshot open.
"""

import threading
from collections.abc import Iterable
from typing import Protocol

from hlb_hooks.base.errors import StateError
from hlb_hooks.effects.effect_kind import changes
from hlb_hooks.effects.records import Flag, Record, make_record
from hlb_hooks.effects.run_story import Run, tell_run
from hlb_hooks.effects.state_file import StateFile


class Journal(Protocol):
    """What a step needs of a run: its story, and ways to add to it."""

    run: Run
    unwritten: list[str]
    path: str
    is_on_disk: bool

    @changes
    def record(self, *records: Record) -> None:
        """Put records down, or raise StateError: what follows depends on them."""

    @changes
    def note(self, flag: Flag, vmx: str | None = None, **details: str) -> None:
        """Put a record down if that can be done; the story has it either way."""

    @changes
    def end(self) -> bool:
        """Put the run's end down, if nothing of it is left to settle; tell whether."""

    def close(self) -> None:
        """Let others act for the run."""


class WrittenJournal:
    """The journal of a real run: the holder of the state file's lock writes it."""

    is_on_disk = True

    def __init__(self, run: Run, state_file: StateFile) -> None:
        """Take a run and its locked state file."""
        self.run = run
        self.unwritten: list[str] = []
        self.path = state_file.path
        self._state_file = state_file
        self._turn = threading.Lock()

    @changes
    def record(self, *records: Record) -> None:
        """Put records on disk, then in the story. Raise StateError."""
        with self._turn:
            if self.run.is_ended:
                raise StateError(
                    f"{self.path}: the run has ended, nothing more is begun",
                    next_step="start the backup again; see [run] start_budget_seconds",
                )
            self._state_file.append(records)
            self._apply(records)

    @changes
    def note(self, flag: Flag, vmx: str | None = None, **details: str) -> None:
        """Put a record down if the disk takes it; never raises for what the disk does."""
        with self._turn:
            self._note(make_record(flag, vmx, **details))

    @changes
    def end(self) -> bool:
        """End the run unless a thread of this process has just begun something."""
        with self._turn:
            if self.run.unsettled_vms:
                return False
            if not self.run.is_ended:
                self._note(make_record(Flag.ENDED))
            return True

    def _note(self, record: Record) -> None:
        try:
            self._state_file.append([record])
        except StateError as error:
            self.unwritten.append(error.message)
        self._apply([record])

    def _apply(self, records: Iterable[Record]) -> None:
        for record in records:
            self.run.apply(record)

    def close(self) -> None:
        """Give the run's lock back, once nobody is writing."""
        with self._turn:
            self._state_file.close()


class MemoryJournal:
    """A journal in memory alone: of a dry run, or where the state folder takes nothing more."""

    is_on_disk = False

    def __init__(self, run: Run, path: str) -> None:
        """Take a run and the path its state file would have."""
        self.run = run
        self.records: list[Record] = []
        """All that the state file would hold; of a run that was taken over, what is new."""
        self.unwritten: list[str] = []
        self.path = path

    @changes
    def record(self, *records: Record) -> None:
        """Add records to the story alone."""
        for record in records:
            self._add(record)

    @changes
    def note(self, flag: Flag, vmx: str | None = None, **details: str) -> None:
        """Add a record to the story alone."""
        self._add(make_record(flag, vmx, **details))

    @changes
    def end(self) -> bool:
        """End the run in the story alone."""
        if self.run.unsettled_vms:
            return False
        self._add(make_record(Flag.ENDED))
        return True

    def close(self) -> None:
        """Nothing was opened."""

    def _add(self, record: Record) -> None:
        self.run.apply(record)
        self.records.append(record)


def keep_in_memory(path: str, records: Iterable[Record]) -> MemoryJournal:
    """Give the journal of a run that is written nowhere; ``path`` is where it would be."""
    kept = tuple(records)
    run = tell_run(kept, path)
    if run is None:
        raise AssertionError("a run begins with its head")
    journal = MemoryJournal(run, path)
    journal.records += kept
    return journal
