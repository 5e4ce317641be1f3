"""The disks of a VM that was put back: their descriptors, chains and data files, looked at once."""

import errno
import os
import posixpath
import stat
from dataclasses import dataclass
from datetime import datetime

from hlb_hooks.base import clock
from hlb_hooks.base.errors import VmFileError
from hlb_hooks.base.text import escape
from hlb_hooks.effects.effect_kind import reads
from hlb_hooks.effects.regular_files import read_regular_file
from hlb_hooks.vmfiles.chain import resolve
from hlb_hooks.vmfiles.file_names import name_disk
from hlb_hooks.vmfiles.vmdk import MAX_DESCRIPTOR_BYTES, Descriptor


@dataclass(frozen=True)
class FileFacts:
    """One file: its size in bytes, when it was written, and whether it is an ordinary file.

    ``is_locked`` says that the host refuses to open it, as the VM it belongs to runs somewhere.
    """

    size_bytes: int
    modified: datetime
    is_regular: bool
    is_locked: bool


class DiskReading:
    """Reads descriptors, those on the way to their bases, and looks at their data files."""

    def __init__(self, files: dict[str, FileFacts]) -> None:
        """Take what is known of files already, by path; it is added to."""
        self.files = files
        self.disks: dict[str, Descriptor | VmFileError] = {}
        self.data: dict[str, bytes] = {}
        self.real_paths: dict[str, str] = {}

    @reads
    def read(self, paths: list[str]) -> None:
        """Read what lies at ``paths``; one that is empty or leads nowhere is passed over."""
        waiting = list(paths)
        while waiting:
            path = self._learn(waiting.pop())
            if not path or path in self.disks:
                continue
            facts = self.files[path]
            if facts.is_regular and facts.size_bytes <= MAX_DESCRIPTOR_BYTES:
                waiting += self._read_one(path)

    @reads
    def look_beside_disks(self) -> None:
        """Look at what snapshots have left beside the disks, also where nothing names it."""
        for path in list(self.disks):
            folder, name = posixpath.split(path)
            stem = posixpath.splitext(name)[0]
            for each in _list_names(folder):
                if name_disk(each) == stem:
                    self._learn(posixpath.join(folder, each))

    def _read_one(self, path: str) -> list[str]:
        """Read one descriptor; give its parent, if it names one."""
        try:
            data = read_regular_file(path, MAX_DESCRIPTOR_BYTES + 1)
            descriptor = Descriptor.parse(data, path)
        except OSError as error:
            self.disks[path] = cannot_read(path, error)
            return []
        except VmFileError as error:
            self.disks[path] = error
            return []
        self.disks[path] = descriptor
        self.data[path] = data
        folder = posixpath.dirname(path)
        for extent in descriptor.extents:
            self._learn(resolve_or_nothing(folder, extent.file_name or ""))
        return [resolve_or_nothing(folder, descriptor.parent_file_name_hint or "")]

    def _learn(self, path: str) -> str:
        """Look at a file once; give its path without links, or nothing if there is none."""
        if not path:
            return ""
        folder, name = posixpath.split(path)
        real = posixpath.join(os.path.realpath(folder), name)
        self.real_paths[path] = real
        if real not in self.files:
            if not os.path.lexists(real):
                return ""
            self.files[real] = look_at_file(real)
        return real


@reads
def look_at_file(path: str) -> FileFacts:
    """Look at a file itself, and not at what a link leads to."""
    try:
        status = os.lstat(path)
    except OSError as error:
        raise cannot_read(path, error) from error
    is_regular = stat.S_ISREG(status.st_mode)
    is_locked = is_regular and _is_locked(path)
    return FileFacts(
        status.st_size, clock.from_nanoseconds(status.st_mtime_ns), is_regular, is_locked
    )


def _list_names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError as error:
        raise cannot_read(folder, error) from error


def _is_locked(path: str) -> bool:
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_NOFOLLOW))
    except OSError as error:
        if error.errno == errno.EBUSY:
            return True
        raise cannot_read(path, error) from error
    return False


def resolve_or_nothing(folder: str, name: str) -> str:
    """Give the path that a name means in a file of ``folder``, or nothing for an impossible one."""
    try:
        return resolve(folder, name)
    except VmFileError:
        return ""  # said when the disk is looked for


def cannot_read(path: str, error: OSError) -> VmFileError:
    """Make the error for a file that cannot be read."""
    return VmFileError(
        f"{escape(path)}: cannot be read: {error.strerror}",
        next_step="look at the file; a busy one belongs to a VM that runs, here or on another host",
    )
