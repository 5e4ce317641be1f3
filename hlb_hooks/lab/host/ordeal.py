"""What faults do to the client of a command before the host does anything, and to its answer.

Loaded only by a command that some fault hits: ``vmware-cmd`` has to start quickly.
"""

from collections.abc import Sequence
from typing import NoReturn

from hlb_hooks.base.clock import sleep_seconds
from hlb_hooks.lab.host.faults import Fault
from hlb_hooks.lab.host.refusals import (
    GENERAL_ERROR,
    HostRefusalError,
    SpoiledAnswerError,
    refuse_timed_out,
    refuse_unmanaged,
    refuse_with_fault,
)

GARBAGE = '\x00\x01createsnapshot(\ufffd = <?xml version="1.0"?>\n%!s(nil)'
_FAR_SECONDS = 3600.0
# Literal texts: a VMware KB article on quiescing, and the API's fault for a full datastore.
_TEXTS = {
    "quiesce_fails": "Cannot create a quiesced snapshot because the snapshot operation exceeded "
    "the time limit for holding off I/O in the frozen virtual machine",
    "no_space": "Insufficient disk space on datastore ''.",
    "refuse": f"{GENERAL_ERROR}internal error",
    "error_with_effect": f"{GENERAL_ERROR}internal error",
}


def meet_faults(faults: Sequence[Fault]) -> None:
    """Play what comes before the host does anything, and return if it is to do it.

    Raise HostRefusalError or SpoiledAnswerError for an answer without effect.
    """
    for fault in faults:
        if fault.kind == "delay":
            sleep_seconds(fault.seconds)
    for fault in faults:
        if fault.kind == "hang":
            _hang()
        if fault.kind == "management_down":
            raise refuse_unmanaged()
        if fault.kind in {"refuse", "quiesce_fails", "no_space"}:
            raise refuse_with_fault(_choose_text(fault))
        if fault.kind == "timeout_nothing":
            raise _time_out(fault)
        if fault.kind.endswith("_nothing"):
            raise _spoil(fault)


def spoil_answer(faults: Sequence[Fault]) -> None:
    """Raise what is said in place of the answer of a command that the host has carried out."""
    for fault in faults:
        if fault.kind in {"timeout", "timeout_late"}:
            raise _time_out(fault)
        if fault.kind == "error_with_effect":
            raise refuse_with_fault(_choose_text(fault))
        if fault.kind in {"garbage", "silence"}:
            raise _spoil(fault)


def _hang() -> NoReturn:
    while True:
        sleep_seconds(_FAR_SECONDS)


def _time_out(fault: Fault) -> HostRefusalError:
    return refuse_with_fault(fault.text) if fault.text else refuse_timed_out()


def _spoil(fault: Fault) -> SpoiledAnswerError:
    if fault.kind.startswith("silence"):
        return SpoiledAnswerError("")
    return SpoiledAnswerError(f"{fault.text or GARBAGE}\n")


def _choose_text(fault: Fault) -> str:
    return fault.text or _TEXTS[fault.kind]
