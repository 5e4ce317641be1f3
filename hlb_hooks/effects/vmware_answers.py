"""What ``vmware-cmd`` printed, read strictly: bytes and an exit code in, a fact or an error out.

Three programs share the name. The service console's Perl script prints ``VMControl error -N:
text`` and exits with N modulo 256 (7, 8, 11 and 231 = 999 mod 256 were seen); vCLI's prints plain
sentences, exits 1 and puts a blank line around ``-l``; re-implementations print ``= success`` and
``= 0``. Which stream carries an error is not known, so both are read. Sources of the literals:
Apache VCL's vmware.pm (ESX 3), vCLI 5.x transcripts, vmware-cmd2.
"""

import os
import re
from dataclasses import dataclass
from enum import Enum

from hlb_hooks.base.errors import HostError
from hlb_hooks.base.text import escape
from hlb_hooks.effects.commands import Answer

_VMCONTROL_ERROR = re.compile(r"VMControl error -(\d{1,9})(?!\d)")
_NO_VM = "No virtual machine found."
_VM_SUFFIXES = (".vmx", ".vmtx")
_EXIT_STATUS_CODES = {code % 256: code for code in (7, 8, 11, 14, 16, 20, 999)}
_FAILURE_WORDS = re.compile(
    r"VMControl error|^Usage:|Could not connect|Error connecting|cannot be performed|SoapError",
    re.MULTILINE,
)


class PowerState(Enum):
    """The values of ``getstate()``; STUCK is a VM that waits for an answer."""

    ON = "on"
    OFF = "off"
    SUSPENDED = "suspended"
    STUCK = "stuck"


class RefusalKind(Enum):
    """What a failed command says was the matter, as far as its text or exit status tells."""

    TIMED_OUT = "timed out"
    WRONG_STATE = "wrong state"
    NOT_REGISTERED = "not registered on this host"
    MANAGEMENT_DOWN = "management daemon down"
    WAITS_FOR_ANSWER = "waits for an answer"
    BUSY = "another task is in progress"
    FAULT = "host fault"
    OTHER = "other"


# "Operation failed since another task is in progress." (VMware KB 1004790)
_BUSY = "another task is in progress"
_KIND_OF_CODE = {
    7: RefusalKind.TIMED_OUT,
    8: RefusalKind.WRONG_STATE,
    11: RefusalKind.NOT_REGISTERED,
    14: RefusalKind.MANAGEMENT_DOWN,
    # Remembered by nobody in writing; harmless if it never comes.
    16: RefusalKind.WAITS_FOR_ANSWER,
    999: RefusalKind.FAULT,
}


@dataclass(frozen=True)
class Refusal:
    """A failed command: its kind, the positive VMControl code where there is one, and its words."""

    kind: RefusalKind
    code: int | None
    text: str


class HostRefusedError(HostError):
    """The host said no, in words that ``refusal`` carries."""

    def __init__(self, message: str, refusal: Refusal) -> None:
        """Take the message for the operator and what was understood of the refusal."""
        super().__init__(message)
        self.refusal = refusal


class UnreadableAnswerError(HostError):
    """The host answered something that is neither a success nor a refusal we know."""


def read_inventory(answer: Answer) -> tuple[str, ...]:
    """Give the VM paths of ``vmware-cmd -l``, as printed, each once, in the host's order.

    Raise HostRefusedError or UnreadableAnswerError; an answer that cannot be read is never taken
    for an empty host. Whether templates (.vmtx) are listed is not known, so both are accepted.
    """
    raise_if_refused(answer)
    paths = [line for line in _split_lines(_decode(answer.stdout)) if line.startswith("/")]
    for path in paths:
        if not path.lower().endswith(_VM_SUFFIXES) or "\0" in path:
            raise UnreadableAnswerError(
                f"{answer.command.name} printed half a path, or a garbled one: {escape(path)!r}; "
                "expected one that ends in .vmx",
                next_step="run it by hand on the host; no VM was changed",
            )
    if paths:
        return tuple(dict.fromkeys(paths))
    # A complaint may stand on either stream: only a host that says nothing has no VM.
    said = [line for line in _split_lines(_both_streams(answer)) if line.strip()]
    if not said or [line.strip() for line in said] == [_NO_VM]:
        return ()
    raise UnreadableAnswerError(
        f"{answer.command.name} printed no path of a VM but {_quote(said[0])}",
        next_step="run it by hand on the host; no VM was changed",
    )


def read_power_state(answer: Answer) -> PowerState:
    """Give the power state of ``getstate``. Raise HostRefusedError or UnreadableAnswerError."""
    value = _read_value(answer, "getstate")
    try:
        return PowerState(value)
    except ValueError:
        raise _unreadable(answer, f"a state called {escape(value)!r}") from None


