"""What the hooks add to the host's own commands, and what their start costs."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from figures import Figure, measure_in_turn, seconds
from free_host import FreeHost, Workshop

from hlb_hooks.effects.commands import Command, CommandRunner
from hlb_hooks.effects.effect_kind import EffectKind

TALK = Path(__file__).with_name("talk")
COMMANDS = ("-l", "getstate", "createsnapshot", "removesnapshots")
# As the defaults have it: so many snapshots made at once, and removed.
AT_ONCE, AT_ONCE_AT_THE_END = 2, 1
STORES = (1, 1, 1, 1)


def measure_start_up(workshop: Workshop, rounds: int) -> Iterator[Figure]:
    """Measure the shortest call of a hook against the shortest of Python."""
    host = FreeHost(workshop, workshop.folder / "start-up", 1, 1, STORES)
    stopwatch = workshop.stopwatch
    commands: list[list[str | Path]] = [
        [host.hooks[0], "--version"],
        [workshop.python, "-I", "-c", "pass"],
    ]
    ours, bare = measure_in_turn(
        [lambda each=each: stopwatch.time(each).seconds for each in commands], rounds
    )
    yield Figure(
        "`initial_backup --version`, against `python3 -I -c pass`",
        seconds(ours),
        seconds(bare),
        ours / bare,
        2.5,
    )


def measure_one_command(workshop: Workshop, rounds: int) -> Iterator[Figure]:
    """Measure what one command costs that is run as the hooks run it, against a bare spawn."""
    host = FreeHost(workshop, workshop.folder / "one-command", 1, 1, STORES)
    argv = (str(host.vmware_cmd), host.chosen[0], "getstate")
    command = Command("getstate", argv, EffectKind.READS, 60, "the benchmark")
    runner = CommandRunner(run="bench", may_change=False)
    nowhere = [(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)]

    def spawn() -> None:
        os.waitpid(os.posix_spawn(argv[0], argv, os.environ, file_actions=nowhere), 0)

    runner.prepare()
    ours, bare = measure_in_turn([time_of(lambda: runner.run(command)), time_of(spawn)], rounds)
    yield Figure(
        "one command by way of `sh`, against a bare spawn",
        seconds(ours),
        seconds(bare),
        ours / bare,
    )


def time_of(action: Callable[[], object]) -> Callable[[], float]:
    """Give what times ``action``."""

    def take() -> float:
        started = time.perf_counter()
        action()
        return time.perf_counter() - started

    return take


def measure_slow_commands(
    workshop: Workshop, folder: Path, present: int, chosen: int, rounds: int, goal: float
) -> Iterator[Figure]:
    """Measure both hooks on a host whose commands take half a second, on a disk."""
    host = FreeHost(workshop, folder / f"slow-{present}", present, chosen, STORES)
    host.set_latency(dict.fromkeys(COMMANDS, 0.5))
    ours, floor = measure_hooks_and_floor(host, rounds)
    yield Figure(
        f"both hooks, commands of 0.5 s, {present:,} VMs present, {chosen} chosen; against the "
        "same commands alone",
        seconds(ours),
        seconds(floor),
        ours / floor,
        goal,
    )


def measure_free_commands(
    workshop: Workshop, present: int, chosen: int, rounds: int, goals: tuple[float | None, float]
) -> Iterator[Figure]:
    """Measure both hooks on a host whose commands cost nothing: floor, and the talk's scripts."""
    host = FreeHost(workshop, workshop.folder / f"free-{present}", present, chosen, STORES)
    what = f"both hooks, commands that cost nothing, {present:,} present, {chosen} chosen"
    ours, floor = measure_hooks_and_floor(host, rounds)
    yield Figure(
        f"{what}; against the same commands alone",
        seconds(ours),
        seconds(floor),
        ours / floor,
        goals[0],
    )
    # Slow in many VMs, so that once is enough; where it is quick it is measured as often.
    (talk,) = measure_in_turn([lambda: time_talk(host)], 1 if chosen > 1 else rounds)
    yield Figure(
        f"{what}; against the talk's scripts", seconds(ours), seconds(talk), ours / talk, goals[1]
    )


def measure_hooks_and_floor(host: FreeHost, rounds: int) -> tuple[float, float]:
    """Give the median seconds of the two."""

    def time_hooks() -> float:
        host.forget_runs()
        return host.time_hooks().seconds

    ours, floor = measure_in_turn(
        [time_hooks, lambda: host.time_floor(AT_ONCE, AT_ONCE_AT_THE_END).seconds], rounds
    )
    return ours, floor


def time_talk(host: FreeHost) -> float:
    """Run the talk's two scripts; they find their files in the host's folder."""
    variables = [f"FOLDER={host.folder}", f"VMWARE_CMD={host.vmware_cmd}"]
    log = host.folder / "talk.log"
    taken = [
        host.workshop.stopwatch.time(["/usr/bin/env", *variables, TALK / script], log).seconds
        for script in ("initial_backup", "initial_umount")
    ]
    report = log.read_text()
    if report.count("OK_snap OK_umount") != len(host.chosen):
        raise AssertionError(f"the talk's scripts did not do their work: {report[-2000:]}")
    return sum(taken)
