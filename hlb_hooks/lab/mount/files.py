"""The files of a lab as a mounted file system gives them: as they are, but for locked ones.

Whoever opens a file that the host keeps locked gets EBUSY, as on VMFS; all else is done to the
files of the lab's folder. The methods are those that libfuse asks for, with the names and arguments
of mfusepy; an OSError is the answer to whoever asked.
"""

import errno
import os
import time
from collections.abc import Iterator
from pathlib import Path

from hlb_hooks.lab.layout import Lab
from hlb_hooks.lab.mount.locks import FreshLocks

_DATASTORES = "/vmfs"
_STATUS_FIELDS = (
    "st_mode",
    "st_ino",
    "st_nlink",
    "st_uid",
    "st_gid",
    "st_rdev",
    "st_size",
    "st_blksize",
    "st_blocks",
)
_VOLUME_FIELDS = (
    "f_bsize",
    "f_frsize",
    "f_blocks",
    "f_bfree",
    "f_bavail",
    "f_files",
    "f_ffree",
    "f_favail",
    "f_namemax",
)
# What the kernel sees to itself before it asks: where the end is, and whose memory is read into.
_KERNELS_FLAGS = os.O_APPEND | os.O_DIRECT | os.O_CREAT | os.O_EXCL
# The kernel's utimensat(2) hands these on in place of nanoseconds.
_TIME_NOW = (1 << 30) - 1
_TIME_OMITTED = (1 << 30) - 2

_Entry = tuple[str, dict[str, int] | None, int]


class HostFiles:
    """The operations on a mounted lab. ``path`` always begins with a slash: the mount's own root.

    A number that ``open`` gave is the descriptor of the lab's file itself, so whoever asks which
    processes have a file open finds the one that serves it.
    """

    use_ns = True
    # For libfuse 2, which else drops the order to set one of two times.
    flag_utime_omit_ok = True

    def __init__(self, lab: Lab) -> None:
        """Take the lab, whose datastores may lie in the folder of another host."""
        self._folder = str(lab.folder)
        self._datastores = str(lab.volumes.parent)
        self._locks = FreshLocks(lab)
        self.has_begun = False

    def init(self, _path: str) -> None:
        """Note that the kernel has taken the mount."""
        self.has_begun = True

    def getattr(self, path: str, fh: int | None = None) -> dict[str, int]:
        """Give a file's status; times are in nanoseconds."""
        status = os.fstat(fh) if fh else os.lstat(self._find(path))
        found = {name: getattr(status, name) for name in _STATUS_FIELDS}
        times = {name: getattr(status, f"{name}_ns") for name in ("st_atime", "st_mtime")}
        return {**found, **times, "st_ctime": status.st_ctime_ns}

    def readdir(self, path: str, _fh: int) -> Iterator[_Entry]:
        """Give the names in a folder with their inode numbers."""
        yield ".", None, 0
        yield "..", None, 0
        with os.scandir(self._find(path)) as entries:
            for entry in entries:
                yield entry.name, {"st_ino": entry.inode()}, 0

    def statfs(self, path: str) -> dict[str, int]:
        """Give the space of the file system below."""
        found = os.statvfs(self._find(path))
        return {name: getattr(found, name) for name in _VOLUME_FIELDS}

    def open(self, path: str, flags: int) -> int:
        """Open a file. Raise OSError with EBUSY for one that the host keeps locked."""
        self._refuse_locked(path)
        flags = flags & ~_KERNELS_FLAGS | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(self._find(path), flags)

    def create(self, path: str, mode: int, flags: int = os.O_RDWR) -> int:
        """Make a file and open it."""
        self._refuse_locked(path)
        flags = flags & ~_KERNELS_FLAGS | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(self._find(path), flags, mode)

    def read(self, _path: str | None, size: int, offset: int, fh: int) -> bytes:
        """Read from an open file."""
        return os.pread(fh, size, offset)

    def write(self, _path: str | None, data: bytes, offset: int, fh: int) -> int:
        """Write to an open file."""
        return os.pwrite(fh, data, offset)

    def fsync(self, _path: str | None, is_data_only: int, fh: int) -> None:
        """Bring an open file to the disk."""
        (os.fdatasync if is_data_only else os.fsync)(fh)

    def release(self, _path: str | None, fh: int) -> None:
        """Close a file that nobody has open any more."""
        os.close(fh)

    def truncate(self, path: str, length: int, fh: int | None = None) -> None:
        """Give a file another length. Raise OSError with EBUSY for a locked one."""
        if fh:
            os.ftruncate(fh, length)
            return
        self._refuse_locked(path)
        os.truncate(self._find(path), length)

    def unlink(self, path: str) -> None:
        """Remove a file."""
        os.unlink(self._find(path))

    def rename(self, old: str, new: str) -> None:
        """Rename a file or folder."""
        os.rename(self._find(old), self._find(new))

    def link(self, target: str, source: str) -> None:
        """Make ``target`` a further name of ``source``."""
        os.link(self._find(source), self._find(target))

    def symlink(self, target: str, source: str) -> None:
        """Make ``target`` a symbolic link to ``source``, which may be any text."""
        os.symlink(source, self._find(target))

    def readlink(self, path: str) -> str:
        """Give what a symbolic link says."""
        return os.readlink(self._find(path))

    def mkdir(self, path: str, mode: int) -> None:
        """Make a folder."""
        os.mkdir(self._find(path), mode)

    def rmdir(self, path: str) -> None:
        """Remove an empty folder."""
        os.rmdir(self._find(path))

    def mknod(self, path: str, mode: int, device: int) -> None:
        """Make a pipe, a socket or a device."""
        os.mknod(self._find(path), mode, device)

    def chmod(self, path: str, mode: int) -> None:
        """Give a file another mode."""
        os.chmod(self._find(path), mode)

    def chown(self, path: str, user: int, group: int) -> None:
        """Give a file another owner."""
        os.chown(self._find(path), user, group, follow_symlinks=False)

    def utimens(self, path: str, times: tuple[int, int] | None = None) -> None:
        """Set a file's times, in nanoseconds."""
        real_path = self._find(path)
        status = os.lstat(real_path)
        known = (status.st_atime_ns, status.st_mtime_ns)
        wanted = times or (_TIME_NOW, _TIME_NOW)
        atime, mtime = (_resolve_time(*pair) for pair in zip(wanted, known, strict=True))
        os.utime(real_path, ns=(atime, mtime), follow_symlinks=False)

    def _find(self, path: str) -> str:
        """Give the place of a file of the mount: the datastores are the host's, wherever."""
        if path == _DATASTORES or path.startswith(f"{_DATASTORES}/"):
            return self._datastores + path[len(_DATASTORES) :]
        return self._folder + path

    def _refuse_locked(self, path: str) -> None:
        if path.startswith(f"{_DATASTORES}/") and self._locks.is_locked(Path(self._find(path))):
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), path)


def _resolve_time(wanted_ns: int, known_ns: int) -> int:
    if wanted_ns == _TIME_NOW:
        return time.time_ns()
    return known_ns if wanted_ns == _TIME_OMITTED else wanted_ns
