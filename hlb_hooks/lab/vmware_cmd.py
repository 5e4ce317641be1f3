"""The lab's ``vmware-cmd``: output and exit codes as real ones were seen to give them.

Two dialects: the service console's (ESX 3.5; errors of VMControl, the exit code being the
error's number modulo 256) and the vCLI's (plain sentences, exit code 1, blank lines around a
list). It imports little: a hook calls it a dozen times.
"""

import json
import os
import sys
from dataclasses import dataclass

from hlb_hooks.lab.layout import Lab, LabSettings, open_lab
from hlb_hooks.lab.registry import RegisteredVm, find_vm, read_registry

PROGRAM = "/usr/bin/vmware-cmd"
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


class HostRefusalError(Exception):
    """What the command prints in place of a value, in either dialect, and its exit code."""

    def __init__(self, console_text: str, console_exit_code: int, vcli_text: str) -> None:
        """Take both texts; the vCLI's exit code is always 1."""
        super().__init__(console_text)
        self.console_text = console_text
        self.console_exit_code = console_exit_code
        self.vcli_text = vcli_text


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
    if "-l" in request.flags:
        if request.operands:
            raise UsageTextError
        return _list_vms(lab, settings)
    config, action, *operands = (*request.operands, "", "")[: max(2, len(request.operands))]
    _check_operands(settings, action, operands)
    vm = find_vm(lab, config)
    if vm is None:
        raise _no_such_vm(config)
    value = _run_action(lab, settings, vm, action, operands)
    if request.is_quiet:
        return f"{value}\n"
    return f"{action}({' '.join(operands)}) = {value}\n"


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
    lab: Lab, settings: LabSettings, vm: RegisteredVm, action: str, operands: list[str]
) -> str:
    if action == "getstate":
        return vm.power
    if action == "hassnapshot":
        # A console's Perl prints "false" as nothing at all.
        return "1" if _has_snapshot(vm) else "" if settings.dialect == "console" else "0"
    if vm.power == "stuck":
        text = "Virtual machine requires user input to continue"
        raise HostRefusalError(f"VMControl error -16: {text}", 16, text)
    padded = [*operands, "0", "0"][:4] if operands else []
    fault = _run_task(lab, [action, str(vm.config), *padded])
    if fault is not None:
        soap = f"SoapError: ServerFaultCode(0) : ({fault})"
        raise HostRefusalError(f"VMControl error -999: Unknown error: {soap}", 999 % 256, fault)
    return "1"


def _has_snapshot(vm: RegisteredVm) -> bool:
    # Only a host that has to know more than this reads the .vmsd as a whole.
    return b"numSnapshots" in vm.config.with_suffix(".vmsd").read_bytes()


def _run_task(lab: Lab, arguments: list[str]) -> str | None:
    """Have the host carry out a task; give the text of its fault, or None."""
    reading, writing = os.pipe()
    program = lab.hostd / "hostd-task"
    pid = os.posix_spawn(
        program,
        [str(program), *arguments],
        {},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, writing, 1),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        ],
        setsid=True,
    )
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(pid, 0)
    if not answer:
        return "A general system error occurred: the task ended without an answer"
    fault = json.loads(answer)["fault"]
    return None if fault is None else str(fault)


def _no_such_vm(config: str) -> HostRefusalError:
    return HostRefusalError(
        f"{PROGRAM}: Could not connect to VM {config}\n"
        f"  (VMControl error -11: No such virtual machine: The config file {config} is not "
        "registered.\n"
        "Please register the config file on the server.  For example:\n"
        f'vmware-cmd -s register "{config}")',
        11,
        "No virtual machine found.",
    )


def _write(text: str, *, stream: str = "stdout") -> None:
    target = sys.stderr if stream == "stderr" else sys.stdout
    target.buffer.write(os.fsencode(text))
    target.flush()
