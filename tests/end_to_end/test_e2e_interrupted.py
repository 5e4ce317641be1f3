"""A hook that waits for others, the host or its reader, is told to stop and does not wait on."""

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hook_kit import Site
from hook_story import Outcome
from hook_watching import PATIENCE_SECONDS, picture, wait_until

# Far below what the host takes here, and above what a busy machine does.
SHORT_PATIENCE_SECONDS = 15.0
SIGNALS = [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 143)]


@contextmanager
def host_that_hangs(site: Site) -> Iterator[None]:
    """The host takes far longer for ``-l`` than any test has patience for."""
    seconds = PATIENCE_SECONDS * 10
    site.configure(host={"command_timeout_seconds": int(seconds)})
    site.host.configure(latency_seconds={"-l": seconds})
    try:
        yield
    finally:
        # What was left reading goes with the test.
        for record in site.host.call_records():
            with suppress(ProcessLookupError):
                os.kill(record["pid"], signal.SIGKILL)


@pytest.mark.parametrize(("number", "exit_code"), SIGNALS)
@pytest.mark.parametrize("hook", ["initial_backup", "snap_request", "compare_backup"])
def test_a_hook_that_waits_for_the_list_of_vms_stops_when_it_is_told_to(
    site: Site, hook: str, number: int, exit_code: int
) -> None:
    (vmx,) = site.add_vms(1)
    arguments = {"compare_backup": [], "snap_request": ["--lease", "1h", vmx]}
    with host_that_hangs(site):
        before = picture(site.root, [site.host.root / "hostd"])
        process = site.start_hook(hook, *arguments.get(hook, ["--lease", "1h"]))
        try:
            site.wait_for_call("-l")
            process.send_signal(number)
            said, _ = process.communicate(timeout=SHORT_PATIENCE_SECONDS)
        finally:
            process.kill()
            process.communicate()
    outcome = Outcome(process.returncode, said)
    assert outcome.exit_code == exit_code, outcome.stdout
    assert outcome.machine["run"] == "-"
    assert signal.Signals(number).name in outcome.stdout
    assert picture(site.root, [site.host.root / "hostd"]) == before
    assert site.changing_calls() == []


@contextmanager
def full_pipe() -> Iterator[int]:
    """Give the writing end of a pipe that is full and that nobody reads."""
    reading, writing = os.pipe()
    try:
        os.set_blocking(writing, False)
        with suppress(BlockingIOError):
            while True:
                os.write(writing, bytes(4096))
        os.set_blocking(writing, True)
        yield writing
    finally:
        os.close(reading)
        os.close(writing)


def catches(pid: int, number: int) -> bool:
    """Tell whether a process has a handler of its own for a signal."""
    (mask,) = (
        line.split()[1]
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith("SigCgt:")
    )
    return bool(int(mask, 16) >> (number - 1) & 1)


def stop_unheard(site: Site, hook: str, *arguments: str) -> int:
    """Run a hook whose stdout is full; tell it to stop, and give its exit code."""
    with full_pipe() as stdout:
        process = subprocess.Popen(
            [site.scripts / hook, *arguments],
            env={"HLB_CONFIG": str(site.config)},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_until(lambda: catches(process.pid, signal.SIGTERM), "the hook's listening")
            process.terminate()
            return process.wait(PATIENCE_SECONDS)
        finally:
            process.kill()
            process.wait()


def test_a_start_hook_that_nobody_listens_to_stops_when_it_is_told_to(site: Site) -> None:
    vmxs = site.add_vms(2)
    assert stop_unheard(site, "initial_backup", "--lease", "1h") == 143
    wait_until(lambda: not site.guards(), "the guard's end")
    assert [site.host.snapshots(vmx) for vmx in vmxs] == [[], []]
    assert site.changing_calls() == []


def test_an_end_hook_that_nobody_listens_to_hands_over_when_it_is_told_to(site: Site) -> None:
    vmxs = site.add_vms(2)
    assert site.run("initial_backup", "--lease", "1h").exit_code == 0
    assert stop_unheard(site, "initial_umount", "--run", site.run_name) == 143
    site.wait_settled()
    assert [site.flags(vmx)[-1] for vmx in vmxs] == ["OK_umount", "OK_umount"]
    assert site.leftovers() == []


def test_a_listener_who_is_only_slow_hears_everything(site: Site) -> None:
    site.add_vms(30)
    reading, writing = os.pipe()
    # The least a pipe can hold: the first words fill it.
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    process = subprocess.Popen(
        [site.scripts / "compare_backup"],
        env={"HLB_CONFIG": str(site.config)},
        stdin=subprocess.DEVNULL,
        stdout=writing,
    )
    os.close(writing)
    with os.fdopen(reading, "rb", buffering=0) as stream:
        pieces = [stream.read(7)]
        # Longer than the hook looks for room.
        time.sleep(1.5)
        pieces += iter(lambda: stream.read(97), b"")
    outcome = Outcome(process.wait(PATIENCE_SECONDS), b"".join(pieces).decode())
    assert outcome.exit_code == 0
    assert outcome.counts["chosen"] == 30
    assert sum(line.startswith("**found ") for line in outcome.lines) == 30
