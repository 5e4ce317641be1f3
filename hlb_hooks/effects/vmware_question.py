"""The question a VM waits with, as ``vmware-cmd answer`` puts it on a terminal.

vmware-cmd2, a re-implementation, has ``Question (id = N) :text``, a line ``<tab>key) label`` for
each choice, and ``Select choice. Press enter for default <N> : ``. What the console's own script
prints is not known to the letter: a choice is any line that begins with a key and one of ``) . :``
and the prompt whatever comes last. Pressing enter takes the default: nothing is ever sent blindly.
"""

import re
from dataclasses import dataclass

from hlb_hooks.base.errors import HostError
from hlb_hooks.base.text import escape

_CHOICE = re.compile(r"^[ \t]*(\d{1,3})[).:][ \t]*(\S.*?)[ \t]*$", re.MULTILINE)
_PROMPT = re.compile(r"(?:[Ss]elect|[Cc]hoice|default).*[:>?] *$")
_HEAD = re.compile(r"^\s*Question \(id = ([^)]*)\) ?:", re.MULTILINE)
# Where the prompt is not known for one, silence after the choices is.
_QUIET_SECONDS = 2.0


class UnansweredError(HostError):
    """The VM asks something that is not for a program to answer."""


@dataclass(frozen=True)
class Question:
    """What is asked, in one line, and the choices as pairs of key and label."""

    text: str
    choices: tuple[tuple[str, str], ...]


def read_question(printed: str, quiet_seconds: float) -> Question | None:
    """Read what a terminal shows; None as long as more may come.

    ``quiet_seconds`` is how long ago the last of it was printed.
    """
    shown = printed.replace("\r", "")
    matches = list(_CHOICE.finditer(shown))
    if not matches:
        return None
    rest = shown[matches[-1].end() :]
    if not _PROMPT.search(rest) and quiet_seconds < _QUIET_SECONDS:
        return None
    text = _HEAD.sub("", shown[: matches[0].start()])
    choices = tuple((match[1], match[2]) for match in matches)
    return Question(escape(" ".join(text.split())), choices)
