"""Mounting a lab for a test: whatever fails, no mount is left behind."""

import contextlib
import ctypes.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_kit import wait_for

from hlb_hooks.lab.layout import Lab
from hlb_hooks.lab.mount.table import find_lab_mount, list_lab_mounts

LIBRARIES = [name for name in ("fuse", "fuse3") if ctypes.util.find_library(name)]


def skip_unless_possible() -> None:
    if os.geteuid() != 0 or not os.access("/dev/fuse", os.R_OK | os.W_OK):
        pytest.skip("needs root and /dev/fuse")
    if not LIBRARIES:
        pytest.skip("needs the package fuse3 (or libfuse2)")


@contextlib.contextmanager
def no_mount_left(folder: Path) -> Iterator[None]:
    """Fail, and clean up, when a lab is still mounted below ``folder`` in the end."""
    try:
        yield
    finally:
        left = [mount.mountpoint for mount in list_lab_mounts()]
        left = [mountpoint for mountpoint in left if mountpoint.is_relative_to(folder)]
        for mountpoint in left:
            subprocess.run(["umount", "--lazy", mountpoint], check=True)
    assert left == []


@contextlib.contextmanager
def serve(lab: Lab, mountpoint: Path, library: str) -> Iterator[subprocess.Popen[bytes]]:
    """Mount a lab, served by a process that does not outlive this one; give that process."""
    mountpoint.mkdir(exist_ok=True)
    process = subprocess.Popen(
        [
            *("setpriv", "--pdeathsig", "KILL"),
            *(sys.executable, "-Xutf8", "-m", "hlb_hooks.lab.mount.daemon"),
            *(lab.folder, mountpoint),
        ],
        env={**os.environ, "FUSE_LIBRARY_NAME": library},
    )
    try:
        wait_for(
            lambda: process.poll() is not None or find_lab_mount(mountpoint) is not None,
            "the mount",
        )
        assert process.poll() is None
        # This waits for the first answer.
        os.statvfs(mountpoint)
        yield process
    finally:
        if find_lab_mount(mountpoint) is not None:
            subprocess.run(["umount", "--lazy", mountpoint], check=True)
        try:
            process.wait(10)
        finally:
            process.kill()
            process.wait()


def list_holders(path: Path) -> list[int]:
    """Give the processes that have the file at ``path`` open, by their /proc/PID/fd."""
    wanted = path.stat()
    holders = []
    for folder in Path("/proc").glob("[0-9]*/fd"):
        with contextlib.suppress(OSError):
            for link in folder.iterdir():
                with contextlib.suppress(OSError):
                    if os.path.samestat(link.stat(), wanted):
                        holders.append(int(folder.parent.name))
    return holders
