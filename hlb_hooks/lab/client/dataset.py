"""What a backup reads: the named files and folders, less what is excluded, plus what is included.

Patterns are the shell's, with ``**`` for any depth; one without a slash is compared with the
file's name alone. Excluding a folder excludes all below it, and an include adds files back that
an exclude took away: source, exclude, include is avtar's own order.
"""

import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Dataset:
    """Absolute files and folders to read, and the patterns that thin them out."""

    sources: tuple[Path, ...]
    excludes: tuple[str, ...] = ()
    includes: tuple[str, ...] = ()

    def walk(self, report: Callable[[OSError], None]) -> Iterator[Path]:
        """Give every file and symbolic link to be read, in order.

        A folder that cannot be read is handed to ``report``, and passed over. Raise OSError for a
        source that is not there.
        """
        for source in self.sources:
            source.lstat()
            for path in _walk(source, report):
                if self.is_wanted(path, source):
                    yield path

    def is_wanted(self, path: Path, source: Path) -> bool:
        """Tell whether the patterns let ``path`` through, which was found below ``source``."""
        # What leads to the source is where somebody keeps it, and no part of the backup.
        parts = (path, *(part for part in path.parents if source in part.parents))
        if not _matches_any(parts, self.excludes):
            return True
        return _matches_any(parts, self.includes)


def _walk(path: Path, report: Callable[[OSError], None]) -> Iterator[Path]:
    if path.is_symlink() or not path.is_dir():
        yield path
        return
    try:
        children = sorted(path.iterdir())
    except OSError as error:
        report(error)
        return
    for child in children:
        yield from _walk(child, report)


def _matches_any(parts: tuple[Path, ...], patterns: tuple[str, ...]) -> bool:
    return any(
        _compile(pattern).fullmatch(str(part) if "/" in pattern else part.name)
        for pattern in patterns
        for part in parts
    )


@functools.cache
def _compile(pattern: str) -> re.Pattern[str]:
    if "/" in pattern and not pattern.startswith(("/", "**")):
        pattern = f"**/{pattern}"
    return re.compile(_translate(pattern.rstrip("/")), re.DOTALL)


def _translate(pattern: str) -> str:
    tokens = re.findall(r"\*\*|\*|\?|\[!?[^\]]+\]|.", pattern, re.DOTALL)
    meanings = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(_translate_token(token, meanings) for token in tokens)


def _translate_token(token: str, meanings: dict[str, str]) -> str:
    if len(token) > 2 and token.startswith("["):
        inside = token[1:-1].replace("\\", "\\\\").replace("[", "\\[")
        return f"[^{inside[1:]}]" if inside.startswith("!") else f"[{inside}]"
    return meanings.get(token) or re.escape(token)
