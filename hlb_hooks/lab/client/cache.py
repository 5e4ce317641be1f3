"""avtar's file cache: a file whose path, size and mtime are as before is not opened again.

``f_cache.dat`` in the var folder has, for each file, what was known of it and a hash of its content
(EMC's description of the cache). So a file that changed while its mtime stood still is stored with
its old content, and nobody is told.
"""

import json
import os
from pathlib import Path

from hlb_hooks.lab.files import PRIVATE_MODE, write_file


class FileCache:
    """The cache of one dataset, read whole and written whole."""

    def __init__(self, path: Path) -> None:
        """Read the cache, if there is one; from one that is damaged nothing is taken."""
        self._path = path
        self._entries: dict[str, list[int | str]] = {}
        self.is_damaged = False
        if path.exists():
            try:
                self._entries = json.loads(path.read_text("ascii"))["files"]
            except (ValueError, KeyError, TypeError):
                self.is_damaged = True

    def find(self, path: Path, status: os.stat_result) -> str | None:
        """Give the SHA-256 of a file that is as it was, or None."""
        entry = self._entries.get(str(path))
        if entry is None or entry[:2] != [status.st_size, status.st_mtime_ns]:
            return None
        return str(entry[2])

    def add(self, path: Path, status: os.stat_result, sha256: str) -> None:
        """Note a file that was read, with its ``status`` from before that."""
        self._entries[str(path)] = [status.st_size, status.st_mtime_ns, sha256]

    def save(self) -> None:
        """Write the cache."""
        # ASCII throughout: a path's bytes that are not UTF-8 travel as escaped surrogates.
        data = json.dumps({"files": self._entries}).encode("ascii")
        write_file(self._path, data, PRIVATE_MODE)
