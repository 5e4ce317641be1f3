"""The guard as a program: ``python -I -m hlb_hooks.entry.guard --state FILE --ready FD``."""

import argparse
import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path

from hlb_hooks.base.errors import HlbError
from hlb_hooks.effects.bundle import make_effects
from hlb_hooks.effects.control_group import leave_control_group
from hlb_hooks.effects.guard_process import say_ready
from hlb_hooks.entry.surroundings import settle_in
from hlb_hooks.steps.context import Context
from hlb_hooks.steps.watch import open_watch

_NAME = "hlb-guard"


def main(argv: Sequence[str] | None = None) -> int:
    """Keep the watch for one run until it is settled. The hook waits for its first word."""
    settle_in()
    parser = argparse.ArgumentParser(prog=_NAME)
    parser.add_argument("--state", required=True)
    parser.add_argument("--ready", required=True, type=int)
    arguments = parser.parse_args(argv)
    # Only `ps` shows it, and a kernel before 2.6.33 has no such file.
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text(_NAME, "ascii")
    leave_control_group()
    context = Context("guard", make_effects("en", may_change=True))
    context.stop.listen()
    try:
        watch = open_watch(context, arguments.state)
    except HlbError as error:
        context.open_log(context.log_file)
        context.log.error("guard_not_started", why=error.message)
        return int(error.exit_code)
    say_ready(arguments.ready)
    context.log.info("guard_started", owner=watch.read_run().owner.describe())
    watch.keep()
    context.log.info("guard_ended", signal=context.stop.signal.name if context.stop.signal else "")
    return 0


if __name__ == "__main__":
    sys.exit(main())
