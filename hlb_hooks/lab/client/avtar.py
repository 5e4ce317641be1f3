"""The lab's ``avtar``: backs up, lists and restores, and runs the hooks around that.

Order, texts and numbers are those of real logs. Exit codes: 0, the number that a failed hook with
its ``-exit`` flag gave, 163 from the watchdog of a cancel, or 157, which stands for error 10007
where a process can give no more than 255.
"""

import os
import sys

from hlb_hooks.base.errors import HlbError
from hlb_hooks.lab.client.log import format_size
from hlb_hooks.lab.client.options import AvtarOptions, parse_options
from hlb_hooks.lab.client.retry import name_process, run_with_retries
from hlb_hooks.lab.client.running import cancel_commands
from hlb_hooks.lab.client.session import MISCELLANEOUS_EXIT_STATUS, run_command
from hlb_hooks.lab.client.store import Store
from hlb_hooks.lab.layout import open_lab


def main(folder: str, arguments: list[str]) -> int:
    """Run one avtar command line on the lab in ``folder``; give the exit code."""
    os.umask(0o022)
    # However it was started: hooks look for an ancestor of this name.
    name_process("avtar")
    try:
        lab = open_lab(folder)
        options = parse_options(lab, arguments)
        store = Store(lab.store)
        if options.operation == "backups":
            return _print_backups(store)
        if options.operation == "list":
            return _print_files(store, options)
        if options.operation == "cancel":
            _print(f"canceled: {cancel_commands(lab, options.label)}")
            return 0
        return run_with_retries(
            lambda: run_command(lab, store, options, arguments),
            options.behaviour.retries,
            in_new_process=options.behaviour.retries_in_new_process,
        )
    except HlbError as error:
        sys.stderr.write(f"avtar: {error}\n")
        return MISCELLANEOUS_EXIT_STATUS


def _print_backups(store: Store) -> int:
    _print(f"{'Date':>10} {'Time':>8} {'Seq':>5}  {'Size':>10}  Label")
    for backup in store.list_backups():
        stamp = backup.made_at[:19]
        _print(f"{stamp} {backup.number:5}  {format_size(backup.size_bytes):>10}  {backup.label}")
    return 0


def _print_files(store: Store, options: AvtarOptions) -> int:
    for file in store.find_backup(options.label_number).files:
        _print(f"{file.size_bytes:>12,} {file.path}")
    return 0


def _print(line: str) -> None:
    sys.stdout.buffer.write(os.fsencode(line) + b"\n")
