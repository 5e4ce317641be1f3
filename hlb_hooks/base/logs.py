"""The log file: JSON events, one a line, by structlog. Configured once, by the entry point.

Event names are short and stable; ``run``, ``job``, ``hook`` and ``vm`` are bound as context.
"""

import os
from typing import IO, Any, Protocol

_MODE = 0o600


class Log(Protocol):
    """What the package uses of a structlog logger."""

    def bind(self, **context: Any) -> "Log":
        """Give a logger whose events carry ``context`` too."""

    def info(self, event: str, **details: Any) -> Any:
        """Write an event of the normal course."""

    def warning(self, event: str, **details: Any) -> Any:
        """Write an event that somebody may have to look at."""

    def error(self, event: str, **details: Any) -> Any:
        """Write an event that needs a hand."""

    def exception(self, event: str, **details: Any) -> Any:
        """Write a defect with its traceback."""


class NoLog:
    """The log of a dry run, whose file does not grow, and of a hook that cannot open its file."""

    def bind(self, **context: Any) -> "NoLog":  # noqa: ARG002
        """Give itself."""
        return self

    def info(self, event: str, **details: Any) -> None:
        """Write nothing."""

    warning = error = exception = info


def open_log(path: str, **context: Any) -> Log:
    """Give the log at ``path``. Raise OSError when it cannot be opened for appending."""
    import structlog  # 60 ms, and a dry run has no log

    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, _MODE)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=lambda *_: _LineWriter(os.fdopen(descriptor, "ab", buffering=0)),
        cache_logger_on_first_use=False,
    )
    log: Log = structlog.get_logger().bind(pid=os.getpid(), **context)
    return log


class _LineWriter:
    """Writes one event with one call, so that the lines of several processes do not mix.

    A full disk costs the event, not the work: the state file is what the work depends on.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def msg(self, message: str) -> None:
        try:
            self._file.write(message.encode("utf-8", "backslashreplace") + b"\n")
        except OSError:
            return  # a full disk: the state file and stdout say it too

    debug = info = warning = error = critical = exception = msg
