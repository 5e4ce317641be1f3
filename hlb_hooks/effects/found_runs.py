"""What a state folder holds: its runs, those that are finished in short."""

import os
import stat
from dataclasses import dataclass
from datetime import datetime

from hlb_hooks.base import clock
from hlb_hooks.base.errors import ConfigurationError, StateError
from hlb_hooks.effects.effect_kind import reads
from hlb_hooks.effects.owner import Owner
from hlb_hooks.effects.regular_files import read_regular_file
from hlb_hooks.effects.run_digest import RunDigest, digest_run
from hlb_hooks.effects.run_index import IndexEntry, read_index, read_stamp
from hlb_hooks.effects.run_story import Run, tell_run
from hlb_hooks.effects.state_file import read_state_file

SUFFIX = ".state"
# How far back the folder's memory goes: what was deleted had ended by then.
HORIZON_NAME = "forgotten-until"


class FoundRun:
    """A run and its state file. One that is finished is read in full only when that is asked."""

    def __init__(self, path: str, run: Run | None, entry: IndexEntry | None = None) -> None:
        """Take a run as it was read from ``path``, or, of a finished one, its entry alone."""
        self.path = path
        self.entry = entry
        self._run = run

    @property
    def digest(self) -> RunDigest:
        """The run in short, as far as it is now."""
        if self.entry is not None:
            return self.entry.digest
        return digest_run(self.run)

    @property
    def run(self) -> Run:
        """The run in full. Raise StateError when the file is not what it was any more."""
        if self._run is None:
            self._run = _read_run(self.path)
            if self._run is None:
                raise StateError(
                    f"{self.path}: it has changed while it was looked at", next_step="try again"
                )
        return self._run

    @property
    def name(self) -> str:
        """The run's name."""
        return self.entry.digest.name if self.entry else self.run.name

    @property
    def job(self) -> str:
        """The run's job."""
        return self.entry.digest.job if self.entry else self.run.job

    @property
    def owner(self) -> Owner:
        """Whose run it is, or was."""
        return self.entry.digest.owner if self.entry else self.run.owner

    @property
    def begun(self) -> datetime:
        """When the run began."""
        return self.entry.digest.begun if self.entry else self.run.begun

    @property
    def is_ended(self) -> bool:
        """Whether nothing of the run is open any more."""
        return self.entry is not None or self.run.is_ended

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to do for the run."""
        return self.entry is not None or self.run.is_finished


@dataclass(frozen=True)
class FoundRuns:
    """What a state folder holds; a file that is damaged or too new is an error beside the rest.

    State files of runs that had ended by ``forgotten_until`` may have been deleted; None: nothing
    ever was.
    """

    runs: tuple[FoundRun, ...]
    errors: tuple[StateError, ...]
    forgotten_until: datetime | None = None


@reads
def find_runs(folder: str) -> FoundRuns:
    """Look at every state file of ``folder``, oldest name first; a missing folder holds none.

    What the index knows of is not read again, as long as the file is the one that it knows.
    """
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
    index = read_index(folder)
    for name in names:
        if not name.endswith(SUFFIX):
            continue
        path = os.path.join(folder, name)
        try:
            found = _find_run(path, index.get(name))
        except StateError as error:
            # One that is old may have been deleted since the folder was listed.
            if os.path.lexists(path):
                errors.append(error)
            continue
        if found is not None:
            runs.append(found)
    return FoundRuns(tuple(runs), tuple(errors), read_horizon(folder))


@reads
def read_horizon(folder: str) -> datetime | None:
    """Give the moment by which the runs had ended that were deleted; None: none was.

    One that cannot be read counts as now: what is not known is not adopted.
    """
    try:
        text = read_regular_file(os.path.join(folder, HORIZON_NAME), 64).decode("ascii")
        return clock.parse_utc(text.strip())
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return clock.read_utc_now()


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


def _find_run(path: str, known: IndexEntry | None) -> FoundRun | None:
    """Give the run of one state file, None for one killed in its head. Raise StateError."""
    try:
        # Before it is read: an entry must not be newer than what it was made from.
        stamp = read_stamp(path)
    except OSError as error:
        raise StateError(
            f"{path}: cannot be looked at: {error.strerror}", next_step="mend the folder or disk"
        ) from error
    if known is not None and known.stamp == stamp:
        return FoundRun(path, None, known)
    run = _read_run(path)
    if run is None:
        return None
    if run.is_finished:
        # A year of them does not fit into memory.
        return FoundRun(path, None, IndexEntry(os.path.basename(path), stamp, digest_run(run)))
    return FoundRun(path, run)


def _read_run(path: str) -> Run | None:
    return tell_run(read_state_file(path).records, path)
