"""What the emulated host is told and what it says: switches, calls, answers, refusals."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, NoReturn

Power = Literal["on", "off", "suspended", "stuck"]


class Failure(NamedTuple):
    """One entry of ``fail`` in esx.json: the answer a command gives instead of its own.

    ``effect`` is what the host does meanwhile: ``none``, ``done`` (the work is finished before the
    answer), ``later`` (the host goes on and finishes after ``later_seconds``). Empty ``command``
    or ``vmx`` match everything; ``quiesce`` matches only a createsnapshot that asks for it;
    ``times`` runs out, None never does.
    """

    exit_code: int
    text: str
    command: str = ""
    vmx: str = ""
    effect: Literal["none", "done", "later"] = "none"
    later_seconds: float = 0.5
    quiesce: bool = False
    times: int | None = None


class Switches(NamedTuple):
    """The content of esx.json.

    ``garble`` maps a command to ``{"text": base64, "exit": 0, "effect": true}``: raw bytes
    instead of its stdout, after doing (``effect``) what was asked. ``error_stream`` is where errors
    and the usage text go: no source tells which one it is. ``vmsd_after_removal`` is what the last
    removal leaves: ``counter`` (the usual), ``zero`` (numSnapshots = "0" too), ``empty``,
    ``absent``. ``helper``: the Consolidate Helper delta of a removal on a running VM, ``none``,
    ``merged``, ``left`` behind, or ``hidden`` (left behind, and the .vmsd does not say so).
    ``latency_seconds`` maps a command to the time it takes before its work; ``merge_seconds`` pass
    between the .vmsd entry's going and the merge.
    """

    dialect: str = "console"
    error_stream: str = "stderr"
    latency_seconds: Mapping[str, float] = {}
    merge_seconds: float = 0
    garble: Mapping[str, Mapping[str, Any]] = {}
    fail: Sequence[Mapping[str, Any]] = ()
    vmsd_after_removal: str = "counter"
    helper: str = "none"
    list_templates: bool = True

    @classmethod
    def checked(cls, raw: Mapping[str, Any]) -> "Switches":
        """Make switches of JSON; a wrong key or value is an error, not an unused switch."""
        switches = cls(**raw)
        for value, allowed in (
            (switches.dialect, {"console", "vcli"}),
            (switches.error_stream, {"stdout", "stderr"}),
            (switches.vmsd_after_removal, {"counter", "zero", "empty", "absent"}),
            (switches.helper, {"none", "merged", "left", "hidden"}),
        ):
            if value not in allowed:
                raise ValueError(f"esx.json: {value!r} is none of {sorted(allowed)}")
        for entry in switches.fail:
            Failure(**entry)
        return switches


class Answer(NamedTuple):
    """What vmware-cmd says: exit code, text (without the last line feed), and where."""

    exit_code: int
    text: str
    is_error: bool = False


class Call(NamedTuple):
    """One understood command line."""

    command: str
    vmx: str = ""
    arguments: tuple[str, ...] = ()
    is_quiet: bool = False


class UsageWantedError(Exception):
    """The command line is not one that vmware-cmd knows."""


class RefusedError(Exception):
    """The host says no: a VMControl code with its text, and the vCLI's sentence for the same."""

    def __init__(self, code: int, console: str, vcli: str) -> None:
        super().__init__(console)
        self.code, self.console, self.vcli = code, console, vcli

    def answer(self, dialect: str) -> Answer:
        if dialect == "vcli":
            return Answer(1, self.vcli, is_error=True)
        # Exit statuses 7, 8, 11 and 231 (= 999 mod 256) were seen.
        return Answer(self.code % 256, self.console, is_error=True)


def refuse_with_fault(text: str) -> NoReturn:
    wrapped = f"VMControl error -999: Unknown error: SoapError: ServerFaultCode(0) : ({text})"
    raise RefusedError(999, wrapped, text)


def refuse_for_state(command: str, power: str) -> NoReturn:
    raise RefusedError(
        8,
        "VMControl error -8: Invalid operation for virtual machine's current state: The "
        f'requested operation ("{command}") could not be completed because it conflicted with '
        f'the state of the virtual machine ("{power}") at the time the request was received. '
        "This error often occurs because the state of the virtual machine changed before it "
        "received the request.",
        "The attempted operation cannot be performed in the current state.",
    )


def refuse_unregistered(vmx: str) -> NoReturn:
    raise RefusedError(
        11,
        f"/usr/bin/vmware-cmd: Could not connect to VM {vmx}\n"
        f"  (VMControl error -11: No such virtual machine: The config file {vmx} is not "
        "registered.\nPlease register the config file on the server.  For example:\n"
        f'vmware-cmd -s register "{vmx}")',
        "No virtual machine found.",
    )
