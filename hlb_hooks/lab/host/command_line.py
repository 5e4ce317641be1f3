"""The command line of ``vmware-cmd``: options, operations and their operands, as vCLI 5.x prints.

What the console's program takes besides is from Apache VCL's vmware.pm and the ESX Server guide.
"""

from dataclasses import dataclass

from hlb_hooks.lab.host.faults import POWER_ACTIONS, SERVER_ACTIONS

USAGE = """\
Usage: vmware-cmd <options> <vm-cfg-path> <vm-action> <arguments>
vmware-cmd -s <options> <server-action> <arguments>

Options: -h More detailed help.
         -q Quiet. Minimal output
         -v Verbose.
Server operations: vmware-cmd -l
                   vmware-cmd -s register <config_file_path> <datacenter> <resource pool>
                   vmware-cmd -s unregister <config_file_path>
VM operations: vmware-cmd <cfg> getstate
               vmware-cmd <cfg> start <powerop_mode>
               vmware-cmd <cfg> stop <powerop_mode>
               vmware-cmd <cfg> reset <powerop_mode>
               vmware-cmd <cfg> suspend <powerop_mode>
               vmware-cmd <cfg> getconfigfile
               vmware-cmd <cfg> getuptime
               vmware-cmd <cfg> getid
               vmware-cmd <cfg> answer
               vmware-cmd <cfg> hassnapshot
               vmware-cmd <cfg> createsnapshot <name> <description> <quiesce> <memory>
               vmware-cmd <cfg> removesnapshots
"""
_FLAGS = frozenset({"-l", "-q", "-s", "-v", "-h"})
_OPTIONS_WITH_VALUE = frozenset({"-H", "--server", "--vihost", "-O", "-Q", "-U", "-P"})
_POWER_MODES = frozenset({"hard", "soft", "trysoft"})
_PLAIN_ACTIONS = frozenset(
    {"getstate", "getconfigfile", "getuptime", "getid", "answer", "hassnapshot", "removesnapshots"}
)
_MOST_REGISTER_OPERANDS = 3


class UsageTextError(Exception):
    """The command line is not one this program knows: it is answered with the usage text."""


@dataclass(frozen=True)
class Call:
    """What is asked for: an action, the .vmx as it was written, and the action's operands.

    ``config`` is empty for ``-l`` and for ``help``. Of a server action the path is the first
    operand, too.
    """

    action: str
    config: str = ""
    operands: tuple[str, ...] = ()
    is_quiet: bool = False

    @property
    def wants_quiescing(self) -> bool:
        """Whether it is a snapshot that asks for quiescing."""
        return self.action == "createsnapshot" and self.operands[2:3] == ("1",)


def parse_call(arguments: list[str], dialect: str) -> Call:
    """Read a command line. Raise UsageTextError for one that is none."""
    flags, rest = _take_options(arguments)
    if not arguments or "-h" in flags:
        return Call("help")
    is_quiet = "-q" in flags
    if "-l" in flags:
        if rest:
            raise UsageTextError
        return Call("-l", is_quiet=is_quiet)
    if len(rest) < 2:
        raise UsageTextError
    if "-s" in flags:
        action, *operands = rest
        call = Call(action, operands[0], tuple(operands), is_quiet)
        _check_server_action(call, dialect)
        return call
    config, action, *operands = rest
    _check_operands(action, operands, dialect)
    return Call(action, config, tuple(operands), is_quiet)


def _take_options(arguments: list[str]) -> tuple[set[str], list[str]]:
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
    return flags, rest


def _check_server_action(call: Call, dialect: str) -> None:
    # vCLI's registers into a datacenter and a resource pool; the console's knows neither.
    takes_places = call.action == "register" and dialect == "vcli"
    most = _MOST_REGISTER_OPERANDS if takes_places else 1
    if call.action not in SERVER_ACTIONS or len(call.operands) > most:
        raise UsageTextError


def _check_operands(action: str, operands: list[str], dialect: str) -> None:
    if action == "createsnapshot":
        # The 2009 talk gave a console's vmware-cmd a name and a description, and no more.
        fewest = 2 if dialect == "console" else 4
        is_valid = fewest <= len(operands) <= 4 and all(flag in {"0", "1"} for flag in operands[2:])
    elif action in POWER_ACTIONS:
        is_valid = len(operands) <= 1 and _POWER_MODES.issuperset(operands)
    else:
        is_valid = action in _PLAIN_ACTIONS and not operands
    if not is_valid:
        raise UsageTextError
