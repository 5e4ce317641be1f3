"""The file of metrics, in a folder that often belongs to somebody else: node_exporter's."""

from typing import Protocol

from hlb_hooks.base.errors import StateError
from hlb_hooks.effects.effect_kind import changes
from hlb_hooks.effects.published_files import publish_file


class Metrics(Protocol):
    """Where metrics go."""

    @changes
    def publish(self, path: str, text: str) -> None:
        """Put ``text`` in the place of the file ``path``. Raise StateError."""


class MetricsFile:
    """Real files."""

    @changes
    def publish(self, path: str, text: str) -> None:
        """Publish the file."""
        try:
            publish_file(path, text.encode("utf-8"))
        except OSError as error:
            raise StateError(
                f"{path}: the metrics cannot be written: {error.strerror}",
                next_step="mend the folder of [paths] metrics_file, or leave the key out",
            ) from error


class RehearsedMetrics:
    """The metrics of a dry run."""

    @changes
    def publish(self, path: str, text: str) -> None:
        """Write nothing."""
