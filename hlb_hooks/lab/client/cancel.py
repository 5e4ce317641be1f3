"""A cancel: SIGTERM stands for the word of the server, which cancels what exceeds its window.

From real logs (Dell KB 000064105) the lines and the watchdog are known: a canceled command ends in
stages, and 600 s later at the latest it is ended. What the real client runs meanwhile is not.
"""

import contextlib
import os
import select
import signal
import subprocess
from types import FrameType
from typing import NoReturn

from hlb_hooks.lab.client.lab_options import Behaviour
from hlb_hooks.lab.client.log import AvtarLog

WATCHDOG_EXIT_CODE = 163


class CanceledError(Exception):
    """The command was canceled while it read or wrote."""


class Cancellation:
    """Whether this command is canceled; what it runs then is killed when its time is over."""

    def __init__(self, log: AvtarLog, behaviour: Behaviour) -> None:
        """Listen for SIGTERM from now on."""
        self.is_asked = False
        self._log = log
        self._behaviour = behaviour
        self._running: subprocess.Popen[bytes] | None = None
        self._waking, self._to_wake = os.pipe()
        signal.signal(signal.SIGALRM, self._end_by_watchdog)
        signal.signal(signal.SIGTERM, self._begin)

    def raise_if_asked(self) -> None:
        """Raise CanceledError when this command is canceled."""
        if self.is_asked:
            raise CanceledError

    def sleep(self, seconds: float) -> None:
        """Wait for ``seconds``; raise CanceledError as soon as the command is canceled."""
        if seconds:
            select.select([self._waking], [], [], seconds)
        self.raise_if_asked()

    def watch(self, process: subprocess.Popen[bytes] | None) -> None:
        """Take the process that is to be killed by the watchdog, or None for none."""
        self._running = process

    def kill_running(self) -> None:
        """Kill the process that runs now, if any; with its group, if that is chosen."""
        if self._running is None:
            return
        if self._behaviour.kills_group:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._running.pid, signal.SIGKILL)
        else:
            self._running.kill()

    def end_watchdog(self) -> None:
        """Take back the watchdog: what is left to do takes no time."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.setitimer(signal.ITIMER_REAL, 0)

    def enter_final_phase(self) -> None:
        """Say that the stages are over."""
        # The rest of this line is not known.
        self._log.info(0, "Entering the 'final' phase of termination")

    def _begin(self, _number: int, _frame: FrameType | None) -> None:
        if self.is_asked:
            return
        self.is_asked = True
        signal.setitimer(signal.ITIMER_REAL, max(self._behaviour.watchdog_seconds, 1e-6))
        os.write(self._to_wake, b"!")
        self._log.info(7061, "Canceled by 'MCS' - exiting...")
        self._log.info(
            9772,
            "Starting graceful (staged) termination, Process cancel request from MCS "
            "(wrap-up stage)",
        )

    def _end_by_watchdog(self, _number: int, _frame: FrameType | None) -> NoReturn:
        self.enter_final_phase()
        self.kill_running()
        self._log.fail_fatally(
            12477,
            f"WATCHDOG TIMEOUT (cancellation exceeded {self._behaviour.watchdog_seconds:g} secs):"
            f" Exiting with code={WATCHDOG_EXIT_CODE}",
        )
        os._exit(WATCHDOG_EXIT_CODE)
