"""What the tests of the effects share: little programs, runs, and processes of their own."""

import os
import select
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hlb_hooks.base.config import Config
from hlb_hooks.effects.owner import ProcessOwner
from hlb_hooks.effects.processes import ProcessIdentity, identify_process
from hlb_hooks.effects.records import VERSION, Flag, Record, make_record
from hlb_hooks.effects.run_store import RunStore, StateFolder
from hlb_hooks.effects.run_story import Run, tell_run
from hlb_hooks.effects.vm_files import read_vm
from hlb_hooks.effects.vmware_cmd import VmwareCmd
from hlb_hooks.vmfiles.sighting import RecordedDisk

WAIT_LIMIT_SECONDS = 30.0
PACKAGE_ROOT = Path(__file__).parents[2]
RUN = "gold-20261122T010000Z-0123abcd"
VMX = "/vmfs/volumes/4a3b/wro215ts/wro215ts.vmx"


def write_program(path: Path, text: str) -> str:
    path.write_text(text, "utf-8")
    path.chmod(0o755)
    return str(path)


def write_sayer(folder: Path, stdout: bytes, stderr: bytes = b"", exit_code: int = 0) -> str:
    """Make a program that says these bytes, whatever it is asked, and leaves with that code."""
    said, complained = folder / "said", folder / "complained"
    said.write_bytes(stdout)
    complained.write_bytes(stderr)
    quoted = shlex.quote(str(said)), shlex.quote(str(complained))
    return write_program(
        folder / "vmware-cmd",
        f"#!/bin/sh\ncat {quoted[0]}\ncat {quoted[1]} >&2\nexit {exit_code}\n",
    )


def wait_for(question: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + WAIT_LIMIT_SECONDS
    while not question():
        assert time.monotonic() < deadline, f"waited in vain for: {what}"
        time.sleep(0.01)


@contextmanager
def running(program: str, *arguments: str, cwd: str = "/") -> Iterator["subprocess.Popen[bytes]"]:
    """Run a Python program of ours that says a line when it is ready and ends with its stdin."""
    with subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        cwd=cwd,
        env={"PYTHONPATH": str(PACKAGE_ROOT), "PATH": "/usr/bin:/bin"},
    ) as process:
        try:
            read_line(process)
            yield process
        finally:
            process.kill()


def read_line(process: "subprocess.Popen[bytes]") -> str:
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], WAIT_LIMIT_SECONDS)
    assert ready, "the other process said nothing"
    line = process.stdout.readline()
    assert line, "the other process ended without a word"
    return os.fsdecode(line.rstrip(b"\n"))


def tell(process: "subprocess.Popen[bytes]", word: str = "go") -> None:
    assert process.stdin is not None
    process.stdin.write(f"{word}\n".encode())
    process.stdin.flush()


def myself() -> ProcessIdentity:
    identity = identify_process(os.getpid())
    assert identity is not None
    return identity


def make_head(
    run: str = RUN,
    job: str = "gold",
    *,
    owner: ProcessIdentity | None = None,
    config: Config | None = None,
    **details: str,
) -> list[Record]:
    who = ProcessOwner(owner or ProcessIdentity(1, 1, "boot"), "avtar")
    state = {"version": str(VERSION), "run": run, "job": job, "host": "esx1", "boot_id": "boot"}
    return [
        make_record(Flag.STATE, **(state | details)),
        make_record(Flag.OWNER, **who.to_details()),
        make_record(Flag.CONFIG, json=(config or Config("/etc/hlb.toml")).to_json()),
    ]


def tell_story(*records: Record) -> Run:
    """Add up a run's records after its head."""
    run = tell_run([*make_head(), *records], "/var/hlb/gold.state")
    assert run is not None
    return run


def begin_run(folder: Path, *more: Record, run: str = RUN, job: str = "gold") -> str:
    """Begin a run in a state folder and let go of it; give its state file's path."""
    store: RunStore = StateFolder(str(folder))
    with store.beginning(30):
        journal = store.begin(run, [*make_head(run, job), *more])
    journal.close()
    return journal.path


def record_disks_of(vmx: str) -> tuple[RecordedDisk, ...]:
    from hlb_hooks.effects.base_disks import record_disks

    return record_disks(read_vm(vmx))


def make_driver(program: str | Path, *, may_change: bool = True, limit: float = 30) -> VmwareCmd:
    from hlb_hooks.effects.commands import CommandRunner

    return VmwareCmd(str(program), CommandRunner(run=RUN, may_change=may_change), *[limit] * 3)


def snapshot_tree(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Give everything under a folder: mode, time of change in ns, content."""
    return {
        str(path): (
            path.lstat().st_mode,
            path.lstat().st_mtime_ns,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted(folder.rglob("*"))
    }
