"""The log file: JSON events, one a line, by structlog. Configured once, by the entry point.

Event names are short and stable; ``run``, ``job``, ``hook`` and ``vm`` are bound as context.
"""

import os
from collections.abc import Mapping
from typing import Any, Protocol

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
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, _MODE)
    return _FileLog(descriptor, {"pid": os.getpid(), **context})


class _FileLog:
    """A log whose structlog is imported with its first event.

    That takes several times as long as a bare start of Python, and before its first event a hook
    waits for the host, and for a guard, which has yet to come to its own.
    """

    def __init__(self, descriptor: int, context: Mapping[str, Any]) -> None:
        self._descriptor = descriptor
        self._context = context
        self._logger: Log | None = None

    def bind(self, **context: Any) -> "_FileLog":
        return _FileLog(self._descriptor, {**self._context, **context})

    def info(self, event: str, **details: Any) -> None:
        self._open().info(event, **details)

    def warning(self, event: str, **details: Any) -> None:
        self._open().warning(event, **details)

    def error(self, event: str, **details: Any) -> None:
        self._open().error(event, **details)

    def exception(self, event: str, **details: Any) -> None:
        self._open().exception(event, **details)

    def _open(self) -> Log:
        if self._logger is None:
            self._logger = _make_logger(self._descriptor, self._context)
        return self._logger


def _make_logger(descriptor: int, context: Mapping[str, Any]) -> Log:
    import structlog

    log: Log = structlog.wrap_logger(
        _LineWriter(descriptor),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        cache_logger_on_first_use=False,
        **context,
    )
    return log


class _LineWriter:
    """Writes one event with one call, so that the lines of several processes do not mix.

    A full disk costs the event, not the work: the state file is what the work depends on.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def msg(self, message: str) -> None:
        try:
            os.write(self._descriptor, message.encode("utf-8", "backslashreplace") + b"\n")
        except OSError:
            return  # a full disk: the state file and stdout say it too

    debug = info = warning = error = critical = exception = msg
