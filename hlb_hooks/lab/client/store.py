"""What stands for the backup server: files by their SHA-256, and one manifest a backup."""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from hlb_hooks.base.errors import HlbError, UsageError
from hlb_hooks.lab.files import PRIVATE_MODE, hold_lock, make_folder, write_file


@dataclass(frozen=True)
class StoredFile:
    """One file of a backup; a symbolic link has a ``link_target`` and no content."""

    path: str
    size_bytes: int
    mode: int
    mtime_ns: int
    sha256: str = ""
    link_target: str = ""


@dataclass(frozen=True)
class Backup:
    """One backup: its number and label, when it was made (local time), and its files."""

    number: int
    label: str
    account: str
    made_at: str
    files: list[StoredFile] = field(default_factory=list)

    @property
    def size_bytes(self) -> int:
        """The size of all files together."""
        return sum(file.size_bytes for file in self.files)


class Store:
    """Backups below one folder."""

    def __init__(self, folder: Path) -> None:
        """Take the store's folder, which is there."""
        self._contents = folder / "contents"
        self._backups = folder / "backups"
        self._lock = folder / "store.lock"
        for path in (self._contents, self._backups):
            make_folder(path)

    def has_content(self, sha256: str) -> bool:
        """Tell whether a file with that SHA-256 is kept."""
        return (self._contents / sha256).exists()

    def add_content(self, chunks: Iterable[bytes]) -> tuple[str, int, bool]:
        """Keep a file that comes in ``chunks``: its SHA-256, its size, and whether it is new.

        Whatever the chunks' source raises goes on to the caller; then nothing is kept.
        """
        temporary = self._contents / f".{os.getpid()}.new"
        digest = hashlib.sha256()
        size_bytes = 0
        try:
            with temporary.open("wb") as target:
                os.fchmod(target.fileno(), PRIVATE_MODE)
                for chunk in chunks:
                    digest.update(chunk)
                    size_bytes += len(chunk)
                    target.write(chunk)
            sha256 = digest.hexdigest()
            is_new = not self.has_content(sha256)
            if is_new:
                temporary.replace(self._contents / sha256)
        finally:
            temporary.unlink(missing_ok=True)
        return sha256, size_bytes, is_new

    def add_backup(self, label: str, account: str, made_at: str, files: list[StoredFile]) -> Backup:
        """Keep a finished backup under the next number."""
        with hold_lock(self._lock):
            number = max((backup.number for backup in self.list_backups()), default=0) + 1
            backup = Backup(number, label, account, made_at, files)
            # ASCII throughout: a path's bytes that are not UTF-8 travel as escaped surrogates.
            text = json.dumps(asdict(backup), indent=1).encode("ascii")
            write_file(self._backups / f"{number:06}.json", text)
        return backup

    def list_backups(self) -> list[Backup]:
        """Give every backup, the oldest first."""
        return [_read_manifest(path) for path in sorted(self._backups.glob("*.json"))]

    def find_backup(self, number: int | None) -> Backup:
        """Give the backup of that number, or the newest. Raise UsageError if there is none."""
        backups = self.list_backups()
        for backup in backups[::-1]:
            if number in (None, backup.number):
                return backup
        known = ", ".join(str(backup.number) for backup in backups) or "none"
        raise UsageError(f"no backup #{number}; there are: {known}")

    def restore_content(self, file: StoredFile, target: Path) -> None:
        """Write a file's content to ``target``, which must not be there, with mode and mtime.

        Raise HlbError when what the store holds is not what was put there.
        """
        with contextlib.ExitStack() as stack:
            source = stack.enter_context((self._contents / file.sha256).open("rb"))
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_MODE)
            shutil.copyfileobj(source, stack.enter_context(os.fdopen(descriptor, "wb")))
        if hash_file(target) != file.sha256:
            raise HlbError(f"{target}: the store's copy of {file.path} is damaged")
        target.chmod(file.mode)
        os.utime(target, ns=(file.mtime_ns, file.mtime_ns))


def hash_file(path: Path) -> str:
    """Give the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def select_files(backup: Backup, wanted: tuple[Path, ...]) -> Iterator[tuple[StoredFile, Path]]:
    """Give the files at or below one of ``wanted``, or all if none is.

    With each goes the folder that its restored path is relative to.
    """
    for file in backup.files:
        path = Path(file.path)
        if not wanted:
            yield file, Path(path.anchor)
        for top in wanted:
            if path == top or top in path.parents:
                yield file, top.parent
                break


def _read_manifest(path: Path) -> Backup:
    fields = json.loads(path.read_text("ascii"))
    return Backup(**{**fields, "files": [StoredFile(**file) for file in fields["files"]]})
