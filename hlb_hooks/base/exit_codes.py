"""The exit codes promised to avtar and to the operator: one table, here and nowhere else."""

from enum import IntEnum

# As checkers know it without the import, which is a third of what --version costs.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self


class ExitCode(IntEnum):
    """What a hook or ``hlb`` tells its caller; ``meaning`` is the line the documents repeat."""

    meaning: str

    def __new__(cls, value: int, meaning: str) -> "Self":
        """Make one code from its number and its meaning."""
        code = int.__new__(cls, value)
        code._value_ = value
        code.meaning = meaning
        return code

    DONE = (0, "done: everything asked for was done, or was rightly left out")
    NOT_PROTECTED = (1, "a chosen VM is not protected by this run (named in the report)")
    USAGE = (2, "usage or configuration error: no VM was changed")
    DEFECT = (3, "a defect of ours: traceback in the log file, the run handed to the guard")
    STILL_OPEN = (4, "the data is safe, but a snapshot of ours is still open")
    NOT_NOW = (75, "not now: another run of this job is active: no VM was changed")
    INTERRUPTED = (130, "interrupted by SIGINT, after handing over")
    TERMINATED = (143, "interrupted by SIGTERM or SIGHUP, after handing over")
