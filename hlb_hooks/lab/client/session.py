"""One command of avtar from its log's first line to its last: hooks, and what is between them."""

import os
from dataclasses import dataclass

from hlb_hooks.base.errors import HlbError
from hlb_hooks.lab.client.backup import run_backup
from hlb_hooks.lab.client.cancel import CanceledError, Cancellation
from hlb_hooks.lab.client.hooks import run_hook
from hlb_hooks.lab.client.log import VERSION, AvtarLog, format_local_now
from hlb_hooks.lab.client.options import AvtarOptions, mask_secrets
from hlb_hooks.lab.client.restore import run_restore
from hlb_hooks.lab.client.store import Store
from hlb_hooks.lab.files import make_folder
from hlb_hooks.lab.layout import Lab

MISCELLANEOUS_ERROR = 10007
MISCELLANEOUS_EXIT_STATUS = 157
_LARGEST_EXIT_STATUS = 255


@dataclass(frozen=True)
class Outcome:
    """How a command ended: avtar's own code, and whether it was canceled."""

    code: int
    is_canceled: bool

    @property
    def exit_status(self) -> int:
        """The code as a process can give it."""
        return self.code if self.code <= _LARGEST_EXIT_STATUS else MISCELLANEOUS_EXIT_STATUS


def run_command(lab: Lab, store: Store, options: AvtarOptions, arguments: list[str]) -> Outcome:
    """Run a backup or a restore with its hooks, and write its log.

    A process that is canceled and does not end in time leaves from here with exit code 163.
    """
    for path in (options.vardir, options.log_file.parent if options.log_file else options.vardir):
        make_folder(path)
    with AvtarLog(options.log_file) as log:
        cancellation = Cancellation(log, options.behaviour)
        if options.log_file:
            log.info(5008, f"Logging to {options.log_file}")
        command_line = " ".join([str(lab.programs / "avtar"), *mask_secrets(arguments)])
        log.info(5551, f"Command Line: {command_line}")
        log.info(7977, f"Starting at {format_local_now()} [avtar {VERSION} {os.uname().sysname}]")
        code = _run_between_hooks(lab, store, options, log, cancellation)
        if cancellation.is_asked:
            cancellation.enter_final_phase()
        # The code of a canceled command is not known.
        if code == 0 and (log.error_numbers or cancellation.is_asked):
            code = MISCELLANEOUS_ERROR
        cancellation.end_watchdog()
        log.write_verdict(code, "miscellaneous error" if code else "success")
    return Outcome(code, cancellation.is_asked)


def _run_between_hooks(
    lab: Lab, store: Store, options: AvtarOptions, log: AvtarLog, cancellation: Cancellation
) -> int:
    code = 0
    start, end = options.start_hook, options.end_hook
    if start.name:
        start_code = run_hook(log, start, options, cancellation)
        if start_code and start.decides:
            log.fail(0, f"run-at-start failed with exit code {start_code}: the command is aborted")
            code = MISCELLANEOUS_ERROR
    if code == 0:
        run_operation = run_backup if options.operation == "create" else run_restore
        try:
            cancellation.raise_if_asked()
            run_operation(lab, store, options, log, cancellation)
        except CanceledError:
            code = MISCELLANEOUS_ERROR
        except HlbError as error:
            log.fail(0, str(error))
    if end.name and _wants_end_hook(options, cancellation, code):
        end_code = run_hook(log, end, options, cancellation)
        if end_code and end.decides and code == 0:
            log.fail(0, f"run-at-end failed with exit code {end_code}")
            code = end_code
    return code


def _wants_end_hook(options: AvtarOptions, cancellation: Cancellation, code: int) -> bool:
    """Whether the end hook runs: after a failed start or a cancel that is not known."""
    if cancellation.is_asked:
        return options.behaviour.runs_end_hook_after_cancel
    return code == 0 or options.behaviour.runs_end_hook_after_failed_start
