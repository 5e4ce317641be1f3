"""What a client asks the host to change: it looks at the VM's state, and has a task do it.

Loaded only by a command that is more than a question: ``vmware-cmd`` has to start quickly.
"""

import time
from pathlib import Path

from hlb_hooks.lab.host.command_line import Call
from hlb_hooks.lab.host.faults import Fault
from hlb_hooks.lab.host.orders import make_orders
from hlb_hooks.lab.host.refusals import STUCK, refuse_with_fault, refuse_wrong_state
from hlb_hooks.lab.host.registry import RegisteredVm
from hlb_hooks.lab.host.task_client import Patience, run_task
from hlb_hooks.lab.layout import Lab

_STATES = {
    "start": {"off", "suspended"},
    "stop": {"on"},
    "reset": {"on"},
    "suspend": {"on"},
}


def run_change(lab: Lab, vm: RegisteredVm | None, call: Call, faults: list[Fault]) -> str:
    """Have the host do it, and give what stands behind the ``=``. ``vm`` is None to register one.

    Raise HostRefusalError.
    """
    if any(fault.kind == "lie" for fault in faults):
        return "1"
    if vm is not None and call.action == "answer":
        from hlb_hooks.lab.host.answer_client import ask_person

        return ask_person(lab, vm, faults)
    if vm is not None:
        _check_state(vm, call.action)
    # Not normalised: what a ".." leads to is for the file system to say.
    config = Path.cwd() / call.config if vm is None else vm.config
    operands = list(call.operands)
    if call.action == "createsnapshot":
        operands = [*operands, "0", "0"][:4]
    arguments = [call.action, str(config), *operands]
    give_task(lab, arguments, faults)
    return "1"


def give_task(lab: Lab, arguments: list[str], faults: list[Fault]) -> None:
    """Have the host carry out a task, and wait for it as the faults say. Raise HostRefusalError."""
    kinds = {fault.kind for fault in faults}
    run_task(lab, arguments, make_orders(faults), _choose_patience(kinds))


def read_uptime_seconds(vm: RegisteredVm) -> int:
    """Give for how long a VM has been on: as long as it has its swap file.

    Raise HostRefusalError for one that is not.
    """
    if not vm.keeps_files_locked:
        raise refuse_wrong_state("getuptime", vm.power)
    started = max((path.stat().st_mtime for path in vm.folder.glob("*.vswp")), default=time.time())
    return max(0, int(time.time() - started))


def _check_state(vm: RegisteredVm, action: str) -> None:
    if vm.power == "stuck":
        raise refuse_with_fault(STUCK)
    if vm.power not in _STATES.get(action, {vm.power}):
        raise refuse_wrong_state(action, vm.power)


def _choose_patience(kinds: set[str]) -> Patience:
    if "timeout_late" in kinds:
        return Patience.NONE
    if "timeout" in kinds:
        return Patience.BEGIN
    return Patience.ANSWER if "done_early" in kinds else Patience.END
