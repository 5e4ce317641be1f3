"""What the demo shows: headings, avtar's log as it comes, and proofs. Colour only on a terminal."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_BOLD, _DIM, _RED, _GREEN, _RESET = "\033[1m", "\033[2m", "\033[31m", "\033[32m", "\033[0m"


class Screen:
    """Writes to standard output and remembers the proofs that failed.

    The lab's folder is left out of every path, so that they read as on a host.
    """

    def __init__(self, folder: Path) -> None:
        """Take the lab's folder. Colour is for a terminal, and not against NO_COLOR."""
        self._folder = str(folder)
        self._has_colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        self.failed_proofs: list[str] = []
        self.proof_count = 0

    def say(self, text: str = "") -> None:
        """Write one line."""
        self._write(text, "")

    def announce(self, text: str) -> None:
        """Write the heading of a part."""
        self._write(f"\n== {text}", _BOLD)

    def prove(self, claim: str, *, holds: bool) -> None:
        """Write a claim with what checking it gave, and keep count."""
        self.proof_count += 1
        if not holds:
            self.failed_proofs.append(claim)
        self._write(f"  [{'proved' if holds else 'FAILED'}] {claim}", _GREEN if holds else _RED)

    def run(self, command: Sequence[str], *, hides: str = "") -> tuple[int, str]:
        """Run a program and show its output as it comes; give its exit code and all of it.

        Of the lines with a file that could not be opened, only those are shown that do not hold
        ``hides``; the others are counted.
        """
        self.say(f"  $ {' '.join(command)}".replace(self._folder, ""))
        lines: list[str] = []
        hidden = 0
        with subprocess.Popen(  # noqa: S603  the lab's own program, by its full path
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None  # noqa: S101  asked for above
            try:
                for line in process.stdout:
                    lines.append(line.decode("utf-8", "replace").rstrip("\n"))
                    if " (code " in lines[-1] and hides and hides not in lines[-1]:
                        hidden += 1
                        continue
                    self._show_line(lines[-1])
            except BaseException:
                # Interrupted: a client that goes on alone would have nobody to read it.
                process.terminate()
                raise
        if hidden:
            self._write(f"  | ({hidden} more files that could not be opened)", _DIM)
        return process.returncode, "\n".join(lines)

    def _show_line(self, line: str) -> None:
        is_own = line[:4].isdigit() or line.startswith("-----")
        colour = _RED if " (code " in line else _DIM if is_own else ""
        self._write(f"  | {line}", colour)

    def _write(self, text: str, colour: str) -> None:
        shown = text.replace(self._folder, "")
        sys.stdout.write(
            f"{colour}{shown}{_RESET}\n" if colour and self._has_colour else f"{shown}\n"
        )
        sys.stdout.flush()
