"""A terminal for a command that asks, and who answers there."""

import queue
import time
from collections.abc import Callable
from typing import TypeAlias

Reply: TypeAlias = Callable[[str, float], str | None]
"""Is handed all that was printed so far and how many seconds ago, and gives a line or None."""

_POLL_SECONDS = 0.1


class Terminal:
    """What a command prints on a terminal of ours, and what is typed there.

    A terminal and no pipe: to a pipe a program may print its question only once it has read the
    answer (seen with Perl, which the console's vmware-cmd is written in).
    """

    def __init__(self, reply: Reply) -> None:
        """Take who gives the line to be typed."""
        self.typed: queue.Queue[str] = queue.Queue()
        self._reply = reply
        self._printed = ""
        self._printed_at = time.monotonic()
        self._question_length = 0

    @property
    def said(self) -> str:
        """What was printed after the line was typed; all of it, if none was."""
        return self._printed[self._question_length :]

    def take(self, text: str) -> None:
        """Note what was printed."""
        self._printed += text
        self._printed_at = time.monotonic()

    def talk(self, is_alive: Callable[[], bool]) -> None:
        """Wait until there is something to be said, say it, and leave the rest to the command.

        Raise whatever the reply raises.
        """
        while is_alive():
            printed = self._printed
            line = self._reply(printed, time.monotonic() - self._printed_at)
            if line is not None:
                self._question_length = len(printed)
                self.typed.put(line + "\n")
                return
            time.sleep(_POLL_SECONDS)
