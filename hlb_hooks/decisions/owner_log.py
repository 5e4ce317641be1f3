"""The verdict of the backup client's log: pure, from its lines alone.

A line of avtar's log is ``2019-10-03 09:50:11 avtar Info <5314>: Command completed (1 warning, exit
code 0: success)``, or ``Command failed (...)``; that it is the log's last word is what real logs
show (Avamar 7.5; Dell KB 000164132). The numbers changed between the versions, so the text counts.
What the hooks said stands between such lines as they said it, and never looks like one. Of the
complaint about a file only the tail is known (the 2009 talk): ``"...-flat.vmdk" (code 16: Device
or resource busy).``; so every warning or error that holds a file's path counts as one about it.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

_LINE = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S+ (?P<severity>Info|Warning|Error|FATAL) <\d+>: (?P<text>.*)"
)
_VERDICT = re.compile(r"Command (completed|failed)\b")
# A client's part of a log begins with one of these; <5008>, "Logging to", stands between them.
_BEGINNING = re.compile(r"-+ *START \S+ log |.* <\d+>: Command Line: ")
_HEAD = "Logging to "


@dataclass(frozen=True)
class LogVerdict:
    """What a client's log says at its end.

    ``last_word`` is its verdict, without the date; empty: the client never came to one.
    ``complaints`` are those of its warnings and errors that name one of the files asked for.
    """

    last_word: str
    is_completed: bool
    complaints: tuple[str, ...]

    def find_complaint(self, names: Collection[str]) -> str:
        """Give the first complaint that holds one of a file's ``names``, or nothing."""
        return next((text for text in self.complaints if any(name in text for name in names)), "")


def read_verdict(lines: Iterable[str], names: Collection[str]) -> LogVerdict:
    """Read a log from where one run began, for what it says of files by ``names``."""
    last_word = ""
    is_completed = False
    complaints: list[str] = []
    is_begun = False
    for line in lines:
        if _BEGINNING.match(line):
            if is_begun:
                break  # from here on it is another client's, who writes to the same file
            continue
        match = _LINE.match(line)
        if match is None:
            continue
        text = match["text"]
        # The head may come late: a client writes it before its hook runs, or has it in a buffer.
        is_begun = is_begun or not text.startswith(_HEAD)
        verdict = _VERDICT.match(text)
        if verdict is not None:
            last_word, is_completed = text, verdict[1] == "completed"
        elif match["severity"] != "Info" and any(name in text for name in names):
            complaints.append(text)
    return LogVerdict(last_word, is_completed, tuple(complaints))
