"""Having the host carry out a task, and waiting for its answer as a client does."""

import json
import os
import select
from enum import Enum

from hlb_hooks.lab.host.orders import TaskOrders
from hlb_hooks.lab.host.outage import is_management_down
from hlb_hooks.lab.host.refusals import GENERAL_ERROR, refuse_unmanaged, refuse_with_fault
from hlb_hooks.lab.layout import Lab

_LOOK_MILLISECONDS = 200
BEGUN = "begun"


class Patience(Enum):
    """For how long a client waits for its task."""

    END = "until it has ended"
    ANSWER = "until it says that it is done"
    BEGIN = "until it has begun"
    NONE = "not at all"


def run_task(lab: Lab, arguments: list[str], orders: TaskOrders, patience: Patience) -> None:
    """Have the host carry out a task; ``orders`` say which faults to play.

    Raise HostRefusalError for its fault, or when the management daemon goes away meanwhile; the
    task goes on in that case, as it does when this process is killed.
    """
    reading, writing = os.pipe()
    program = lab.hostd / "hostd-task"
    pid = os.posix_spawn(
        program,
        [str(program), orders.to_text(), *arguments],
        {},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, writing, 1),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        ],
        setsid=True,
    )
    os.close(writing)
    try:
        fault, has_ended = _wait(lab, reading, patience)
    finally:
        os.close(reading)
    if has_ended:
        os.waitpid(pid, 0)
    if fault is not None:
        raise refuse_with_fault(fault)


def _wait(lab: Lab, pipe: int, patience: Patience) -> tuple[str | None, bool]:
    """Give the task's fault, or None, and whether it is over.

    It is over when its pipe is at its end: only then is the VM free for another.
    """
    text = b""
    if patience is Patience.NONE:
        return None, False
    while piece := _read_piece(lab, pipe):
        text += piece
        said = [json.loads(line) for line in text.split(b"\n")[:-1]]
        if patience is Patience.BEGIN and BEGUN in said:
            return None, False
        if patience is Patience.ANSWER and {"fault": None} in said:
            return None, False
    answers = [json.loads(line) for line in text.splitlines()]
    if not answers or answers[-1] == BEGUN:
        return f"{GENERAL_ERROR}the task ended without an answer", True
    return answers[-1]["fault"], True


def _read_piece(lab: Lab, pipe: int) -> bytes:
    poller = select.poll()
    poller.register(pipe, select.POLLIN)
    while not poller.poll(_LOOK_MILLISECONDS):
        if is_management_down(lab):
            raise refuse_unmanaged()
    return os.read(pipe, 4096)
