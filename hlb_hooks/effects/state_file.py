"""The file of one run: appended, fsynced, locked by whoever acts for the run."""

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterable

from hlb_hooks.base.errors import StateError
from hlb_hooks.effects.effect_kind import changes, reads
from hlb_hooks.effects.records import Reading, Record, decode_records, encode_record
from hlb_hooks.effects.replaced_files import sync_folder

_MODE = 0o600
_CLOSED = -1
_MAX_BYTES = 256 * 1024 * 1024


class StateFile:
    """An open state file. Whoever holds its lock acts for the run, and only they append."""

    def __init__(self, path: str, descriptor: int, *, is_writable: bool) -> None:
        """Take an open descriptor of ``path``; ``create`` and ``open`` are the ways to get here."""
        self.path = path
        self.is_writable = is_writable
        self._descriptor = descriptor
        self._cut_at: int | None = None

    @classmethod
    @changes
    def create(cls, path: str, records: Iterable[Record]) -> "StateFile":
        """Make a new file, locked, with its first records on disk. Raise StateError."""
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND
            descriptor = os.open(path, flags, _MODE)
        except OSError as error:
            raise _cannot_write(path, error) from error
        state_file = cls(path, descriptor, is_writable=True)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            state_file.append(records)
            sync_folder(os.path.dirname(path))
        except (OSError, StateError) as error:
            state_file.close()
            # Nothing refers to a run that never began; a rest of it would only puzzle people.
            with contextlib.suppress(OSError):
                os.unlink(path)
            raise error if isinstance(error, StateError) else _cannot_write(path, error) from error
        return state_file

    @classmethod
    @reads
    def open(cls, path: str) -> "StateFile":
        """Open an existing file: for appending, or, on a read-only folder, to lock and read it.

        Raise StateError when it cannot even be read.
        """
        try:
            return cls(path, os.open(path, os.O_RDWR | os.O_APPEND), is_writable=True)
        except OSError as error:
            if error.errno not in {errno.EROFS, errno.EACCES, errno.EPERM}:
                raise _cannot_read(path, error) from error
        try:
            return cls(path, os.open(path, os.O_RDONLY), is_writable=False)
        except OSError as error:
            raise _cannot_read(path, error) from error

    @reads
    def read(self) -> Reading:
        """Read every record. Raise StateError for damage; never take a file for empty."""
        return _decode_descriptor(self._descriptor, self.path)

    @reads
    def read_size(self) -> int:
        """Give the file's size in bytes: it only ever grows by records."""
        return os.fstat(self._descriptor).st_size

    @changes
    def lock_or_raise(self) -> None:
        """Take the right to act for this run. Raise BlockingIOError when somebody else has it."""
        fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    @changes
    def unlock(self) -> None:
        """Let others act for this run, and keep the file."""
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    @changes
    def append(self, records: Iterable[Record]) -> None:
        """Put the records on disk, all or none. Raise StateError when that fails."""
        data = b"".join(encode_record(record) for record in records)
        try:
            if not self.is_writable:
                # Writing would say that the descriptor is bad, and not why.
                raise OSError(errno.EROFS, os.strerror(errno.EROFS))
            if self._cut_at is not None:
                os.ftruncate(self._descriptor, self._cut_at)
                self._cut_at = None
            length = os.fstat(self._descriptor).st_size
            try:
                written = 0
                while written < len(data):
                    written += os.write(self._descriptor, data[written:])
                os.fsync(self._descriptor)
            except OSError:
                # A full disk takes half a line: take it back, now or before the next record, which
                # would follow it.
                self._cut_at = length
                with contextlib.suppress(OSError):
                    os.ftruncate(self._descriptor, length)
                    self._cut_at = None
                raise
        except OSError as error:
            raise _cannot_write(self.path, error) from error

    @changes
    def drop_interrupted_write(self, reading: Reading) -> None:
        """Cut off what a killed writer left of a line, so that appending goes on after a whole one.

        Only the holder of the lock calls this. Raise StateError.
        """
        if reading.was_interrupted:
            try:
                os.ftruncate(self._descriptor, reading.complete_bytes)
                os.fsync(self._descriptor)
            except OSError as error:
                raise _cannot_write(self.path, error) from error

    def close(self) -> None:
        """Give the lock back and close the file.

        A thread that comes later finds no descriptor, and never one that is another file's now.
        """
        descriptor, self._descriptor = self._descriptor, _CLOSED
        if descriptor != _CLOSED:
            os.close(descriptor)


@reads
def read_state_file(path: str) -> Reading:
    """Read the records of ``path`` without any lock. Raise StateError."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError as error:
        raise _cannot_read(path, error) from error
    try:
        return _decode_descriptor(descriptor, path)
    finally:
        os.close(descriptor)


def _decode_descriptor(descriptor: int, path: str) -> Reading:
    try:
        status = os.fstat(descriptor)
        if status.st_size > _MAX_BYTES:
            raise StateError(
                f"{path}: {status.st_size} bytes are too many for a state file",
                next_step="nothing of ours writes that much: look at the file, then move it away",
            )
        data = os.pread(descriptor, status.st_size, 0)
    except OSError as error:
        raise _cannot_read(path, error) from error
    return decode_records(data, path)


def _cannot_write(path: str, error: OSError) -> StateError:
    return StateError(
        f"{path}: cannot be written: {error.strerror}",
        next_step="make room or mend the folder: no snapshot is made without its record on disk",
    )


def _cannot_read(path: str, error: OSError) -> StateError:
    return StateError(
        f"{path}: cannot be read: {error.strerror}", next_step="mend the file's permissions or disk"
    )
