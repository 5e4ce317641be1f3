"""Thousands of steps of the machine, in two processes.

HLB_MACHINE_STEPS says how many in all, HLB_MACHINE_SEED what the first process begins with (the
second takes the next number): so a run can be played again, as far as real processes allow.
HLB_MACHINE_KEEP keeps the folder of an example that failed.
"""

import os
import random
import re
import subprocess
import sys
from pathlib import Path

STEPS = int(os.environ.get("HLB_MACHINE_STEPS", "2000"))
PROCESSES = 2
FOLDER = Path(__file__).parent


def test_nothing_is_left_behind_whatever_happens() -> None:
    first = int(os.environ.get("HLB_MACHINE_SEED", random.randrange(1 << 32)))
    steps_each = -(-STEPS // PROCESSES)
    running = [
        subprocess.Popen(
            [sys.executable, FOLDER / "machine_run.py", str(first + number), str(steps_each)],
            env={**os.environ, "PYTHONPATH": str(FOLDER.parent / "emulation")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for number in range(PROCESSES)
    ]
    said = [process.communicate()[0] for process in running]
    replay = f"HLB_MACHINE_SEED={first} HLB_MACHINE_STEPS={STEPS}"
    failures = [text for process, text in zip(running, said, strict=True) if process.returncode]
    assert not failures, "\n\n".join((replay, *failures))
    taken = [int(count) for text in said for count in re.findall(r"^steps=(\d+)", text, re.M)]
    compared = [int(count) for text in said for count in re.findall(r"disks=(\d+)", text)]
    print(f"{replay}: {sum(taken)} steps, {sum(compared)} stored disks compared")
    assert sum(taken) >= STEPS
    assert sum(compared) > 0, "no stored disk was ever compared with its snapshot"
