"""One program, killed at one point, and everything put right again by one of those who can."""

import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from scene import PATIENCE_OF_THE_RUN_SECONDS, Scene, staged
from stepping import Point, Steps

Program = Literal["initial_backup", "initial_umount", "reap", "guard"]
# Who puts things right: the guard, which lives on when the client dies; the client's end hook,
# beside the guard; `hlb reap`, the guard being killed too; nobody but the next backup; `hlb reap`,
# after the line that was just being written was cut in half; `hlb reap`, tried too while the
# command that the program had just started has done nothing yet.
Rescuer = Literal[
    "guard", "end_hook", "reap", "next_run", "reap_of_a_torn_line", "reap_beside_a_command"
]


class PointNotReachedError(Exception):
    """The program ended, and never came to the point at which it was to be killed."""


@dataclass(frozen=True)
class Crash:
    """A program of ours, killed at a point."""

    program: Program
    point: Point
    rescuer: Rescuer

    @classmethod
    def from_json(cls, job: Any) -> "Crash":
        return cls(job["program"], Point(**job["point"]), job["rescuer"])

    def __str__(self) -> str:
        return f"{self.program} killed at {self.point}"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def happen(self, root: Path) -> None:
        """Kill, look, put right, look again. Raise AssertionError, or PointNotReachedError."""
        with staged(root) as scene:
            steps = prepare(scene, self.program)
            meanwhile = self._reap_beside if self.rescuer == "reap_beside_a_command" else None
            if steps.run(self.point, meanwhile and partial(meanwhile, scene)) is not None:
                raise PointNotReachedError(str(self.point))
            killed = time.monotonic()
            if self.rescuer == "end_hook":
                done = scene.run(scene.hook_command("initial_umount"))
                assert done.returncode in {0, 1, 4}, done.stdout
            elif self.rescuer != "guard":
                scene.kill_guards()
            scene.kill_owner()
            scene.check_always()
            scene.wait_for_commands()
            scene.check_always()
            scene.write_as_guests()
            if self.rescuer == "reap_of_a_torn_line":
                _tear_last_line(scene.site.state_file)
            self._put_right(scene, killed)
            scene.check_clean()

    def _reap_beside(self, scene: Scene) -> None:
        """While a command of the dead program may still act, nothing is asked of the host."""
        if self.program != "guard":  # else what it has forked would look like one, and be killed
            scene.kill_guards()
        scene.kill_owner()
        before = scene.site.changing_calls()
        _reap_early(scene)
        assert scene.site.changing_calls() == before, f"{scene.site.changing_calls()}"

    def _put_right(self, scene: Scene, killed: float) -> None:
        if self.rescuer in {"guard", "end_hook"} and scene.site.guards():
            scene.wait_settled()
            return
        if scene.has_unclear_intent():
            # The snapshot may still come: what is not there yet is not given up.
            _reap_early(scene)
            time.sleep(max(0.0, killed + PATIENCE_OF_THE_RUN_SECONDS - time.monotonic()))
        if self.rescuer == "next_run":
            story = scene.site.back_up()
            assert story.start.exit_code in {0, 1}, story.start.stdout
            assert story.ended.exit_code in {0, 1}, story.ended.stdout
            scene.wait_settled()
            return
        scene.reap()


def prepare(scene: Scene, program: Program) -> Steps:
    """Bring a scene to where ``program`` begins."""
    if program == "initial_backup":
        command = scene.hook_command(program)
    else:
        scene.start()
        if program == "initial_umount":
            command = scene.hook_command(program)
        else:
            scene.kill_guards()
            scene.kill_owner()
            command = scene.reap_command() if program == "reap" else scene.guard_command()
    return Steps(command, scene.root, scene.environment)


def record(program: Program, root: Path) -> list[Point]:
    """Give every point of ``program``, in the order of one run of it that nobody disturbs."""
    with staged(root) as scene:
        steps = prepare(scene, program)
        exit_code = steps.run()
        # The VM with an administrator's snapshot is left out: the end hook says so with 1.
        expected = 1 if program == "initial_umount" else 0
        assert exit_code == expected, f"exit code {exit_code}"
        if program == "initial_backup":
            scene.run(scene.hook_command("initial_umount"))
        scene.write_as_guests()
        scene.wait_settled()
        scene.check_clean()
        return steps.points


def _reap_early(scene: Scene) -> None:
    """Try to put things right while that cannot be finished."""
    early = scene.run(scene.reap_command())
    assert early.returncode in {0, 4}, early.stdout
    scene.check_always()


def _tear_last_line(path: Path) -> None:
    """Cut the last line in half, as a power failure does; the host lives on here."""
    data = path.read_bytes()
    beginning = data.rstrip(b"\n").rfind(b"\n") + 1
    path.write_bytes(data[: beginning + (len(data) - beginning) // 2])
