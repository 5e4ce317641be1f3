"""The reports of runs, left as files for who comes in the morning: [paths] report_dir."""

import contextlib
import os
from collections.abc import Mapping
from typing import Protocol

from hlb_hooks.base.errors import StateError
from hlb_hooks.effects.effect_kind import changes, reads
from hlb_hooks.effects.published_files import publish_file

ENDINGS = (".html", ".json")
_NEXT_STEP = "mend the folder of [paths] report_dir, or leave the key out"


class Reports(Protocol):
    """Where reports go."""

    @changes
    def leave(self, folder: str, run: str, reports: Mapping[str, bytes]) -> None:
        """Put the reports of a run, by the endings of their names, there. Raise StateError."""

    @changes
    def drop(self, folder: str, run: str) -> None:
        """Delete the reports of a run, if there are any. Raise StateError."""


class ReportFiles:
    """Real files."""

    @changes
    def leave(self, folder: str, run: str, reports: Mapping[str, bytes]) -> None:
        """Publish each; the folder must be there, as it may be a mount that is away."""
        for ending, data in reports.items():
            path = os.path.join(folder, run + ending)
            try:
                publish_file(path, data)
            except OSError as error:
                raise StateError(
                    f"{path}: the report cannot be written: {error.strerror}", next_step=_NEXT_STEP
                ) from error

    @changes
    def drop(self, folder: str, run: str) -> None:
        """Delete the files."""
        for ending in ENDINGS:
            path = os.path.join(folder, run + ending)
            try:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)
            except OSError as error:
                raise StateError(
                    f"{path}: the report cannot be deleted: {error.strerror}", next_step=_NEXT_STEP
                ) from error


class RehearsedReports:
    """The reports of a dry run."""

    @changes
    def leave(self, folder: str, run: str, reports: Mapping[str, bytes]) -> None:
        """Write nothing."""

    @changes
    def drop(self, folder: str, run: str) -> None:
        """Delete nothing."""


@reads
def takes_reports(folder: str) -> bool:
    """Tell whether files can be put into ``folder``."""
    return os.path.isdir(folder) and os.access(folder, os.W_OK | os.X_OK)
