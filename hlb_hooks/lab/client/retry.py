"""A failed command begun again: by the same process, or by a new one as a scheduler would.

Whether Avamar does either is not known; hooks have to live with both. A new process is started by
one that stands for avagent and lives as long as the last of them.
"""

import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from hlb_hooks.lab.client.cancel import WATCHDOG_EXIT_CODE
from hlb_hooks.lab.client.session import Outcome

_CANCELED = b"canceled"


def name_process(name: str) -> None:
    """Give this process a name of its own, as ``ps`` and the hooks see it.

    A kernel before 2.6.33 cannot be asked; a script's process bears the script's name there too.
    """
    with contextlib.suppress(FileNotFoundError):
        Path("/proc/self/comm").write_text(name, "ascii")


def run_with_retries(run: Callable[[], Outcome], retries: int, *, in_new_process: bool) -> int:
    """Run a command, and again while it fails, ``retries`` times at most; give its exit status.

    What was canceled is not begun again.
    """
    if in_new_process and retries:
        name_process("avagent")
        run_once = _make_runner_in_child(run)
    else:
        run_once = run
    for _ in range(retries):
        outcome = run_once()
        if outcome.code == 0 or outcome.is_canceled:
            return outcome.exit_status
    return run_once().exit_status


def _make_runner_in_child(run: Callable[[], Outcome]) -> Callable[[], Outcome]:
    def run_in_child() -> Outcome:
        reading, writing = os.pipe()
        # A signal between here and the handlers of both must wait.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        child = os.fork()
        if child == 0:
            os.close(reading)
            _become_command(run, writing)
        os.close(writing)

        def forward(number: int, _frame: FrameType | None) -> None:
            os.kill(child, number)

        signal.signal(signal.SIGTERM, forward)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        with os.fdopen(reading, "rb") as pipe:
            is_canceled = pipe.read() == _CANCELED
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        is_canceled = is_canceled or code == WATCHDOG_EXIT_CODE
        return Outcome(code if code >= 0 else 128 - code, is_canceled)

    return run_in_child


def _become_command(run: Callable[[], Outcome], writing: int) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    status = 1
    try:
        name_process("avtar")
        outcome = run()
        if outcome.is_canceled:
            os.write(writing, _CANCELED)
        status = outcome.exit_status
    finally:
        os._exit(status)
