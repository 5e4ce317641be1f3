"""``hlb lab mount`` and ``hlb lab umount``: their options, and what they run."""

import argparse
import sys
from pathlib import Path

from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.lab.layout import open_lab


def add_mount_parser(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> None:
    """Add ``mount`` and ``umount`` to the actions of ``hlb lab``."""
    mount = actions.add_parser(
        "mount", help="the lab as a file system: any program gets EBUSY for a locked file"
    )
    mount.add_argument("folder", metavar="DIR", type=Path)
    mount.add_argument("mountpoint", metavar="MNT", type=Path, help="an empty folder elsewhere")
    mount.add_argument(
        "--foreground", action="store_true", help="serve it here, until it is unmounted or Ctrl-C"
    )
    mount.set_defaults(run=run_mount)

    umount = actions.add_parser("umount", help="take a mounted lab away")
    umount.add_argument("mountpoint", metavar="MNT", type=Path)
    umount.set_defaults(run=run_umount)


def run_mount(arguments: argparse.Namespace) -> int:
    """Mount a lab; give the exit code. Raise HlbError when it cannot be done."""
    # What this needs beyond the package is asked for by nothing else.
    from hlb_hooks.lab.mount.mounting import serve_mount, start_mount

    lab = open_lab(str(arguments.folder))
    mountpoint = arguments.mountpoint.resolve()
    if arguments.foreground:
        serve_mount(lab, mountpoint)
        return ExitCode.DONE
    start_mount(lab, mountpoint)
    _print(f"{lab.folder} is mounted on {mountpoint}; end it with: hlb lab umount {mountpoint}")
    return ExitCode.DONE


def run_umount(arguments: argparse.Namespace) -> int:
    """Unmount a lab; give the exit code. Raise HlbError when it cannot be done."""
    from hlb_hooks.lab.mount.mounting import unmount

    mountpoint = arguments.mountpoint.resolve()
    unmount(mountpoint)
    _print(f"{mountpoint}: unmounted")
    return ExitCode.DONE


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
