"""What a client tells the task that it starts, beside what is to be done: the faults to play."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from hlb_hooks.lab.host.faults import Fault


@dataclass(frozen=True)
class TaskOrders:
    """How a task goes; all seconds.

    ``begins_after``: nothing of it is to be seen until then. ``takes_longer``: after it has begun.
    ``says_done_early``: of a removal, when the entry is gone from the .vmsd. ``helper`` as of a
    removal; empty: as the host's settings say. ``asks_question``: the running VM asks one when the
    task begins, which then waits until it is answered, or gives up after ``question_seconds`` if
    that is not 0.
    """

    begins_after: float = 0.0
    takes_longer: float = 0.0
    says_done_early: bool = False
    helper: str = ""
    asks_question: bool = False
    question_seconds: float = 0.0

    def to_text(self) -> str:
        """Give the orders as one word of a command line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> "TaskOrders":
        """Read what ``to_text`` gave."""
        return cls(**json.loads(text))


def make_orders(faults: Iterable[Fault]) -> TaskOrders:
    """Give what the faults that hit a command mean for its task: times add up."""
    begins_after = takes_longer = question_seconds = 0.0
    kinds = set()
    for fault in faults:
        kinds.add(fault.kind)
        if fault.kind == "timeout_late":
            begins_after += fault.seconds
        elif fault.kind in {"slow_task", "timeout", "done_early"}:
            takes_longer += fault.seconds
        elif fault.kind == "question":
            question_seconds += fault.seconds
    return TaskOrders(
        begins_after=begins_after,
        takes_longer=takes_longer,
        says_done_early="done_early" in kinds,
        helper="hidden" if "helper_hidden" in kinds else "left" if "helper_left" in kinds else "",
        asks_question="question" in kinds,
        question_seconds=question_seconds,
    )
