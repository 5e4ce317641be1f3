"""The lab's ``vmware-cmd``: output and exit codes as real ones were seen to give them.

Two dialects: the service console's (ESX 3.5; errors of VMControl, the exit code being the
error's number modulo 256) and the vCLI's (plain sentences, exit code 1, blank lines around a
list). It imports little: a hook calls it a dozen times.
"""

import os
import sys
from dataclasses import dataclass

from hlb_hooks.lab.host.faults import Fault, take_faults
from hlb_hooks.lab.host.orders import make_orders
from hlb_hooks.lab.host.outage import is_management_down
from hlb_hooks.lab.host.refusals import (
    STUCK,
    HostRefusalError,
    SpoiledAnswerError,
    refuse_unmanaged,
    refuse_unregistered,
    refuse_with_fault,
)
from hlb_hooks.lab.host.registry import RegisteredVm, find_vm, read_registry
from hlb_hooks.lab.layout import Lab, LabSettings, open_lab

USAGE = """\
Usage: vmware-cmd <options> <vm-cfg-path> <vm-action> <arguments>
vmware-cmd -s <options> <server-action> <arguments>

Options: -h More detailed help.
         -q Quiet. Minimal output
         -v Verbose.
Server operations: vmware-cmd -l
VM operations: vmware-cmd <cfg> getstate
               vmware-cmd <cfg> hassnapshot
               vmware-cmd <cfg> createsnapshot <name> <description> <quiesce> <memory>
               vmware-cmd <cfg> removesnapshots
"""
_USAGE_EXIT_CODE = 1
_FLAGS = frozenset({"-l", "-q", "-v", "-h"})
_OPTIONS_WITH_VALUE = frozenset({"-H", "--server", "--vihost", "-O", "-Q", "-U", "-P"})


class UsageTextError(Exception):
    """The command line is not one this program knows: it is answered with the usage text."""


@dataclass(frozen=True)
class _Request:
    flags: frozenset[str]
    operands: tuple[str, ...]

    @property
    def is_quiet(self) -> bool:
        return "-q" in self.flags


def main(folder: str, arguments: list[str]) -> int:
    """Run one command line on the lab in ``folder``; give the exit code."""
    lab = open_lab(folder)
    settings = lab.read_settings()
    try:
        request = _parse(arguments)
        if not arguments or "-h" in request.flags:
            _write(USAGE)
            return 0
        _write(_answer(lab, settings, request))
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


def _parse(arguments: list[str]) -> _Request:
    flags: set[str] = set()
    rest = list(arguments)
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        if option in _OPTIONS_WITH_VALUE and rest:
            rest.pop(0)
        elif option in _FLAGS:
            flags.add(option)
        else:
            raise UsageTextError
    # Seen in use: ``vmware-cmd VMX getstate -q``.
    if len(rest) > 1 and rest[-1] == "-q":
        flags.add(rest.pop())
    return _Request(frozenset(flags), tuple(rest))


def _answer(lab: Lab, settings: LabSettings, request: _Request) -> str:
    config, action, operands = _read_operands(settings, request)
    quiesce = action == "createsnapshot" and operands[2:3] == ["1"]
    faults = take_faults(lab, action, config, quiesce=quiesce)
    if faults:
        from hlb_hooks.lab.host.ordeal import meet_faults, spoil_answer

        meet_faults(faults)
    if is_management_down(lab):
        raise refuse_unmanaged()
    answer = _list_vms(lab, settings)
    if action != "-l":
        vm = find_vm(lab, config)
        if vm is None:
            raise refuse_unregistered(config)
        value = _run_action(lab, settings, vm, action, operands, faults)
        echo = f"{action}({' '.join(operands)}) = "
        answer = f"{'' if request.is_quiet else echo}{value}\n"
    if faults:
        spoil_answer(faults)
    return answer


def _read_operands(settings: LabSettings, request: _Request) -> tuple[str, str, list[str]]:
    """Give the VM, the action and the action's operands; a list is an action of no VM."""
    if "-l" in request.flags:
        if request.operands:
            raise UsageTextError
        return "", "-l", []
    config, action, *operands = (*request.operands, "", "")[: max(2, len(request.operands))]
    _check_operands(settings, action, operands)
    return config, action, operands


def _list_vms(lab: Lab, settings: LabSettings) -> str:
    lines = [
        f"{vm.config}\n"
        for vm in read_registry(lab)
        if settings.lists_templates or not vm.is_template
    ]
    if settings.dialect == "console":
        return "".join(lines)
    return "\n" + ("".join(lines) or "No virtual machine found.\n") + "\n"


def _check_operands(settings: LabSettings, action: str, operands: list[str]) -> None:
    if action == "createsnapshot":
        # The 2009 talk gave a console's vmware-cmd a name and a description, and no more.
        fewest = 2 if settings.dialect == "console" else 4
        is_valid = fewest <= len(operands) <= 4 and all(flag in {"0", "1"} for flag in operands[2:])
    else:
        is_valid = action in {"getstate", "hassnapshot", "removesnapshots"} and not operands
    if not is_valid:
        raise UsageTextError


def _run_action(
    lab: Lab,
    settings: LabSettings,
    vm: RegisteredVm,
    action: str,
    operands: list[str],
    faults: list[Fault],
) -> str:
    if action == "getstate":
        return vm.power
    if action == "hassnapshot":
        # A console's Perl prints "false" as nothing at all.
        return "1" if _has_snapshot(vm) else "" if settings.dialect == "console" else "0"
    kinds = {fault.kind for fault in faults}
    if "lie" in kinds:
        return "1"
    if vm.power == "stuck":
        raise refuse_with_fault(STUCK)
    from hlb_hooks.lab.host.task_client import Patience, run_task

    padded = [*operands, "0", "0"][:4] if operands else []
    patience = Patience.END
    if "timeout_late" in kinds:
        patience = Patience.NONE
    elif "timeout" in kinds:
        patience = Patience.BEGIN
    elif "done_early" in kinds:
        patience = Patience.ANSWER
    run_task(lab, [action, str(vm.config), *padded], make_orders(faults), patience)
    return "1"


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
