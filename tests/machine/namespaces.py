"""A host's own process numbers, name, boot id and clocks: Linux namespaces, for root alone."""

import ctypes
import os
import time
from pathlib import Path

_CLONE_NEW_TIME = 0x80
_CLONE_NEW_MOUNT = 0x20000
_CLONE_NEW_UTS = 0x4000000
_CLONE_NEW_PID = 0x20000000
_MS_READ_ONLY = 1
_MS_REMOUNT = 32
_MS_BIND = 4096
_MS_RECURSIVE = 16384
_MS_PRIVATE = 1 << 18
_MNT_DETACH = 2
_BOOT_ID = "/proc/sys/kernel/random/boot_id"

_libc = ctypes.CDLL(None, use_errno=True)


def why_impossible() -> str:
    """Name what this machine lacks for hosts in namespaces, or give an empty string."""
    if os.geteuid() != 0:
        return "hosts in namespaces need root"
    if not Path("/proc/self/timens_offsets").exists():
        return "hosts in namespaces need a kernel with time namespaces (CONFIG_TIME_NS)"
    pid = os.fork()
    if pid == 0:
        try:
            _enter_new(_CLONE_NEW_MOUNT | _CLONE_NEW_UTS | _CLONE_NEW_PID | _CLONE_NEW_TIME)
        except OSError:
            os._exit(1)
        os._exit(0)
    if os.waitpid(pid, 0)[1]:
        return "hosts in namespaces need CAP_SYS_ADMIN, which this container has not"
    return ""


def read_machine_uptime() -> float:
    """Give the seconds since boot of the machine that the tests run on."""
    return time.clock_gettime(time.CLOCK_MONOTONIC)


def leave_the_machine(clock_offset_seconds: float) -> None:
    """Give this process' children namespaces of their own; its own mounts are private.

    Raise OSError where that is not allowed.
    """
    _enter_new(_CLONE_NEW_MOUNT | _CLONE_NEW_UTS | _CLONE_NEW_PID | _CLONE_NEW_TIME)
    set_offset = f"{_format_offset(clock_offset_seconds)}"
    _write_offsets(monotonic=set_offset, boottime=set_offset)
    _mount("none", "/", None, _MS_RECURSIVE | _MS_PRIVATE)


def settle_as_host(name: str, boot_id_file: Path) -> None:
    """Become the first process of a booted host: its own /proc, its name, its boot id."""
    _mount("proc", "/proc", "proc", 0)
    _mount(str(boot_id_file), _BOOT_ID, None, _MS_BIND)
    encoded = name.encode("ascii")
    _check(_libc.sethostname(encoded, len(encoded)))


def move_clock_of_children(clock_offset_seconds: float, boot_offset_seconds: float) -> None:
    """Give children that begin from now on another time since boot.

    The start times in /proc go by the other clock and stay: a process keeps its identity.
    """
    _enter_new(_CLONE_NEW_TIME)
    _write_offsets(
        monotonic=_format_offset(clock_offset_seconds), boottime=_format_offset(boot_offset_seconds)
    )


def make_read_only(folder: Path) -> None:
    """Lay a read-only view of ``folder`` over it, for whoever opens its files from now on."""
    _mount(str(folder), str(folder), None, _MS_BIND)
    _mount("none", str(folder), None, _MS_REMOUNT | _MS_BIND | _MS_READ_ONLY)


def make_writable_again(folder: Path) -> None:
    """Take that view away."""
    _check(_libc.umount2(os.fsencode(folder), _MNT_DETACH))


def _enter_new(flags: int) -> None:
    _check(_libc.unshare(flags))


def _write_offsets(**offsets: str) -> None:
    text = "".join(f"{clock} {offset}\n" for clock, offset in offsets.items())
    Path("/proc/self/timens_offsets").write_text(text, "ascii")


def _format_offset(seconds: float) -> str:
    """Give an offset as the kernel reads it: whole seconds, and nanoseconds that are added."""
    whole = int(seconds // 1)
    return f"{whole} {int((seconds - whole) * 1e9)}"


def _mount(source: str, target: str, kind: str | None, flags: int) -> None:
    encoded_kind = None if kind is None else kind.encode("ascii")
    done = _libc.mount(os.fsencode(source), os.fsencode(target), encoded_kind, flags, None)
    _check(done)


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
