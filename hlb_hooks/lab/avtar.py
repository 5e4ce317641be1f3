"""The lab's ``avtar``: backs up, lists and restores, and runs the hooks around that.

Order, texts and numbers are those of real logs. Exit codes: 0, the number that a failed hook with
its ``-exit`` flag gave, or 157, which stands for error 10007 where a process can give no more
than 255.
"""

import os
import sys
from pathlib import Path

from hlb_hooks.base.errors import HlbError
from hlb_hooks.lab.avtar_backup import run_backup
from hlb_hooks.lab.avtar_hooks import run_hook
from hlb_hooks.lab.avtar_log import VERSION, AvtarLog, format_local_now, format_size
from hlb_hooks.lab.avtar_options import AvtarOptions, mask_secrets, parse_options
from hlb_hooks.lab.avtar_restore import run_restore
from hlb_hooks.lab.files import make_folder
from hlb_hooks.lab.layout import Lab, open_lab
from hlb_hooks.lab.store import Store

MISCELLANEOUS_ERROR = 10007
_MISCELLANEOUS_EXIT_STATUS = 157


def main(folder: str, arguments: list[str]) -> int:
    """Run one avtar command line on the lab in ``folder``; give the exit code."""
    os.umask(0o022)
    # However it was started: hooks look for an ancestor of this name.
    Path("/proc/self/comm").write_text("avtar")
    lab = open_lab(folder)
    options = parse_options(lab, arguments)
    store = Store(lab.store)
    try:
        if options.operation == "backups":
            return _print_backups(store)
        if options.operation == "list":
            return _print_files(store, options)
        return _run_logged(lab, store, options, arguments)
    except HlbError as error:
        sys.stderr.write(f"avtar: {error}\n")
        return _MISCELLANEOUS_EXIT_STATUS


def _run_logged(lab: Lab, store: Store, options: AvtarOptions, arguments: list[str]) -> int:
    for path in (options.vardir, options.log_file.parent if options.log_file else options.vardir):
        make_folder(path)
    with AvtarLog(options.log_file) as log:
        if options.log_file:
            log.info(5008, f"Logging to {options.log_file}")
        command_line = " ".join([str(lab.programs / "avtar"), *mask_secrets(arguments)])
        log.info(5551, f"Command Line: {command_line}")
        log.info(7977, f"Starting at {format_local_now()} [avtar {VERSION} {os.uname().sysname}]")
        code = _run_between_hooks(lab, store, options, log)
        if code == 0 and log.error_numbers:
            code = MISCELLANEOUS_ERROR
        log.write_verdict(code, "miscellaneous error" if code else "success")
    return code if code < 256 else _MISCELLANEOUS_EXIT_STATUS


def _run_between_hooks(lab: Lab, store: Store, options: AvtarOptions, log: AvtarLog) -> int:
    code = 0
    if options.run_at_start:
        start_code = _run_hook(log, options, "run-at-start")
        if start_code and options.run_at_start_exit:
            log.fail(0, f"run-at-start failed with exit code {start_code}: the command is aborted")
            code = MISCELLANEOUS_ERROR
    if code == 0:
        run_operation = run_backup if options.operation == "create" else run_restore
        try:
            run_operation(lab, store, options, log)
        except HlbError as error:
            log.fail(0, str(error))
    # Whether avtar runs its end hook after a failed start is not known: the option decides.
    if options.run_at_end and (code == 0 or options.runs_end_hook_after_failed_start):
        end_code = _run_hook(log, options, "run-at-end")
        if end_code and options.run_at_end_exit and code == 0:
            log.fail(0, f"run-at-end failed with exit code {end_code}")
            code = abs(end_code)
    return code


def _run_hook(log: AvtarLog, options: AvtarOptions, which: str) -> int:
    name = options.run_at_start if which == "run-at-start" else options.run_at_end
    return run_hook(log, which, name, options.sysdir, options.vardir)


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
