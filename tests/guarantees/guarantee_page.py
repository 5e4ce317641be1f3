"""Write docs/reference/guarantees.md from the book; a test compares the two."""

from itertools import groupby
from pathlib import Path

from guarantee_book import BOOK, PAGE, read_book

HEAD = Path(BOOK).with_name("head.md")
TAIL = Path(BOOK).with_name("tail.md")


def render() -> str:
    """Give the page."""
    parts = [HEAD.read_text("utf-8").rstrip()]
    for chapter, entries in groupby(read_book(), key=lambda entry: entry.chapter):
        parts.append(f"\n## {chapter}\n")
        parts.append("| promise | the line that keeps it | without it fails |")
        parts.append("| --- | --- | --- |")
        for entry in entries:
            number = entry.find_line()
            tests = ", ".join(f"`{name.rpartition('::')[2]}`" for name in entry.tests)
            place = (
                f"[{entry.file.removeprefix('hlb_hooks/')}:{number}](../../{entry.file}#L{number})"
            )
            parts.append(f"| {entry.promise} | {place} | {tests} |")
    parts.append("\n" + TAIL.read_text("utf-8").rstrip())
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    PAGE.write_text(render(), "utf-8")
