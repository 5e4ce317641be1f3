"""A request to stop, as a signal makes it: nothing new is started, what is under way is kept."""

import os
import select
import signal
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class StopRequest:
    """Whether somebody asked this process to stop, and by which signal.

    The handler takes no lock: it may run while this very thread holds it. It sets an attribute
    and writes one byte, which wakes whoever waits.
    """

    def __init__(self) -> None:
        """Nobody has asked yet."""
        self.signal: signal.Signals | None = None
        self._pipe: tuple[int, int] | None = None

    def listen(self) -> None:
        """Take the signals that mean *stop* from now on. Only the main thread may call this."""
        self._pipe = os.pipe()
        os.set_blocking(self._pipe[1], False)
        for number in SIGNALS:
            signal.signal(number, self._ask)

    @property
    def is_asked(self) -> bool:
        """Whether to stop."""
        return self.signal is not None

    def wait(self, seconds: float) -> bool:
        """Wait, or return True at once when asked to stop."""
        if not self.is_asked:
            # The byte is never read: once asked, every later wait returns at once too.
            select.select([self._pipe[0]] if self._pipe else [], [], [], seconds)
        return self.is_asked

    def _ask(self, number: int, _frame: FrameType | None) -> None:
        self.signal = signal.Signals(number)
        if self._pipe is not None:
            try:
                os.write(self._pipe[1], b"!")
            except BlockingIOError:
                return  # asked thousands of times: it is awake
