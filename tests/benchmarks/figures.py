"""The figures of a benchmark: each beside what it is measured against, and its goal."""

import statistics
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

TIMES = "\N{MULTIPLICATION SIGN}"


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    ``ours`` and ``against`` are texts with units; ``ratio`` is what ``goal`` is the limit of. A
    figure without a goal is there to be known.
    """

    what: str
    ours: str
    against: str = ""
    ratio: float | None = None
    goal: float | None = None
    unit: str = TIMES

    @property
    def verdict(self) -> str:
        """Say whether the goal is met, or by how much not."""
        if self.goal is None or self.ratio is None:
            return ""
        if self.ratio <= self.goal:
            return "met"
        beyond = self.ratio / self.goal - 1
        return f"missed by {beyond:.0%}" if beyond >= 0.01 else "missed by less than 1%"

    @property
    def cells(self) -> tuple[str, ...]:
        """Give the line's cells."""
        return (
            self.what,
            self.ours,
            self.against,
            "" if self.ratio is None else _show(self.ratio, self.unit),
            "" if self.goal is None else f"≤ {_show(self.goal, self.unit)}",
            self.verdict,
        )


HEADINGS = ("What", "Hooks", "Against", "Ratio", "Goal", "")


@dataclass
class Table:
    """The figures so far. Each is printed when it is there: a run lasts for minutes."""

    figures: list[Figure] = field(default_factory=list)

    def add(self, figures: Iterable[Figure]) -> None:
        """Take figures in, and print them."""
        for figure in figures:
            self.figures.append(figure)
            what, ours, against, ratio, goal, verdict = figure.cells
            print(f"{what:<66} {ours:>12} {against:>26} {ratio:>8} {goal:>9}  {verdict}")
            sys.stdout.flush()

    def to_markdown(self) -> str:
        """Give the table as a page has it."""
        rows = [HEADINGS, ("---", "---:", "---:", "---:", "---:", "---")]
        rows += [figure.cells for figure in self.figures]
        return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _show(value: float, unit: str) -> str:
    digits = 3 if value < 0.1 else 2 if value < 10 else 1
    return f"{value:.{digits}f}{unit}" if unit == TIMES else f"{value:.{digits}f} {unit}"


def measure_in_turn(actions: Iterable[Callable[[], float]], rounds: int) -> list[float]:
    """Give the median of each, all run in turn: whoever else is at work disturbs them alike."""
    kept = list(actions)
    taken: list[list[float]] = [[] for _ in kept]
    for _ in range(rounds):
        for values, action in zip(taken, kept, strict=True):
            values.append(action())
    return [statistics.median(values) for values in taken]


def seconds(value: float) -> str:
    """Show a time."""
    if value < 0.001:
        return f"{value * 1e6:.0f} µs"
    return f"{value * 1000:.1f} ms" if value < 0.1 else f"{value:.2f} s"
