"""avtar's log: its lines, their numbers and their order, as real logs of 2009 and 2019 have them.

Every line goes to standard output, and to the log file where one is named. A hook's output goes
in between as it comes, without a date before it.
"""

import os
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from hlb_hooks.base.text import escape
from hlb_hooks.lab.files import FILE_MODE

VERSION = "7.5.101-101"
_PLATFORM = "Linux-x86_64"
_STDOUT = 1


class AvtarLog:
    """The log of one run of avtar. Counts its own warnings and errors."""

    def __init__(self, log_file: Path | None) -> None:
        """Open ``log_file`` for appending, if there is one."""
        # Nothing is buffered: a signal's handler may write a line in the middle of another's.
        self._targets = [_STDOUT]
        if log_file:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            self._targets.append(os.open(log_file, flags, FILE_MODE))
        self._started = _read_local_time()
        self.warnings = 0
        self.error_numbers: list[int] = []

    def __enter__(self) -> Self:
        """Write the header and give the log itself."""
        self._write_line(
            f"-----  START avtar log {_format_time(self._started)}  [{VERSION} {_PLATFORM}]"
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Write the footer and close the file."""
        errors = len(self.error_numbers)
        self._write_line(
            f"----- END avtar log {_format_time(_read_local_time())}  "
            f"({_count(self.warnings, 'warning')}, {_count(errors, 'error')}, 0 fatal errors)"
        )
        for target in self._targets[1:]:
            os.close(target)

    def info(self, number: int, text: str) -> None:
        """Write an ``Info`` line."""
        self._write_message("Info", number, text)

    def warn(self, number: int, text: str) -> None:
        """Write a ``Warning`` line and count it."""
        self.warnings += 1
        self._write_message("Warning", number, text)

    def fail(self, number: int, text: str) -> None:
        """Write an ``Error`` line and count it."""
        self.error_numbers.append(number)
        self._write_message("Error", number, text)

    def fail_fatally(self, number: int, text: str) -> None:
        """Write a ``FATAL`` line; the process ends right after it."""
        self._write_message("FATAL", number, text)

    def write_raw(self, data: bytes) -> None:
        """Write a hook's output as it is."""
        for target in self._targets:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(target, rest) :]

    def write_verdict(self, exit_code: int, meaning: str) -> None:
        """Write the lines that say how the command ended; the last but the footer."""
        errors = len(self.error_numbers)
        if errors:
            numbers = ", ".join(str(number) for number in self.error_numbers)
            self.info(6149, f"Error summary: {_count(errors, 'error')}: {numbers}")
        now = _read_local_time()
        minutes, seconds = divmod(int((now - self._started).total_seconds()), 60)
        hours, minutes = divmod(minutes, 60)
        elapsed = f"{hours:04}h:{minutes:02}m:{seconds:02}s"
        self.info(7883, f"Finished at {_format_time(now)}, Elapsed time: {elapsed}")
        self.info(8468, "Sending wrapup message to parent")
        counts = [_count(errors, "error")] if errors else []
        counts += [_count(self.warnings, "warning")] if self.warnings else []
        counts.append(f"exit code {exit_code}: {meaning}")
        verdict = "Command failed" if exit_code else "Command completed"
        self.info(5314, f"{verdict} ({', '.join(counts)})")

    def _write_message(self, severity: str, number: int, text: str) -> None:
        stamp = _read_local_time().strftime("%Y-%m-%d %H:%M:%S")
        self._write_line(f"{stamp} avtar {severity} <{number:04}>: {text}")

    def _write_line(self, text: str) -> None:
        self.write_raw(os.fsencode(text) + b"\n")


def format_local_now() -> str:
    """Give the present local time with its zone, as avtar writes it inside a line."""
    return _format_time(_read_local_time())


def format_size(size_bytes: int) -> str:
    """Give a size as avtar does: ``5.609 KB``, ``60.00 GB``; four digits in all."""
    if size_bytes < 1024:
        return f"{size_bytes} bytes"
    size = size_bytes / 1024
    units = ["KB", "MB", "GB", "TB"]
    while size >= 1024 and len(units) > 1:
        size /= 1024
        units.pop(0)
    decimals = 3 if size < 10 else 2 if size < 100 else 1
    return f"{size:.{decimals}f} {units[0]}"


def quote_path(path: Path) -> str:
    """Give a path in double quotes, on one line whatever it holds."""
    return f'"{escape(str(path))}"'


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _read_local_time() -> datetime:
    return datetime.now().astimezone()


def _format_time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S %Z")
