"""A backup in which any of avtar, hook and guard is killed at any instant, and the rescue."""

import os
import random
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hook_kit import RunningAvtar
from hook_watching import PATIENCE_SECONDS, read_words, wait_until
from scene import PATIENCE_OF_THE_RUN_SECONDS, Scene, staged

VMS = 5
VICTIMS = ("avtar", "hook", "guard")
# Longer than a hook takes here, when the machine is idle; later than that nobody is there.
LATEST_SECONDS = 1.2
PARALLEL = {"parallel": 4, "parallel_per_datastore": 4, "remove_parallel": 4}


@dataclass
class RandomNight:
    """One backup; all that is left to chance comes from ``seed``, but for the machine's own."""

    seed: int
    told: str = ""
    killed: list[str] = field(default_factory=list)

    @classmethod
    def from_json(cls, seed: Any) -> "RandomNight":
        return cls(seed)

    def __str__(self) -> str:
        return f"seed {self.seed}: {self.told}"

    def happen(self, root: Path) -> None:
        chance = random.Random(self.seed)
        with staged(root, VMS, **PARALLEL) as scene:
            scene.site.host.configure(
                latency_seconds={
                    "createsnapshot": chance.uniform(0, 0.3),
                    "removesnapshots": chance.uniform(0, 0.3),
                },
                merge_seconds=chance.uniform(0, 0.2),
                helper=chance.choice(["none", "merged"]),
            )
            hook = chance.choice(["initial_backup", "initial_umount"])
            victims = chance.sample(VICTIMS, chance.randint(1, len(VICTIMS)))
            instants = sorted((chance.uniform(0, LATEST_SECONDS), victim) for victim in victims)
            rescuer = chance.choice(["reap", "next_run"])
            deaths = ", ".join(f"{victim} at {instant:.2f} s" for instant, victim in instants)
            self.told = f"in {hook} {deaths}, then {rescuer}"
            with scene.site.avtar() as avtar:
                self._kill_in_turn(scene, avtar, hook, instants)
                _let_go_on(scene, avtar)
            _put_right(scene, rescuer)
            scene.check_clean()

    def _kill_in_turn(
        self, scene: Scene, avtar: RunningAvtar, hook: str, instants: list[tuple[float, str]]
    ) -> None:
        if hook == "initial_umount":
            avtar.wait_started()
            (avtar.barrier / "continue").touch()
        begun = time.monotonic()
        for instant, victim in instants:
            time.sleep(max(0.0, begun + instant - time.monotonic()))
            pids = {
                "avtar": [avtar.pid] if avtar.process.poll() is None else [],
                "hook": _find_hooks(scene),
                "guard": scene.site.guards(),
            }[victim]
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    self.killed.append(victim)
            scene.check_always()


def _let_go_on(scene: Scene, avtar: RunningAvtar) -> None:
    """Whoever is alive goes on to the end of the backup."""
    (avtar.barrier / "continue").touch()
    avtar.process.communicate(timeout=PATIENCE_SECONDS)
    wait_until(lambda: not _find_hooks(scene), "the end of a hook")
    scene.wait_for_commands()
    scene.check_always()
    scene.write_as_guests()


def _put_right(scene: Scene, rescuer: str) -> None:
    wait_until(lambda: not scene.site.guards(), "the guard's end")
    if scene.has_unclear_intent():
        time.sleep(PATIENCE_OF_THE_RUN_SECONDS)
    if rescuer == "next_run":
        story = scene.site.back_up()
        assert story.start.exit_code in {0, 1}, story.start.stdout
        assert story.ended.exit_code in {0, 1, 4}, story.ended.stdout
        scene.wait_settled()
    else:
        scene.reap()


def _find_hooks(scene: Scene) -> list[int]:
    folder = os.fsencode(scene.site.scripts)
    return [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and any(word.startswith(folder) for word in read_words(entry)[:4])
    ]
