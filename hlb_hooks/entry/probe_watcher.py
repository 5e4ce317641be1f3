"""A process that an inert hook leaves behind: it writes down who ends, and whether it may live."""

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from types import FrameType

from hlb_hooks.effects import processes
from hlb_hooks.effects.probe_records import ProbeRecord
from hlb_hooks.effects.probe_watchers import KINDS, read_identity

_POLL_SECONDS = 0.5
_AFTERWARDS_SECONDS = 5.0
_LONGEST_SECONDS = 7 * 24 * 3600.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)


def main(argv: Sequence[str] | None = None) -> int:
    """Watch until hook and client are gone, and a little longer. A signal ends it, noted."""
    parser = argparse.ArgumentParser(prog="hlb-probe-watcher")
    parser.add_argument("--record", required=True)
    parser.add_argument("--kind", required=True, choices=KINDS)
    parser.add_argument("--hook", required=True, type=read_identity)
    parser.add_argument("--client", required=True, type=read_identity)
    arguments = parser.parse_args(argv)
    record, kind = ProbeRecord(arguments.record), arguments.kind

    def end(number: int, _frame: FrameType | None) -> None:
        record.note("watcher_signal", kind=kind, name=signal.Signals(number).name)
        sys.exit(0)

    for number in _SIGNALS:
        signal.signal(number, end)
    record.note("watching", kind=kind)
    deadline = time.monotonic() + _LONGEST_SECONDS
    for name in ("hook", "client"):
        while processes.is_alive(getattr(arguments, name)) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        record.note(f"{name}_gone", kind=kind)
    # Whoever cleans up behind itself has done so by then.
    time.sleep(_AFTERWARDS_SECONDS)
    record.note("watch_over", kind=kind)
    return 0


if __name__ == "__main__":
    sys.exit(main())
