"""The lab's ``vmware-cmd``: output and exit codes as real ones were seen to give them.

Two dialects: the service console's (ESX 3.5; errors of VMControl, the exit code being the
error's number modulo 256) and the vCLI's (plain sentences, exit code 1, blank lines around a
list). It imports little: a hook calls it a dozen times.
"""

import os
import sys

from hlb_hooks.lab.host.command_line import USAGE, Call, UsageTextError, parse_call
from hlb_hooks.lab.host.faults import POWER_ACTIONS, SERVER_ACTIONS, Fault, take_faults
from hlb_hooks.lab.host.outage import is_management_down
from hlb_hooks.lab.host.refusals import (
    HostRefusalError,
    SpoiledAnswerError,
    refuse_unknown_to_server,
    refuse_unmanaged,
    refuse_unregistered,
)
from hlb_hooks.lab.host.registry import RegisteredVm, find_vm, read_registry
from hlb_hooks.lab.layout import Lab, LabSettings, open_lab

_USAGE_EXIT_CODE = 1


def main(folder: str, arguments: list[str]) -> int:
    """Run one command line on the lab in ``folder``; give the exit code."""
    lab = open_lab(folder)
    settings = lab.read_settings()
    try:
        call = parse_call(arguments, settings.dialect)
        _write(USAGE if call.action == "help" else _answer(lab, settings, call))
    except SpoiledAnswerError as spoiled:
        _write(str(spoiled))
    except UsageTextError:
        _write(USAGE, stream=settings.error_stream)
        return _USAGE_EXIT_CODE
    except HostRefusalError as refusal:
        if settings.dialect == "vcli":
            _write(f"{refusal.vcli_text}\n", stream=settings.error_stream)
            return 1
        _write(f"{refusal.console_text}\n", stream=settings.error_stream)
        return refusal.console_exit_code
    return 0


def _answer(lab: Lab, settings: LabSettings, call: Call) -> str:
    faults = take_faults(lab, call.action, call.config, quiesce=call.wants_quiescing)
    if faults:
        from hlb_hooks.lab.host.ordeal import meet_faults, spoil_answer

        meet_faults(faults)
    if is_management_down(lab):
        raise refuse_unmanaged()
    if call.action == "-l":
        answer = _list_vms(lab, settings)
    else:
        value = _run_action(lab, settings, call, faults)
        answer = f"{'' if call.is_quiet else _echo(settings, call)}{value}\n"
    if faults:
        spoil_answer(faults)
    return answer


def _list_vms(lab: Lab, settings: LabSettings) -> str:
    lines = [
        f"{vm.config}\n"
        for vm in read_registry(lab)
        if settings.lists_templates or not vm.is_template
    ]
    if settings.dialect == "console":
        return "".join(lines)
    return "\n" + ("".join(lines) or "No virtual machine found.\n") + "\n"


def _echo(settings: LabSettings, call: Call) -> str:
    # A console of ESX 3 says start() whatever the mode; VMware Server says stop(hard).
    is_bare = call.action in POWER_ACTIONS and settings.dialect == "console"
    return f"{call.action}({'' if is_bare else ' '.join(call.operands)}) = "


def _run_action(lab: Lab, settings: LabSettings, call: Call, faults: list[Fault]) -> str:
    vm = find_vm(lab, call.config)
    if vm is None and call.action != "register":
        is_of_server = call.action in SERVER_ACTIONS
        raise refuse_unknown_to_server() if is_of_server else refuse_unregistered(call.config)
    if vm is not None:
        known = _inquire(settings, vm, call.action)
        if known is not None:
            return known
    from hlb_hooks.lab.host.changes import run_change

    return run_change(lab, vm, call, faults)


def _inquire(settings: LabSettings, vm: RegisteredVm, action: str) -> str | None:
    """Answer what is only asked; None for what changes something."""
    if action == "getstate":
        return vm.power
    if action == "hassnapshot":
        # A console's Perl prints "false" as nothing at all.
        return "1" if _has_snapshot(vm) else "" if settings.dialect == "console" else "0"
    if action == "getconfigfile":
        return str(vm.config)
    if action == "getid":
        # On real hosts a small number; all that counts here is that it is the VM's own.
        return str(int(vm.key[:4], 16))
    if action == "getuptime":
        from hlb_hooks.lab.host.changes import read_uptime_seconds

        return str(read_uptime_seconds(vm))
    return None


def _has_snapshot(vm: RegisteredVm) -> bool:
    # Only a host that has to know more than this reads the .vmsd as a whole.
    try:
        data = vm.config.with_suffix(".vmsd").read_bytes()
    except FileNotFoundError:
        return False
    return b"numSnapshots" in data and b'numSnapshots = "0"' not in data


def _write(text: str, *, stream: str = "stdout") -> None:
    target = sys.stderr if stream == "stderr" else sys.stdout
    target.buffer.write(os.fsencode(text))
    target.flush()
