"""Any of avtar, hook and guard is killed at any instant, while four VMs are worked on at once."""

import os
import time
from collections import Counter

from apart import DoAll

SEEDS = range(1, int(os.environ.get("HLB_SWEEP_RANDOM", "20")) + 1)


def test_whoever_is_killed_at_whatever_instant_nothing_is_left(
    do_all: DoAll, summary: list[str]
) -> None:
    begun = time.monotonic()
    answers = do_all({"night": seed} for seed in SEEDS)
    wrong = [answer["wrong"] for answer in answers if answer["wrong"]]
    killed = Counter(victim for answer in answers for victim in answer.get("killed", []))
    deaths = ", ".join(f"{number} {victim}" for victim, number in sorted(killed.items()))
    summary.append(
        f"random nights: {len(SEEDS) - len(wrong)} of {len(SEEDS)} (HLB_SWEEP_RANDOM), "
        f"killed: {deaths}; {time.monotonic() - begun:.0f} s"
    )
    assert killed, "nobody was there to be killed"
    assert not wrong, f"{len(wrong)} of {len(SEEDS)}:\n" + "\n".join(wrong)
