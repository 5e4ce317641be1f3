"""Changing a folder that was put back: each step alone leaves it as it was before or after."""

import contextlib
import difflib
import errno
import fcntl
import os
import posixpath
import stat
from collections.abc import Iterator
from typing import Protocol

from hlb_hooks.base.errors import NotNowError, UsageError, VmFileError
from hlb_hooks.base.speech import Speaker
from hlb_hooks.base.text import escape
from hlb_hooks.effects.effect_kind import changes, reads
from hlb_hooks.effects.regular_files import read_regular_file
from hlb_hooks.effects.restored_folder import KEPT_FOLDER

_FOLDER_MODE = 0o700
_NEW_SUFFIX = ".hlb-new"
_MAX_TEXT_BYTES = 8 * 1024 * 1024


class RestoreWork(Protocol):
    """What a restore does to the files of one VM. All paths are absolute."""

    def replace(self, path: str, old: bytes | None, new: bytes) -> None:
        """Put ``new`` in the place of a text file, at once; what it was is kept."""
        ...

    def put_aside(self, path: str) -> None:
        """Move a file into the folder for what is not needed any more."""
        ...

    def edit(self, path: str, old: bytes, new: bytes) -> None:
        """Put ``new`` in the place of a text file, at once; what it was is not kept."""
        ...


class FolderWork:
    """The real work. Each method raises VmFileError and has then changed nothing."""

    @changes
    def replace(self, path: str, old: bytes | None, new: bytes) -> None:
        """Keep what was there, on disk, before anything else takes its place."""
        if old is not None:
            self._keep(path, old)
        self._write(path, new)

    @changes
    def edit(self, path: str, old: bytes, new: bytes) -> None:
        """Write it unless the file is another one by now."""
        try:
            found = read_regular_file(path, _MAX_TEXT_BYTES)
        except OSError as error:
            raise _cannot(path, "read", error) from error
        if found != old:
            raise VmFileError(
                f"{escape(path)} has just been changed by somebody else",
                next_step="run the command again",
            )
        self._write(path, new)

    @changes
    def put_aside(self, path: str) -> None:
        """Move it. What is kept under that name stays too: it is of another restore."""
        try:
            if not os.path.lexists(path):
                return  # half a file of a restore that was killed, which this one has replaced
            folder = _make_kept_folder(path)
            target = _find_free(posixpath.join(folder, posixpath.basename(path)))
            os.rename(path, target)
            _sync_folder(folder)
            _sync_folder(posixpath.dirname(path))
        except OSError as error:
            raise _cannot(path, "put aside", error) from error

    def _keep(self, path: str, data: bytes) -> None:
        try:
            folder = _make_kept_folder(path)
            target = posixpath.join(folder, posixpath.basename(path))
            if not _has_content(target, data):
                target = _find_free(target)
                _write_new(target, data, like=path)
            _sync_folder(folder)
        except OSError as error:
            raise _cannot(path, "kept as it came", error) from error

    def _write(self, path: str, data: bytes) -> None:
        try:
            _write_new(path, data, like=path)
            _sync_folder(posixpath.dirname(path))
        except OSError as error:
            raise _cannot(path, "written", error) from error


class RehearsedFolderWork:
    """Says what would be done: texts as a diff, as ``diff -u`` shows it."""

    def __init__(self, speaker: Speaker) -> None:
        """Take the voice."""
        self._speaker = speaker

    @changes
    def replace(self, path: str, old: bytes | None, new: bytes) -> None:
        """Say which lines would change."""
        name = posixpath.basename(path)
        before = [] if old is None else _split(old)
        for line in difflib.unified_diff(
            before, _split(new), f"{escape(name)} (as it came)", escape(name), n=1, lineterm=""
        ):
            for printed in line.split("\n"):
                self._speaker.line(printed)

    @changes
    def edit(self, path: str, old: bytes, new: bytes) -> None:
        """Say it in the same way."""
        self.replace(path, old, new)

    @changes
    def put_aside(self, path: str) -> None:
        """Say what would go."""
        self._speaker.say("would_put_aside", path=path, folder=KEPT_FOLDER)


@contextlib.contextmanager
@reads
def hold_folder(path: str) -> Iterator[None]:
    """See to it that one restore is at work on a folder.

    Raise NotNowError where another is, UsageError where it is no folder, and VmFileError. The lock
    is on the folder itself: no file is made for it, and it ends with the process.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(
            f"{escape(path)} is no folder",
            next_step="name the folder that the backup client has put the VM's files back into",
        ) from error
    except OSError as error:
        raise _cannot(path, "opened", error) from error
    try:
        _lock(descriptor, path)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, path: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise NotNowError(
            f"{escape(path)}: another hlb restore is at work on it",
            next_step="wait until it is done",
        ) from error


def _make_kept_folder(path: str) -> str:
    folder = posixpath.join(posixpath.dirname(path), KEPT_FOLDER)
    with contextlib.suppress(FileExistsError):
        os.mkdir(folder, _FOLDER_MODE)
        _sync_folder(posixpath.dirname(path))
    if not stat.S_ISDIR(os.lstat(folder).st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), folder)
    return folder


def _find_free(path: str) -> str:
    """Give ``path``, or the first of ``path.1``, ``path.2`` that does not exist."""
    number = 0
    free = path
    while os.path.lexists(free):
        number += 1
        free = f"{path}.{number}"
    return free


def _has_content(path: str, data: bytes) -> bool:
    try:
        return read_regular_file(path, len(data) + 1) == data
    except FileNotFoundError:
        return False


def _write_new(path: str, data: bytes, *, like: str) -> None:
    """Write a file under another name, on disk, and give it the name: with the mode of ``like``."""
    new = path + _NEW_SUFFIX
    with contextlib.suppress(FileNotFoundError):
        os.unlink(new)  # of a restore that was killed here
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with contextlib.suppress(FileNotFoundError):
            status = os.stat(like)
            os.fchown(descriptor, status.st_uid, status.st_gid)
            os.fchmod(descriptor, stat.S_IMODE(status.st_mode))
        with open(descriptor, "wb", closefd=False) as file:
            file.write(data)
        os.fsync(descriptor)
    except OSError:
        os.unlink(new)
        raise
    finally:
        os.close(descriptor)
    os.replace(new, path)


def _sync_folder(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # NFS and some others know no such thing for folders.
        if error.errno != errno.EINVAL:
            raise
    finally:
        os.close(descriptor)


def _split(data: bytes) -> list[str]:
    """Give the lines as text that may be printed; the last one with diff's note if it has no end.

    For patch(1) to be able to use it, but for lines that hold what cannot be printed.
    """
    lines = [escape(os.fsdecode(line)) for line in data.splitlines()]
    if lines and not data.endswith((b"\n", b"\r")):
        lines[-1] += "\n\\ No newline at end of file"
    return lines


def _cannot(path: str, deed: str, error: OSError) -> VmFileError:
    return VmFileError(
        f"{escape(path)}: cannot be {deed}: {error.strerror}",
        next_step="mend it, then run the same command again: it goes on where it stopped",
    )
