"""The guests: one daemon a lab that writes to the disks of every VM that runs.

Each write is one block at a random place, under the VM's lock, to the top of the disk's chain as
the host has it at that moment, and to a copy of the disk, its shadow. So at any time, under that
lock, the disk's content equals its shadow, or the host lost something.
"""

import contextlib
import os
import random
import signal
import subprocess
import time
from pathlib import Path

from hlb_hooks.base.clock import sleep_seconds
from hlb_hooks.base.errors import HostError
from hlb_hooks.lab.files import PRIVATE_MODE, is_locked, try_lock, write_file
from hlb_hooks.lab.host.delta import BLOCK_BYTES
from hlb_hooks.lab.host.disks import LabDisk, OpenDisk, read_vm_disks
from hlb_hooks.lab.host.neighbours import is_host_down
from hlb_hooks.lab.host.processes import find_program
from hlb_hooks.lab.host.registry import RegisteredVm, read_registry
from hlb_hooks.lab.layout import Lab, open_lab

_WRITES_A_SECOND = 100
_STOP_LIMIT_SECONDS = 20.0
_POLL_SECONDS = 0.02


def start_guests(lab: Lab) -> None:
    """Start the daemon and give back when it writes. Raise HostError when it runs already."""
    if are_guests_running(lab):
        raise HostError(
            f"the guests of {lab.folder} run already",
            next_step=f"stop them with: hlb lab guests {lab.folder} stop",
        )
    if is_host_down(lab):
        raise HostError(
            f"the host of {lab.folder} is down: no guest runs on it",
            next_step=f"switch it on with: hlb lab host {lab.folder} boot",
        )
    # The program gives back when its daemon is at work; the daemon has no stream of ours.
    done = subprocess.run(  # noqa: S603  the lab's own program, by its full path
        [_program_file(lab)], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if done.returncode != 0:
        raise HostError(
            f"the guests of {lab.folder} did not start: "
            f"{done.stderr.decode('utf-8', 'replace').strip()}",
            next_step=f"see {_log_file(lab)}",
        )


def stop_guests(lab: Lab) -> None:
    """Stop the daemon, if it runs, and give back when it is gone. Raise HostError if it stays."""
    deadline = time.monotonic() + _STOP_LIMIT_SECONDS
    while are_guests_running(lab):
        for pid in find_program(_program_file(lab)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        if time.monotonic() > deadline:
            raise HostError(f"the guests of {lab.folder} do not stop: see {_log_file(lab)}")
        sleep_seconds(_POLL_SECONDS)


def are_guests_running(lab: Lab) -> bool:
    """Tell whether the daemon of this lab runs."""
    return is_locked(_lock_file(lab))


def main(folder: str, arguments: list[str]) -> int:
    """Become the daemon of the lab in ``folder``; the caller's process ends when it is at work."""
    if arguments:
        raise SystemExit("lab-guests takes no argument")
    lab = open_lab(folder)
    reading, writing = os.pipe()
    if os.fork():
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            return 0 if pipe.read() == b"ready" else 1
    os.setsid()
    if os.fork():
        os._exit(0)
    lock = try_lock(_lock_file(lab))
    if lock is None:
        os._exit(1)
    _detach(lab, keep=(lock, writing))
    write_file(_pid_file(lab), str(os.getpid()).encode("ascii"))
    guests = Guests(lab, lab.read_settings().seed)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: guests.stop())
    os.write(writing, b"ready")
    os.close(writing)
    try:
        guests.run()
    finally:
        _pid_file(lab).unlink()
    return 0


class Guests:
    """Writes to every running VM in turn until it is told to stop."""

    def __init__(self, lab: Lab, seed: int) -> None:
        """Take the lab; the same ``seed`` makes the same writes in the same order."""
        self._lab = lab
        self._is_stopping = False
        self._random = random.Random(seed)  # noqa: S311  content, no secret
        self._disks: dict[Path, tuple[os.stat_result, tuple[LabDisk, ...]]] = {}

    def stop(self) -> None:
        """End ``run`` after the write that is under way."""
        self._is_stopping = True

    def run(self) -> None:
        """Write, at a modest rate, until ``stop`` is called."""
        while not self._is_told_to_stop():
            running = [vm for vm in read_registry(self._lab) if vm.power == "on"]
            for vm in running:
                if self._is_told_to_stop():
                    return
                with self._lab.hold_vm(vm.config):
                    # It may have been switched off, or have moved, since the list was read.
                    if vm in read_registry(self._lab):
                        self._write(vm)
                sleep_seconds(1 / _WRITES_A_SECOND)
            if not running:
                sleep_seconds(_POLL_SECONDS)

    def _is_told_to_stop(self) -> bool:
        return self._is_stopping

    def write_once(self, vm: RegisteredVm) -> None:
        """Write one block to one disk of ``vm``, and to its shadow."""
        with self._lab.hold_vm(vm.config):
            self._write(vm)

    def _write(self, vm: RegisteredVm) -> None:
        disks = self._read_disks(vm)
        if not disks:
            return
        disk = self._random.choice(disks)
        data = self._random.randbytes(BLOCK_BYTES)
        with OpenDisk(disk) as content:
            number = self._random.randrange(content.block_count)
            content.write_block(number, data)
        shadow = os.open(self._lab.shadow_file(disk.link_paths[-1]), os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.pwrite(shadow, data, number * BLOCK_BYTES)
        finally:
            os.close(shadow)

    def _read_disks(self, vm: RegisteredVm) -> tuple[LabDisk, ...]:
        """Give the VM's disks, read anew only when its .vmx is another file than before."""
        try:
            status = vm.config.stat()
        except FileNotFoundError:
            # Somebody rehearses a loss: a VM whose files are gone has nothing to write to.
            return ()
        known = self._disks.get(vm.config)
        if known is None or _differs(known[0], status):
            self._disks[vm.config] = known = (
                status,
                tuple(disk for disk in read_vm_disks(vm) if disk.has_content),
            )
        return known[1]


def _differs(before: os.stat_result, now: os.stat_result) -> bool:
    return (before.st_ino, before.st_mtime_ns) != (now.st_ino, now.st_mtime_ns)


def _detach(lab: Lab, keep: tuple[int, int]) -> None:
    """Let go of everything of the caller's: folder, streams, and every other open file."""
    os.chdir("/")
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(_log_file(lab), os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE_MODE)
    os.dup2(nothing, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    for descriptor in range(3, 1024):
        if descriptor not in keep:
            with contextlib.suppress(OSError):
                os.close(descriptor)


def _program_file(lab: Lab) -> Path:
    return lab.hostd / "lab-guests"


def _lock_file(lab: Lab) -> Path:
    return lab.hostd / "guests.lock"


def _pid_file(lab: Lab) -> Path:
    return lab.hostd / "guests.pid"


def _log_file(lab: Lab) -> Path:
    return lab.hostd / "guests.log"
