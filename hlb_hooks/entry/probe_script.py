"""The inert hook: it writes down what the client does to it, and touches nothing else."""

import os
import signal
import sys
import time
import warnings
from types import FrameType

from hlb_hooks.effects import processes
from hlb_hooks.effects.call_facts import describe_call
from hlb_hooks.effects.owner_log import find_log_path
from hlb_hooks.effects.probe_records import ProbeRecord, begin_record, read_settings
from hlb_hooks.effects.probe_watchers import start_watchers
from hlb_hooks.effects.processes import ProcessIdentity

_LINES = 3
_PAUSE_SECONDS = 1.0
_LOG_POLL_SECONDS = 0.1
_HEARTBEAT_SECONDS = 10.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1)


def main(hook: str, folder: str) -> int:
    """Stand in for ``hook``; what is seen goes into ``folder``. Give the exit code it was told."""
    # Of the watchers: they are not waited for.
    warnings.simplefilter("ignore", ResourceWarning)
    settings = read_settings(folder)
    record = begin_record(folder, hook)
    record.note("called", hook=hook, **describe_call(sys.argv[1:], os.environ))
    _note_signals(record)
    client = processes.find_ancestor(settings.owner)
    me = processes.identify_process(os.getpid())
    watched = client or processes.identify_process(os.getppid())
    words = processes.read_arguments(client.pid) if client else ()
    record.note("client", found=client is not None, pid=client.pid if client else 0)
    if me is not None and watched is not None:
        start_watchers(record.path, me, watched)
    _speak(record, hook, _locate_log(client, find_log_path(words)))
    _stay(record, settings.stay_seconds)
    record.note("leaving", exit_code=settings.exit_code)
    return settings.exit_code


def _note_signals(record: ProbeRecord) -> None:
    """Write every signal down, and go on: how long the client waits then is to be seen."""

    def note(number: int, _frame: FrameType | None) -> None:
        record.note("signal", name=signal.Signals(number).name)

    for number in _SIGNALS:
        signal.signal(number, note)
    # A listener that is gone is to be seen too, and not to end this process.
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)


def _speak(record: ProbeRecord, hook: str, log: str) -> None:
    """Say some lines with a pause after each, and see when the client's log has them."""
    _say(record, 2, f"hlb probe: {hook} on standard error\n")
    for number in range(1, _LINES + 1):
        line = f"hlb probe: {hook}, line {number} of {_LINES}, pid {os.getpid()}\n"
        if not _say(record, 1, line):
            return
        record.note("line", number=number, log=log, in_log=_wait_for_log(log, line.rstrip("\n")))


def _say(record: ProbeRecord, descriptor: int, line: str) -> bool:
    try:
        os.write(descriptor, line.encode("ascii"))
    except OSError as error:
        record.note("unheard", descriptor=descriptor, why=error.strerror)
        return False
    return True


def _wait_for_log(log: str, line: str) -> bool:
    """Tell whether the log had the line before the pause was over."""
    deadline = time.monotonic() + _PAUSE_SECONDS
    has_it = False
    while time.monotonic() < deadline:
        has_it = has_it or (bool(log) and line in processes.read_text_head(log, 1 << 24))
        time.sleep(_LOG_POLL_SECONDS)
    return has_it


def _locate_log(client: ProcessIdentity | None, path: str) -> str:
    """Give the client's log by its whole path; nothing where it has none."""
    if client is None or not path:
        return ""
    try:
        return os.path.join(processes.read_folder(client.pid), path)
    except OSError:
        return ""


def _stay(record: ProbeRecord, seconds: float) -> None:
    begun = time.monotonic()
    while (left := begun + seconds - time.monotonic()) > 0:
        record.note("staying", seconds=round(time.monotonic() - begun))
        time.sleep(min(left, _HEARTBEAT_SECONDS))
