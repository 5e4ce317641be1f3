"""``hlb lab mount``: a lab's folder as a file system on which a locked file cannot be opened.

So every program meets what it would meet on a host, a real EBUSY, and not the lab's avtar alone.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import hlb_hooks
from hlb_hooks.base.clock import sleep_seconds
from hlb_hooks.base.errors import HostError, UsageError
from hlb_hooks.lab.files import PRIVATE_MODE
from hlb_hooks.lab.layout import Lab
from hlb_hooks.lab.mount.files import HostFiles
from hlb_hooks.lab.mount.needs import check_device, check_mountpoint, find_helper, load_fuse
from hlb_hooks.lab.mount.table import (
    SUBTYPE,
    find_lab_mount,
    list_lab_mounts,
    name_source,
)

_LIMIT_SECONDS = 60.0
_POLL_SECONDS = 0.02


def serve_mount(lab: Lab, mountpoint: Path) -> None:
    """Mount the lab and serve it until it is unmounted, or a signal says so.

    Raise UsageError when that is not possible here, HostError when libfuse refuses.
    """
    fuse = load_fuse()
    check_device()
    check_mountpoint(lab, mountpoint)
    # The kernel has applied the umask of whoever makes a file.
    os.umask(0)
    is_root = os.geteuid() == 0
    files = HostFiles(lab)
    try:
        fuse.FUSE(
            files,
            str(mountpoint),
            foreground=True,
            encoding=sys.getfilesystemencoding(),
            fsname=name_source(lab.folder),
            subtype=SUBTYPE,
            default_permissions=True,
            # Nobody else may let others in, unless the system's configuration says so.
            allow_other=is_root,
            # So even a server that is killed leaves no dead mount, where libfuse has its helper.
            auto_unmount=find_helper(fuse.fuse_version_major) is not None,
            use_ino=True,
            # The host changes the files below: nothing that is known of them keeps.
            attr_timeout=0,
            entry_timeout=0,
        )
    except RuntimeError as error:
        # Somebody's umount now and then makes libfuse 3 end with an error all the same.
        if not files.has_begun or find_lab_mount(mountpoint) is not None:
            raise HostError(
                f"libfuse could not serve the lab on {mountpoint} (it says why above; code {error})"
            ) from error


def start_mount(lab: Lab, mountpoint: Path) -> None:
    """Mount the lab, served by a process in the background; give back when it is there.

    Raise UsageError when that is not possible here, HostError when it did not come.
    """
    load_fuse()
    check_device()
    check_mountpoint(lab, mountpoint)
    log_file = lab.folder / "mount.log"
    with os.fdopen(
        os.open(log_file, os.O_RDWR | os.O_CREAT | os.O_APPEND, PRIVATE_MODE), "rb"
    ) as log:
        beginning = log.seek(0, os.SEEK_END)
        process = subprocess.Popen(  # noqa: S603  this very interpreter
            [
                sys.executable,
                "-PXutf8",
                "-m",
                "hlb_hooks.lab.mount.daemon",
                str(lab.folder),
                str(mountpoint),
            ],
            cwd="/",
            env={**os.environ, "PYTHONPATH": str(Path(hlb_hooks.__file__).parents[1])},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        deadline = time.monotonic() + _LIMIT_SECONDS
        while not _is_served(mountpoint):
            has_ended = process.poll() is not None
            if has_ended or time.monotonic() > deadline:
                process.kill()
                process.wait()
                log.seek(beginning)
                said = log.read().decode("utf-8", "replace").strip()
                limit = "" if has_ended else f" within {_LIMIT_SECONDS:g} seconds"
                why = said or f"nothing is said of it in {log_file}"
                raise HostError(
                    f"the lab did not come up on {mountpoint}{limit}: {why}",
                    next_step=f"see what is wrong with: hlb lab mount --foreground {lab.folder} "
                    f"{mountpoint}",
                )
            sleep_seconds(_POLL_SECONDS)
    # Its server is to outlive this process.
    process.returncode = 0


def unmount(mountpoint: Path) -> None:
    """Unmount a lab; the process that serves it ends by that.

    Raise UsageError when no lab is mounted there, HostError when the system refuses.
    """
    if find_lab_mount(mountpoint) is None:
        mounted = ", ".join(str(each.mountpoint) for each in list_lab_mounts()) or "none"
        raise UsageError(f"no lab is mounted on {mountpoint}; labs are mounted on: {mounted}")
    command = _choose_command()
    done = subprocess.run(  # noqa: S603  the system's own program, found in the PATH
        [*command, str(mountpoint)], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if done.returncode != 0:
        raise HostError(
            f"{mountpoint} could not be unmounted: "
            f"{done.stderr.decode('utf-8', 'replace').strip()}",
            next_step=f"end the programs that have something open there: fuser -vm {mountpoint}",
        )


def _is_served(mountpoint: Path) -> bool:
    if find_lab_mount(mountpoint) is None:
        return False
    try:
        # This waits for the server's first answer.
        os.statvfs(mountpoint)
    except OSError:
        return False
    return True


def _choose_command() -> list[str]:
    commands = [["fusermount3", "-u"], ["fusermount", "-u"]]
    # Without the helper only root can unmount.
    commands.insert(0 if os.geteuid() == 0 else 2, ["umount"])
    for program, *options in commands:
        path = shutil.which(program)
        if path is not None:
            return [path, *options]
    raise UsageError(
        "neither umount nor fusermount3 is installed", next_step="apt-get install mount fuse3"
    )