def read_has_snapshot(answer: Answer) -> bool:
    """Give the answer of ``hassnapshot``: only ``1`` is yes; the console prints nothing for no.

    Raise HostRefusedError or UnreadableAnswerError.
    """
    value = _read_value(answer, "hassnapshot")
    if value not in {"", "0", "1"}:
        raise _unreadable(answer, f"hassnapshot() = {escape(value)!r}")
    return value == "1"


def read_done(answer: Answer, action: str) -> None:
    """Return when ``action`` says it was done. Raise HostRefusedError or UnreadableAnswerError."""
    value = _read_value(answer, action)
    if value not in {"1", "success"}:
        raise _unreadable(answer, f"{action}() = {escape(value)!r}")


def read_refusal(answer: Answer) -> Refusal | None:
    """Give what ``answer`` refuses, or None where it neither failed nor complained."""
    text = _both_streams(answer)
    if answer.exit_code == 0 and not _FAILURE_WORDS.search(_without_paths(text)):
        return None
    match = _VMCONTROL_ERROR.search(text)
    code = int(match.group(1)) if match else None
    if _BUSY in text:
        return Refusal(RefusalKind.BUSY, code, _one_line(text))
    if code is not None:
        return Refusal(_KIND_OF_CODE.get(code, RefusalKind.OTHER), code, _one_line(text))
    if _NO_VM in text:
        return Refusal(RefusalKind.NOT_REGISTERED, None, _one_line(text))
    if "cannot be performed in the current state" in text:
        return Refusal(RefusalKind.WRONG_STATE, None, _one_line(text))
    if "requires user input" in text:
        return Refusal(RefusalKind.WAITS_FOR_ANSWER, None, _one_line(text))
    if "timed out" in text.lower():
        # How the vCLI words it is not known. A time-out of the guest's tools is worded otherwise:
        # "A timeout occurred while communicating with VMware Tools".
        return Refusal(RefusalKind.TIMED_OUT, None, _one_line(text))
    if re.search(r"^Error connecting", text, re.MULTILINE):
        return Refusal(RefusalKind.MANAGEMENT_DOWN, None, _one_line(text))
    code_by_exit = _EXIT_STATUS_CODES.get(answer.exit_code)
    kind = _KIND_OF_CODE.get(code_by_exit or 0, RefusalKind.OTHER)
    return Refusal(kind, code_by_exit, _one_line(text) or f"exit status {answer.exit_code}")


def raise_if_refused(answer: Answer) -> None:
    """Return unless the host refused. Raise HostRefusedError."""
    refusal = read_refusal(answer)
    if refusal is None or (refusal.text == _NO_VM and answer.command.name.endswith(" -l")):
        return
    raise HostRefusedError(
        f"{answer.command.name} failed with exit status {answer.exit_code}: {refusal.text}",
        refusal,
    )


def _read_value(answer: Answer, action: str) -> str:
    """Give what stands after the last ``) = `` of the one line that echoes ``action``."""
    raise_if_refused(answer)
    lines = _decode(answer.stdout).splitlines()
    echoes = [line for line in lines if re.match(rf"{action} ?\(", line)]
    # The console prints `hassnapshot() = ` with nothing behind it; a pipe may eat that blank.
    values = [re.fullmatch(r".*\) =(?: (.*))?", line) for line in echoes]
    if len(values) != 1 or values[0] is None:
        said = [line for line in lines if line.strip()]
        raise _unreadable(answer, _quote(said[0]) if said else "nothing at all")
    return (values[0].group(1) or "").strip()


def _unreadable(answer: Answer, what: str) -> UnreadableAnswerError:
    return UnreadableAnswerError(
        f"{answer.command.name} cannot be understood: it printed {what}",
        next_step="run it by hand on the host",
    )


def _decode(stream: bytes) -> str:
    return os.fsdecode(stream)


def _both_streams(answer: Answer) -> str:
    return _decode(answer.stdout) + "\n" + _decode(answer.stderr)


def _without_paths(text: str) -> str:
    """Leave out the lines that are paths of VMs: a VM may be called ``SoapError``."""
    lines = _split_lines(text)
    return "\n".join(line for line in lines if not line.lower().endswith(_VM_SUFFIXES))


def _split_lines(text: str) -> list[str]:
    """Not str.splitlines(): what only Unicode takes for the end of a line may stand in a path."""
    return [line.rstrip("\r") for line in text.split("\n")]


def _one_line(text: str) -> str:
    """Give an error text as one line, short enough for a report."""
    line = escape(" ".join(text.split()))
    return line if len(line) <= 300 else line[:297] + "..."


def _quote(line: str) -> str:
    return repr(_one_line(line))
