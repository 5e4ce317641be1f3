"""What ``vmware-cmd`` prints in place of a value, in either dialect, and its exit code.

The console's are errors of VMControl; the exit code is the error's number modulo 256 (7, 8, 11 and
231 = 999 mod 256 were seen). The vCLI's are plain sentences, exit code 1. Sources: Apache VCL's
vmware.pm (ESX 3), forum threads on VMware Server 1.x, mocks and transcripts of vCLI 5.x.
"""

import re

from hlb_hooks.lab.host.registry import HostFault, RegisteredVm

PROGRAM = "/usr/bin/vmware-cmd"
BUSY = "Operation failed since another task is in progress."
GENERAL_ERROR = "A general system error occurred: "
"""The known beginning of a fault that names no cause."""
STUCK = "Virtual machine requires user input to continue"
TIMED_OUT = "Operation timed out."
NOT_FOUND = "The object or item referred to could not be found."
ALREADY_EXISTS = "Virtual machine already exists"
WRONG_STATE = "The attempted operation cannot be performed in the current state."
WRONG_ARGUMENT = "A specified parameter was not correct."
CANCELED = "The task was canceled by a user."
_NO_SUCH_VM = "No such virtual machine"
# What the console has a number of its own for. NOT_FOUND is what vim-cmd says of a .vmx that is
# not there; of ``-s register`` the console's -11 was seen.
_VMCONTROL_CODES = {
    STUCK: (16, STUCK),
    ALREADY_EXISTS: (20, ALREADY_EXISTS),
    NOT_FOUND: (11, _NO_SUCH_VM),
    TIMED_OUT: (7, "Timeout"),
}
_VMCONTROL_ERROR = re.compile(r"VMControl error -(\d+)")


class HostRefusalError(Exception):
    """A refusal as it is printed in either dialect."""

    def __init__(self, console_text: str, console_exit_code: int, vcli_text: str) -> None:
        """Take both texts; the vCLI's exit code is always 1."""
        super().__init__(console_text)
        self.console_text = console_text
        self.console_exit_code = console_exit_code
        self.vcli_text = vcli_text


class SpoiledAnswerError(Exception):
    """The client prints this text as it is, and leaves with exit code 0."""


def refuse_with_fault(text: str) -> HostRefusalError:
    """Give a fault of hostd's; a ``text`` that is an error of VMControl's stands for itself."""
    named = _VMCONTROL_ERROR.search(text)
    if named:
        return HostRefusalError(text, int(named[1]) % 256, text)
    if text in _VMCONTROL_CODES:
        code, words = _VMCONTROL_CODES[text]
        return HostRefusalError(f"VMControl error -{code}: {words}", code, text)
    soap = f"SoapError: ServerFaultCode(0) : ({text})"
    return HostRefusalError(f"VMControl error -999: Unknown error: {soap}", 999 % 256, text)


def refuse_unregistered(config: str) -> HostRefusalError:
    """Give what is said of a path that no VM of this host has."""
    return HostRefusalError(
        f"{PROGRAM}: Could not connect to VM {config}\n"
        f"  (VMControl error -11: No such virtual machine: The config file {config} is not "
        "registered.\n"
        "Please register the config file on the server.  For example:\n"
        f'vmware-cmd -s register "{config}")',
        11,
        "No virtual machine found.",
    )


def refuse_unknown_to_server() -> HostRefusalError:
    """Give what ``-s unregister`` says of a path that no VM of this host has."""
    return HostRefusalError(f"VMControl error -11: {_NO_SUCH_VM}", 11, "No virtual machine found.")


def refuse_wrong_state(action: str, power: str) -> HostRefusalError:
    """Give what an action is told that cannot be done in the power state that the VM is in."""
    return HostRefusalError(
        "VMControl error -8: Invalid operation for virtual machine's current state: The requested "
        f'operation ("{action}") could not be completed because it conflicted with the state of '
        f'the virtual machine ("{power}") at the time the request was received. This error often '
        "occurs because the state of the virtual machine changed before it received the request.",
        8,
        WRONG_STATE,
    )


def refuse_unasked(power: str) -> HostRefusalError:
    """Give what ``answer`` says when nothing is asked: vmware-cmd2's words, and a guess."""
    wrong_state = refuse_wrong_state("answer", power)
    return HostRefusalError(
        wrong_state.console_text, wrong_state.console_exit_code, "No questions pending."
    )


def refuse_timed_out() -> HostRefusalError:
    """Give the time-out. The console's was seen; of a vCLI only the API's sentence is known."""
    return refuse_with_fault(TIMED_OUT)


def refuse_unmanaged() -> HostRefusalError:
    """Give what is said when the management daemon cannot be reached."""
    return HostRefusalError(
        f"{PROGRAM}: Could not connect to vmware-authd\n"
        "  (VMControl error -14: Unexpected response from vmware-authd: "
        "511 Error connecting to /usr/sbin/vmware-serverd process.)",
        14,
        "Error connecting to server at 'https://127.0.0.1/sdk/webService': Bad hostname",
    )


def refuse_stuck() -> HostFault:
    """Give what a task of a VM that waits for an answer is told."""
    return HostFault(STUCK)


def refuse_locked_elsewhere(vm: RegisteredVm) -> HostFault:
    """Give what a task is told of a VM that another host has open."""
    # The sentence is that of later versions; what ESX 3.5 said is not known.
    return HostFault(f"Unable to access file {vm.config} since it is locked")
