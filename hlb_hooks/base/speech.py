"""The hooks' voice: lines on stdout, which avtar copies raw into its log.

A closed stdout never stops the work, no line can be taken for one of avtar's own, and whatever a
host or a guest put into a name leaves as printable text.
"""

import os
import re
import select
from collections.abc import Callable

from hlb_hooks.base.catalogue import LANGUAGES, TEXTS
from hlb_hooks.base.text import escape, make_printable

OK_MARK = "***OK***"
FAILED_MARK = "***FAILED***"
_STDOUT = 1
_ROOM_MILLISECONDS = 1000
_SENTENCES = frozenset({"text", "message"})
# 2009-10-07 12:50:34 avtar Info <5916>: ...   and   2019/10/03-09:49:29.42089 [avtar] ...
_LOG_LINE = re.compile(r"\d{4}[-/]\d\d[-/]\d\d[ -]\d\d:\d\d|-{5} +(START|END) avtar|<logheader")


class Speaker:
    """Says lines in one language on the process's standard output, or another descriptor."""

    def __init__(self, language: str = "en", descriptor: int = _STDOUT) -> None:
        """Take a language of ``catalogue.LANGUAGES``."""
        self._index = LANGUAGES.index(language)
        self._descriptor = descriptor
        self.is_heard = True
        self.may_give_up: Callable[[], bool] = bool
        """Whether a listener who does not read may be left: when this process is to stop."""

    @property
    def language(self) -> str:
        """The language it speaks."""
        return LANGUAGES[self._index]

    @property
    def has_colour(self) -> bool:
        """Whether it speaks to a terminal that shows colours, to somebody who wants them."""
        is_plain = os.environ.get("TERM", "dumb") == "dumb" or os.environ.get("NO_COLOR")
        return not is_plain and os.isatty(self._descriptor)

    def say(self, key: str, *, indent: int = 0, **words: object) -> None:
        """Say the sentence ``key`` with its placeholders filled; each value is escaped."""
        self.line(self.phrase(key, **words), indent=indent)

    def phrase(self, key: str, **words: object) -> str:
        """Give the sentence ``key`` in this language, with printable values.

        What stands for ``{text}`` or ``{message}`` is a sentence itself, whose names are escaped
        already; everything else is a name as it came, and is escaped here.
        """
        shown = {
            name: (make_printable if name in _SENTENCES else escape)(str(value))
            for name, value in words.items()
        }
        return TEXTS[key][self._index].format(**shown)

    def deed(self, key: str, *, indent: int = 0, **words: object) -> None:
        """Say what is being done, or was. A rehearsal does nothing and so has nothing to say."""
        self.say(key, indent=indent, **words)

    def deed_mark(self, *, is_ok: bool) -> None:
        """Say how what was just done ended."""
        self.mark(is_ok=is_ok)

    def verdict(self, text: str) -> None:
        """Say how something ended."""
        self.line(text)

    def step(self, name: str) -> None:
        """Say the marker of a step: ``--initial_backup--``."""
        self.line(f"--{name}--")

    def mark(self, *, is_ok: bool) -> None:
        """Say ``***OK***`` or ``***FAILED***``."""
        self.line(OK_MARK if is_ok else FAILED_MARK)

    def line(self, text: str, *, indent: int = 0) -> None:
        """Say one line of text that holds nothing unprintable any more."""
        if _LOG_LINE.match(text):
            text = f"hlb: {text}"
        self._write(f"{' ' * indent}{text}\n".encode("utf-8", "backslashreplace"))

    def pass_on(self, data: bytes) -> None:
        """Write a document for a program, as it is."""
        self._write(data)

    def _write(self, data: bytes) -> None:
        poller = select.poll()
        poller.register(self._descriptor, select.POLLOUT)
        while data and self.is_heard:
            if not poller.poll(_ROOM_MILLISECONDS):
                # The pipe is full: whoever reads it is slow, or does not read at all.
                self.is_heard = not self.may_give_up()
                continue
            try:
                # A pipe that is ready takes this much without blocking.
                data = data[os.write(self._descriptor, data[: select.PIPE_BUF]) :]
            except OSError:
                # Nobody listens any more, or the disk behind it is full. The state file and the
                # log have it all, so the work goes on.
                self.is_heard = False


class MuteSpeaker(Speaker):
    """A voice without sound: what it would say is asked for as a document, which it passes on."""

    def line(self, text: str, *, indent: int = 0) -> None:
        """Say nothing."""


class RehearsalSpeaker(Speaker):
    """The voice of a dry run: nothing it says can be taken for something that was done."""

    def deed(self, key: str, *, indent: int = 0, **words: object) -> None:
        """Leave out what is not done: the effects say what would be."""

    def deed_mark(self, *, is_ok: bool) -> None:
        """Leave it out too."""

    def verdict(self, text: str) -> None:
        """Say how something would end."""
        self.line(f"WOULD {text}")
