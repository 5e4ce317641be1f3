"""Lines for an operator's eye: with colour on a terminal, and plain everywhere else."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from hlb_hooks.base.speech import Speaker

INDENT = 4
_RESET = "\033[0m"


class Tone(Enum):
    """What a line is about, and the terminal's code for it; the words say it too."""

    PLAIN = ""
    HEAD = "\033[1m"
    BAD = "\033[31m"
    WARNING = "\033[33m"
    GOOD = "\033[32m"
    QUIET = "\033[2m"


@dataclass(frozen=True)
class Line:
    """One line of printable text."""

    text: str
    indent: int = 0
    tone: Tone = Tone.PLAIN


def say_lines(speaker: Speaker, lines: Iterable[Line]) -> None:
    """Say ``lines`` on stdout."""
    for line in lines:
        speaker.line(_paint(line) if speaker.has_colour else line.text, indent=line.indent)


def write_lines(lines: Iterable[Line]) -> bytes:
    """Give ``lines`` as the content of a file."""
    return "".join(f"{' ' * line.indent}{line.text}\n" for line in lines).encode(
        "utf-8", "backslashreplace"
    )


def _paint(line: Line) -> str:
    return f"{line.tone.value}{line.text}{_RESET}" if line.tone.value else line.text
