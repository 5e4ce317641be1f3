"""A task of the host: a process of its own, which goes on when the client that asked is killed.

The client starts it with an empty environment, in a new session, and reads its answer, one line
of JSON, from its standard output. One task at a time on one VM.
"""

import contextlib
import json
import os
import signal
import traceback
from pathlib import Path

from hlb_hooks.lab.files import try_lock
from hlb_hooks.lab.layout import Lab, open_lab
from hlb_hooks.lab.registry import RegisteredVm, read_registry
from hlb_hooks.lab.snapshots import HostFault, create_snapshot, remove_snapshots

_BUSY = "Operation failed since another task is in progress."
_DESCRIPTORS_CLOSED = 4096
# The known beginning of a fault that names no cause.
_BROKEN = "A general system error occurred: "


def main(folder: str, arguments: list[str]) -> int:
    """Carry out ``createsnapshot VMX NAME DESCRIPTION QUIESCE MEMORY`` or ``removesnapshots VMX``.

    Write ``{"fault": TEXT}`` or ``{"fault": null}`` to standard output; give 0.
    """
    os.umask(0o022)
    # Nothing of the client may be held open: somebody may wait for the end of its pipe.
    os.closerange(3, _DESCRIPTORS_CLOSED)
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    lab = open_lab(folder)
    operation, config, *operands = arguments
    answer = json.dumps({"fault": run_task(lab, Path(config), operation, operands)})
    # A client that was killed waits for no answer.
    with contextlib.suppress(BrokenPipeError):
        os.write(1, answer.encode("ascii") + b"\n")
    return 0


def run_task(lab: Lab, config: Path, operation: str, operands: list[str]) -> str | None:
    """Carry out one task, if no other is under way on that VM; give its fault's text, or None."""
    vm = next(vm for vm in read_registry(lab) if vm.config == config)
    lock = try_lock(lab.hostd / "tasks" / f"{vm.key}.lock")
    if lock is None:
        return _BUSY
    try:
        _run(lab, vm, operation, operands)
    except HostFault as fault:
        return str(fault)
    except Exception as error:  # a defect of the lab must reach the client's user
        with (lab.hostd / "hostd.log").open("a", encoding="utf-8") as log:
            traceback.print_exc(file=log)
        return f"{_BROKEN}{type(error).__name__}"
    finally:
        os.close(lock)
    return None


def _run(lab: Lab, vm: RegisteredVm, operation: str, operands: list[str]) -> None:
    if operation == "removesnapshots":
        remove_snapshots(lab, vm)
        return
    name, description, quiesce, memory = operands
    create_snapshot(lab, vm, name, description, quiesce=quiesce == "1", memory=memory == "1")
