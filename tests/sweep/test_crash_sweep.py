"""Each program of ours is killed at every call by which it changes the world; nothing is left."""

import time
from collections import Counter

import pytest
from apart import DoAll
from crash import Crash, Program, Rescuer
from stepping import Point

pytestmark = pytest.mark.usefixtures("strace")

# At least these are there; fewer mean that strace's injection did not work.
FEWEST_POINTS: dict[Program, int] = {
    "initial_backup": 60,
    "initial_umount": 30,
    "reap": 20,
    "guard": 20,
}
REMOVING_KINDS = {"write", "fsync", "flock", "execve", "unlink"}
KINDS: dict[Program, set[str]] = {
    "initial_backup": {"write", "fsync", "openat", "mkdir", "flock", "execve"},
    "initial_umount": REMOVING_KINDS,
    "reap": REMOVING_KINDS,
    "guard": REMOVING_KINDS,
}
RESCUERS: dict[Program, tuple[Rescuer, ...]] = {
    "initial_backup": (
        "reap",
        "reap_beside_a_command",
        "reap_of_a_torn_line",
        "guard",
        "end_hook",
        "next_run",
    ),
    "initial_umount": (
        "reap",
        "reap_beside_a_command",
        "reap_of_a_torn_line",
        "guard",
        "next_run",
    ),
    "reap": ("reap", "reap_beside_a_command", "next_run"),
    "guard": ("reap", "reap_beside_a_command", "next_run"),
}


@pytest.fixture(scope="module")
def recorded(do_all: DoAll) -> dict[Program, list[Point]]:
    """Give the points of each program."""
    answers = zip(FEWEST_POINTS, do_all({"record": each} for each in FEWEST_POINTS), strict=True)
    return {program: [Point(**point) for point in points] for program, points in answers}


def choose_points(points: list[Point], rescuer: Rescuer) -> list[Point]:
    """Give the points at which a rescuer is tried.

    The reaper is, at every one. For the others the world is, after a sync or after a word on
    stdout or in the log file, as it was after the point before: what is killed is no host.
    """
    if rescuer == "reap":
        return points
    if rescuer == "reap_of_a_torn_line":
        return [each for each in points if each.call == "write" and is_state(each)]
    if rescuer == "reap_beside_a_command":
        return [each for each in points if each.who == "child"]
    return [
        each
        for each in points
        if each.call != "fsync" and not each.target.endswith((".out", ".log"))
    ]


def is_state(point: Point) -> bool:
    return point.target.endswith(".state")


@pytest.mark.parametrize(
    ("program", "rescuer"),
    [(program, rescuer) for program, rescuers in RESCUERS.items() for rescuer in rescuers],
)
def test_a_program_killed_at_any_call_leaves_nothing_behind(
    program: Program,
    rescuer: Rescuer,
    recorded: dict[Program, list[Point]],
    do_all: DoAll,
    summary: list[str],
) -> None:
    begun = time.monotonic()
    points = choose_points(recorded[program], rescuer)
    jobs = [{"crash": Crash(program, point, rescuer).to_json()} for point in points]
    answers = do_all(jobs)
    wrong = [answer["wrong"] for answer in answers if answer["wrong"]]
    kinds = Counter(point.call for point in points)
    said = ", ".join(f"{number} {call}" for call, number in sorted(kinds.items()))
    summary.append(
        f"crash sweep: {program}, put right by {rescuer}: {len(points) - len(wrong)} of "
        f"{len(points)} points ({said}), {time.monotonic() - begun:.0f} s"
    )
    assert not wrong, f"{len(wrong)} of {len(points)} points:\n" + "\n".join(wrong)


@pytest.mark.parametrize("program", FEWEST_POINTS)
def test_the_sweep_covers_every_kind_of_call(
    program: Program, recorded: dict[Program, list[Point]]
) -> None:
    points = recorded[program]
    assert len(set(points)) == len(points)
    assert len(points) >= FEWEST_POINTS[program]
    assert {point.call for point in points} >= KINDS[program]
