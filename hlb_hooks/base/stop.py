"""A request to stop, as a signal makes it: nothing new is started, what is under way is kept."""

import signal
import threading
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class StopRequest:
    """Whether somebody asked this process to stop, and by which signal."""

    def __init__(self) -> None:
        """Nobody has asked yet."""
        self._event = threading.Event()
        self.signal: signal.Signals | None = None

    def listen(self) -> None:
        """Take the signals that mean *stop* from now on. Only the main thread may call this."""
        for number in SIGNALS:
            signal.signal(number, self._ask)

    @property
    def is_asked(self) -> bool:
        """Whether to stop."""
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait, or return True at once when asked to stop."""
        return self._event.wait(seconds)

    def _ask(self, number: int, _frame: FrameType | None) -> None:
        self.signal = signal.Signals(number)
        self._event.set()
