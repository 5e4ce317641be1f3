"""Whoever took his snapshot before our last look keeps it, and that look is the last thing done."""

import os
import shutil
from pathlib import Path

import pytest
from bench_host import BIN, BenchHost, run_quietly
from removal_window import measure_in_a_process
from traced_removal import TracedRemoval, trace_removals

# ``make sweep`` throws thousands.
TRIES = int(os.environ.get("HLB_WINDOW_TRIES", "100"))
SEED = int(os.environ.get("HLB_WINDOW_SEED", "7"))


def test_a_snapshot_that_is_complete_before_the_last_look_is_never_removed(tmp_path: Path) -> None:
    tries = measure_in_a_process(tmp_path, TRIES, SEED)
    early = [each for each in tries if each.was_complete_before_the_look]
    assert not [each for each in early if each.is_lost or each.is_asked], f"seed {SEED}"
    # What is proved by it: that it happened, and that removals went on meanwhile.
    assert len(early) >= TRIES / 40
    assert sum(each.is_asked for each in tries) >= TRIES / 10


def trace_end(folder: Path, hook: str) -> list[TracedRemoval]:
    """Have a program remove three snapshots, under strace."""
    if shutil.which("strace") is None:
        pytest.skip("needs the Debian package strace")
    bench = BenchHost(folder, vms=3)
    bench.begin()
    command = bench.end_command(hook, *(bench.vmxs if hook == "snap_remove" else ()))
    removals = trace_removals(folder / "trace", command, {"PATH": f"{BIN}:{os.defpath}"})
    run_quietly(bench.end_command("initial_umount"))
    assert sorted(removal.vmx for removal in removals) == sorted(bench.vmxs)
    return removals


@pytest.mark.parametrize("hook", ["initial_umount", "snap_remove"])
def test_from_the_last_look_to_the_hosts_command_only_that_vms_files_are_read(
    tmp_path: Path, hook: str
) -> None:
    for removal in trace_end(tmp_path, hook):
        folder = f"{Path(removal.vmx).parent}/"
        # What starts a program opens the two in /dev; any other file makes the window wider.
        others = {file for file in removal.files if not file.startswith((folder, "/dev/"))}
        assert others == set()
        names = {call.name for call in removal.calls}
        assert names <= {"openat", "read"}, "something is waited for, or written"
