"""The book of guarantees: what is promised, the line that keeps it, the tests that fail without it.

``guarantees.toml`` has an entry for each: ``promise``, ``file`` and ``line`` (the line's text, once
in that file), ``broken`` (what to put in its place to break the promise), and ``tests``.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BOOK = Path(__file__).with_name("guarantees.toml")
PAGE = ROOT / "docs" / "reference" / "guarantees.md"


@dataclass(frozen=True)
class Guarantee:
    """One promise."""

    chapter: str
    promise: str
    file: str
    line: str
    broken: str
    tests: tuple[str, ...]

    def find_line(self, root: Path = ROOT) -> int:
        """Give the number of the line that keeps the promise; it is there once."""
        lines = (root / self.file).read_text("utf-8").splitlines()
        numbers = [number for number, text in enumerate(lines, 1) if text.strip() == self.line]
        assert len(numbers) == 1, f"{self.file}: {self.line!r} is there {len(numbers)} times"
        return numbers[0]

    def break_in(self, root: Path) -> None:
        """Put the broken line into the tree at ``root``, indented as the right one."""
        path = root / self.file
        lines = path.read_text("utf-8").splitlines()
        number = self.find_line(root)
        right = lines[number - 1]
        indent = right[: len(right) - len(right.lstrip())]
        lines[number - 1] = indent + self.broken
        path.write_text("\n".join(lines) + "\n", "utf-8")


def read_book() -> list[Guarantee]:
    """Give the guarantees in their order."""
    book = tomllib.loads(BOOK.read_text("utf-8"))
    return [
        Guarantee(chapter, **{**entry, "tests": tuple(entry["tests"])})
        for chapter, entries in book.items()
        for entry in entries
    ]
