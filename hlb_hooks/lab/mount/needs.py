"""What a mount needs, looked at beforehand: a device, a library, a package, and a free folder."""

import importlib
import os
import shutil
from pathlib import Path
from types import ModuleType

from hlb_hooks.base.errors import UsageError
from hlb_hooks.lab.layout import Lab
from hlb_hooks.lab.mount.table import find_lab_mount

_DEVICE = Path("/dev/fuse")
_INSTALL_LIBRARY = "on Debian: apt-get install fuse3, or libfuse2 where there is no fuse3"


def check_mountpoint(lab: Lab, mountpoint: Path) -> None:
    """Raise UsageError for a folder on which the lab cannot be mounted."""
    mount = find_lab_mount(mountpoint)
    if mount is not None:
        raise UsageError(
            f"{mountpoint} has a lab mounted on it already: {mount.folder}",
            next_step=f"take it away first: hlb lab umount {mountpoint}",
        )
    if not mountpoint.is_dir():
        raise UsageError(
            f"{mountpoint} is no folder: a lab is mounted on an empty one",
            next_step=f"make it: mkdir {mountpoint}",
        )
    # The lab would contain itself.
    for folder in (lab.folder, lab.volumes.parent):
        if mountpoint.is_relative_to(folder) or folder.is_relative_to(mountpoint):
            raise UsageError(
                f"{mountpoint} and the lab's {folder} lie one in the other",
                next_step="name a folder elsewhere",
            )
    if any(mountpoint.iterdir()):
        raise UsageError(
            f"{mountpoint} is not empty, and a mount would hide what is in it",
            next_step="name an empty folder",
        )


def check_device(device: Path = _DEVICE) -> None:
    """Raise UsageError when the kernel offers no FUSE here."""
    try:
        os.close(os.open(device, os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        raise UsageError(
            f"{device} cannot be opened: {error.strerror}",
            next_step="load the kernel's module (modprobe fuse); a container needs "
            "--device /dev/fuse --cap-add SYS_ADMIN",
        ) from error


def load_fuse() -> ModuleType:
    """Give the package mfusepy, which finds libfuse. Raise UsageError when either is not there."""
    try:
        return importlib.import_module("mfusepy")
    except ModuleNotFoundError as error:
        raise UsageError(
            "the Python package mfusepy is not installed: it comes with the extra 'lab'",
            next_step="pip install 'hlb-hooks[lab]'",
        ) from error
    except (OSError, AttributeError) as error:
        # So mfusepy says that there is no libfuse, or one of a version that it does not know.
        raise UsageError(
            f"libfuse is not installed, or cannot be used: {error}", next_step=_INSTALL_LIBRARY
        ) from error


def find_helper(library_major: int) -> str | None:
    """Give the program with which libfuse of that version unmounts what died, if it is there."""
    return shutil.which("fusermount3" if library_major >= 3 else "fusermount")
