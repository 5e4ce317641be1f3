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
    if text == STUCK:
        return HostRefusalError(f"VMControl error -16: {text}", 16, text)
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


def refuse_timed_out() -> HostRefusalError:
    """Give the time-out. The console's was seen; of a vCLI only the API's sentence is known."""
    return HostRefusalError("VMControl error -7: Timeout", 7, "Operation timed out.")


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
