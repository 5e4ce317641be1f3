"""A bad disk under the state folder: nothing new is made, and what is open is removed."""

import time
from itertools import product

import pytest
from apart import DoAll
from bad_disk import BadDisk, Fault, Program

pytestmark = pytest.mark.usefixtures("strace")

REMOVERS: tuple[Program, ...] = ("initial_umount", "guard", "reap")
FAULTS: tuple[Fault, ...] = ("full", "read_only", "bad_config")
CALLS = ("write", "fsync")
# Each thread has two records to write from here on: a VM's intent and its flag, or the run's two.
NUMBERS = (1, 2)
CASES = {
    "a_start_hook_begins_nothing": [
        *(BadDisk(fault, "initial_backup") for fault in FAULTS),
        # The first two syncs of its main thread are those of the new state file and its folder.
        *(BadDisk("error", "initial_backup", "fsync", when) for when in ("1", "2", "1+", "2+")),
    ],
    "a_run_that_has_begun_makes_only_what_is_recorded": [
        BadDisk("error", "running_initial_backup", calls, f"{number}{onwards}".strip())
        for calls, number, onwards in product(CALLS, NUMBERS, "+ ")
    ],
    "what_is_open_is_removed": [
        BadDisk(fault, remover) for fault, remover in product(FAULTS, REMOVERS)
    ],
    "an_error_anywhere_keeps_nothing_open": [
        BadDisk("error", remover, calls, f"{number}{onwards}".strip())
        for remover, calls, number, onwards in product(REMOVERS, CALLS, NUMBERS, "+ ")
    ],
}


@pytest.mark.parametrize("name", CASES)
def test_when_the_disk_is_bad(name: str, do_all: DoAll, summary: list[str]) -> None:
    begun = time.monotonic()
    cases = CASES[name]
    answers = do_all({"disk": case.to_json()} for case in cases)
    wrong = [answer["wrong"] for answer in answers if answer["wrong"]]
    summary.append(
        f"bad disk: {name}: {len(cases) - len(wrong)} of {len(cases)}, "
        f"{time.monotonic() - begun:.0f} s"
    )
    assert not wrong, f"{len(wrong)} of {len(cases)}:\n" + "\n".join(wrong)
