"""The compiled host of the benchmarks does what a host does, and the floor issues what hooks do."""

import os
import re
from pathlib import Path

import pytest
from free_host import FreeHost, Workshop
from native_programs import NoCompilerError
from overhead import AT_ONCE, AT_ONCE_AT_THE_END, STORES, time_talk
from schedule import find_least_seconds

VMS = 3


@pytest.fixture
def host(tmp_path: Path) -> FreeHost:
    """Give a host with more VMs than are chosen."""
    try:
        workshop = Workshop(tmp_path / "shop")
    except NoCompilerError as error:
        pytest.skip(str(error))
    return FreeHost(workshop, tmp_path / "host", VMS + 2, VMS, STORES)


def read_files(host: FreeHost) -> dict[str, bytes]:
    """Give what lies in the VMs' folders, but for the .vmsd, which keeps a counter."""
    volumes = host.folder / "vmfs"
    paths = (path for path in volumes.rglob("*") if path.is_file() and path.suffix != ".vmsd")
    return {os.fspath(path): path.read_bytes() for path in paths}


def test_both_hooks_do_their_work_on_it_and_leave_the_vms_as_they_were(host: FreeHost) -> None:
    before = read_files(host)
    host.time_hooks()
    report = (host.folder / "hooks.log").read_text()
    assert re.search(rf"HLB .* chosen={VMS} ready={VMS} failed=0 open={VMS} exit=0", report)
    assert report.count("OK_snap OK_umount") == VMS
    assert read_files(host) == before
    assert host.guard_memory_mib > 0


def test_a_snapshot_of_it_is_a_delta_that_the_vm_is_on(host: FreeHost) -> None:
    before = read_files(host)
    host.time_floor_phase("start", AT_ONCE)
    vmx = Path(host.chosen[0])
    assert f'"{vmx.stem}-000001.vmdk"' in vmx.read_text()
    parent = f'parentFileNameHint="{vmx.stem}.vmdk"'
    assert parent in vmx.with_name(f"{vmx.stem}-000001.vmdk").read_text()
    assert 'snapshot.numSnapshots = "1"' in vmx.with_suffix(".vmsd").read_text()
    host.time_floor_phase("end", AT_ONCE_AT_THE_END)
    assert read_files(host) == before


def test_the_talk_s_scripts_do_their_work_on_it(host: FreeHost) -> None:
    before = read_files(host)
    assert time_talk(host) > 0
    assert read_files(host) == before


def test_commands_take_as_long_as_they_are_told(host: FreeHost) -> None:
    """It is what the best order is reckoned by; no command can be quicker than its sleep."""
    host.set_latency({"createsnapshot": 0.02, "removesnapshots": 0.03, "jitter": 0.3})
    least = find_least_seconds(host) / 100
    assert 0 < least <= host.time_floor(4, 4).seconds
