"""One process of the machine: ``python machine_run.py SEED STEPS``; prints what it has done.

``tests/emulation`` is on its path.
"""

import itertools
import sys

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from lab_machine import LabMachine
from machine_base import MachineBase

_RULES_OF_EXAMPLE = 60
# Not every rule finds something to do, and only those that do are counted.
_STEPS_OF_EXAMPLE = 25
# The first example of hypothesis is always the plainest: next to nothing happens in it.
_FEWEST_EXAMPLES = 4
_SEEDS_APART = 1000


def main(first_seed: int, steps: int) -> None:
    """Play examples until that many steps are done. Raise whatever an example fails with.

    There is no shrinking: what is real processes does not fail the same way twice. The failure
    tells the steps that led to it.
    """
    for turn in itertools.count():
        machine = type("LabMachine", (LabMachine,), {})
        seed(first_seed + turn * _SEEDS_APART)(machine)
        left = steps - MachineBase.steps_taken
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=max(_FEWEST_EXAMPLES, left // _STEPS_OF_EXAMPLE),
                stateful_step_count=_RULES_OF_EXAMPLE,
                database=None,
                deadline=None,
                phases=(Phase.generate,),
                report_multiple_bugs=False,
                suppress_health_check=list(HealthCheck),
            ),
        )
        if MachineBase.steps_taken >= steps:
            break
    sys.stdout.write(
        f"steps={MachineBase.steps_taken} disks={MachineBase.disks_compared} "
        f"lost_in_window={MachineBase.lost_in_window}\n"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
