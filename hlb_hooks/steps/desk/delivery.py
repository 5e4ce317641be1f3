"""What the operator asked for, where they want it: on stdout, or in a file."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from hlb_hooks.base.errors import HlbError
from hlb_hooks.decisions.views.documents import ProblemView
from hlb_hooks.effects.output_file import write_output_file
from hlb_hooks.steps.context import Context
from hlb_hooks.steps.desk.lines import INDENT, Line, Tone, say_lines, write_lines
from hlb_hooks.steps.desk.words import Voice


class Form(StrEnum):
    """In which form it is wanted."""

    TEXT = "text"
    JSON = "json"
    HTML = "html"


@dataclass(frozen=True)
class Wanted:
    """The form, and the absolute path of the file to be written; empty: stdout."""

    form: Form = Form.TEXT
    output: str = ""


def deliver_lines(context: Context, wanted: Wanted, lines: Sequence[Line]) -> None:
    """Say ``lines``, or write them where they are wanted. Raise UsageError."""
    if wanted.output:
        write_output_file(wanted.output, write_lines(lines))
    else:
        say_lines(context.speaker, lines)
        _check_heard(context)


def deliver_data(context: Context, wanted: Wanted, data: bytes) -> None:
    """Write a document where it is wanted. Raise UsageError."""
    if wanted.output:
        write_output_file(wanted.output, data)
    else:
        context.speaker.pass_on(data)
        _check_heard(context)


def _check_heard(context: Context) -> None:
    """Raise HlbError when stdout took not all of it: half a report must not look like one."""
    if not context.speaker.is_heard:
        raise HlbError("stdout was closed, or its disk is full", next_step="say it again")


def tell_problems(problems: Sequence[ProblemView], voice: Voice) -> list[Line]:
    """Give the lines that say what could not be read."""
    lines = []
    for problem in problems:
        for text in problem.message.splitlines():
            lines.append(Line(voice.phrase("warning", text=text), tone=Tone.WARNING))
        if problem.next_step:
            lines.append(Line(voice.phrase("next_step", text=problem.next_step), INDENT))
    return lines
