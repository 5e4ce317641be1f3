"""The file of metrics, in a folder that often belongs to somebody else: node_exporter's."""

import contextlib
import os
import re
from typing import Protocol

from hlb_hooks.base.errors import StateError
from hlb_hooks.effects.effect_kind import changes

# Whoever collects the metrics is not root.
_MODE = 0o644


class Metrics(Protocol):
    """Where metrics go."""

    @changes
    def publish(self, path: str, text: str) -> None:
        """Put ``text`` in the place of the file ``path``. Raise StateError."""


class MetricsFile:
    """Real files."""

    @changes
    def publish(self, path: str, text: str) -> None:
        """Write beside it, then rename: a collector finds the old text or the new one, whole.

        The folder's owner may put links in the way: none is followed. Of two who publish at once
        either may win.
        """
        beside = f"{path}.{os.getpid()}.new"
        try:
            _remove_left(path)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            descriptor = os.open(beside, flags, _MODE)
            try:
                os.fchmod(descriptor, _MODE)  # whatever the umask
                with open(descriptor, "wb", closefd=False) as file:
                    file.write(text.encode("utf-8"))
            finally:
                os.close(descriptor)
            os.replace(beside, path)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.unlink(beside)
            raise StateError(
                f"{path}: the metrics cannot be written: {error.strerror}",
                next_step="mend the folder of [paths] metrics_file, or leave the key out",
            ) from error


class RehearsedMetrics:
    """The metrics of a dry run."""

    @changes
    def publish(self, path: str, text: str) -> None:
        """Write nothing."""


def _remove_left(path: str) -> None:
    """Remove what writers left that were killed, among them one that had this process's pid."""
    folder, name = os.path.split(path)
    left = re.compile(rf"{re.escape(name)}\.([0-9]{{1,9}})\.new")
    for entry in os.listdir(folder):
        match = left.fullmatch(entry)
        if match and (int(match[1]) == os.getpid() or not os.path.exists(f"/proc/{match[1]}")):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(folder, entry))
