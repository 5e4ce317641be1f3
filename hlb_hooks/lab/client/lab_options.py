"""What nobody knows of avtar, and what a rehearsal wants: options of the lab's own, ``--lab-...``.

Where no source says what the real client does, both ways can be had, for hooks must live with
either.
"""

import argparse
from dataclasses import dataclass

DEFAULT_WATCHDOG_SECONDS = 600.0
"""From a real log: ``WATCHDOG TIMEOUT (cancellation exceeded 600 secs)`` (Dell KB 000064105)."""

_YES_OR_NO = ("yes", "no")


@dataclass(frozen=True)
class Behaviour:
    """How this avtar behaves where the real one's behaviour is not known, and how slowly it goes.

    ``watchdog_seconds`` is how long a cancelled avtar may take to end. ``kills_group`` says that
    it kills a hook with all of the hook's process group, and not the hook's process alone.
    """

    runs_end_hook_after_failed_start: bool
    runs_end_hook_after_cancel: bool
    watchdog_seconds: float
    kills_group: bool
    kills_hook_at_timeout: bool
    waits_for_process_lock: bool
    uses_file_cache: bool
    counts_failed_read_as_error: bool
    retries: int
    retries_in_new_process: bool
    read_delay_seconds: float
    chunk_delay_seconds: float


def add_lab_options(parser: argparse.ArgumentParser) -> None:
    """Add the lab's own options to avtar's."""
    group = parser.add_argument_group("of the lab, for what is not known of the real avtar")
    for name, choices, default, text in (
        ("end-after-failure", _YES_OR_NO, "yes", "run the end hook when the start hook failed"),
        ("end-after-cancel", _YES_OR_NO, "no", "run the end hook when the command was canceled"),
        ("kill", ("hook", "group"), "hook", "what is killed: the hook alone, or all of its group"),
        ("hook-timeout", ("kill", "go-on"), "kill", "what to do with a hook beyond its time"),
        ("lock-collision", ("fail", "wait"), "fail", "when another avtar has the process lock"),
        ("read-failure", ("error", "warning"), "error", "how a failed read is counted"),
        ("retry-in", ("same", "new"), "new", "the process in which a retry runs"),
        ("filecache", _YES_OR_NO, "yes", "do not open a file with path, size and mtime as before"),
    ):
        group.add_argument(f"--lab-{name}", choices=choices, default=default, help=text)
    for name, seconds, text in (
        ("watchdog", DEFAULT_WATCHDOG_SECONDS, "how long a canceled command may take to end"),
        ("read-delay", 0.0, "wait before each file"),
        ("chunk-delay", 0.0, "wait after each MiB of a file, which is open meanwhile"),
    ):
        group.add_argument(
            f"--lab-{name}", type=_parse_seconds, default=seconds, metavar="SECONDS", help=text
        )
    group.add_argument(
        "--lab-retries", type=int, default=0, metavar="N", help="begin a failed command again"
    )


def read_behaviour(parsed: argparse.Namespace) -> Behaviour:
    """Give what the parsed command line says of the lab's options."""
    return Behaviour(
        runs_end_hook_after_failed_start=parsed.lab_end_after_failure == "yes",
        runs_end_hook_after_cancel=parsed.lab_end_after_cancel == "yes",
        watchdog_seconds=parsed.lab_watchdog,
        kills_group=parsed.lab_kill == "group",
        kills_hook_at_timeout=parsed.lab_hook_timeout == "kill",
        waits_for_process_lock=parsed.lab_lock_collision == "wait",
        uses_file_cache=parsed.lab_filecache == "yes",
        counts_failed_read_as_error=parsed.lab_read_failure == "error",
        retries=parsed.lab_retries,
        retries_in_new_process=parsed.lab_retry_in == "new",
        read_delay_seconds=parsed.lab_read_delay,
        chunk_delay_seconds=parsed.lab_chunk_delay,
    )


def _parse_seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return seconds
