"""How avtar reads one file: it is taken from the cache, refused, read, or lost while it is read."""

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hlb_hooks.lab.client.cache import FileCache
from hlb_hooks.lab.client.cancel import Cancellation
from hlb_hooks.lab.client.log import AvtarLog, quote_path
from hlb_hooks.lab.client.store import Store, StoredFile
from hlb_hooks.lab.host.locks import LockTable

_CHUNK_BYTES = 1024 * 1024


class FailedReadError(Exception):
    """A file that could be opened could not be read to its end; ``code`` is the errno."""

    def __init__(self, code: int) -> None:
        """Take the errno."""
        super().__init__(os.strerror(code))
        self.code = code


@dataclass(frozen=True)
class FileReader:
    """Takes files into the store, one after the other."""

    locks: LockTable
    store: Store
    cache: FileCache | None
    log: AvtarLog
    cancellation: Cancellation
    chunk_delay_seconds: float

    def take(self, path: Path) -> tuple[StoredFile, bool] | None:
        """Give a file as it is stored now, and whether its content is new; None for a device.

        Raise OSError when it cannot be opened, FailedReadError when it cannot be read, and
        CanceledError.
        """
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            return _describe(path, status, link_target=str(path.readlink())), False
        if not stat.S_ISREG(status.st_mode):
            # A pipe or a device: to open one may take for ever, and it has no content.
            return None
        known = self.cache.find(path, status) if self.cache else None
        if known is not None and self.store.has_content(known):
            return _describe(path, status, size_bytes=status.st_size, sha256=known), False
        if self.locks.is_locked(path):
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), str(path))
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            before = os.fstat(descriptor)
            sha256, size_bytes, is_new = self.store.add_content(self._read(descriptor, before))
            self._compare(path, before, os.fstat(descriptor))
        finally:
            os.close(descriptor)
        if self.cache:
            self.cache.add(path, before, sha256)
        return _describe(path, before, size_bytes=size_bytes, sha256=sha256), is_new

    def _read(self, descriptor: int, before: os.stat_result) -> Iterator[bytes]:
        """Give the content up to the size that the file had at first."""
        left = before.st_size
        while left:
            self.cancellation.raise_if_asked()
            try:
                chunk = os.read(descriptor, min(_CHUNK_BYTES, left))
            except OSError as error:
                raise FailedReadError(error.errno or 0) from error
            if not chunk:
                return
            left -= len(chunk)
            yield chunk
            self.cancellation.sleep(self.chunk_delay_seconds)

    def _compare(self, path: Path, before: os.stat_result, after: os.stat_result) -> None:
        if after.st_size > before.st_size:
            # Of a real one, which was about a stream, the beginning is known.
            grown = after.st_size - before.st_size
            self.log.warn(43225, f"Ignoring increased file size ({grown}) of {quote_path(path)}")
        elif (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            # The real wording and number are not known.
            self.log.warn(0, f"{quote_path(path)} changed while it was read")


def _describe(
    path: Path,
    status: os.stat_result,
    *,
    size_bytes: int = 0,
    sha256: str = "",
    link_target: str = "",
) -> StoredFile:
    mode = stat.S_IMODE(status.st_mode)
    return StoredFile(str(path), size_bytes, mode, status.st_mtime_ns, sha256, link_target)
