"""The order in which the emulated host works, and its own mind."""

import os
import re
import select
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import pytest
from esx import Host, RefusedError
from esx_kit import (
    BASE,
    SNAPSHOT,
    files_of,
    say,
    start_command,
    text_of,
    wait_until_idle,
)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host.create(tmp_path / "esx")


def test_the_entry_leaves_the_vmsd_before_the_merge(host: Host) -> None:
    vmx = host.add_vm("vps", disks=[BASE])
    say(host, vmx, *SNAPSHOT)
    with host.holding("merge"), start_command(host, vmx, "removesnapshots") as client:
        while host.snapshots(vmx):
            time.sleep(0.01)
        assert host.disk_chain(vmx)[0].name == "vps-000001.vmdk"
        assert say(host, vmx, "hassnapshot").stdout == "hassnapshot() = \n"
        said = say(host, vmx, *SNAPSHOT)
        assert said.exit_code == 231
        assert "(Operation failed since another task is in progress.)" in said.stderr
        host.write_guest(vmx, "scsi0:0", 0, b"during the merge")
        client.kill()
    wait_until_idle(host, vmx)
    assert len(host.disk_chain(vmx)) == 1
    assert host.disk_bytes(vmx) == b"during the merge" + BASE[16:]


def test_a_busy_vm_refuses_the_administrator_too(host: Host) -> None:
    vmx = host.add_vm("vps")
    with (
        host.locked_vm(vmx, "task"),
        pytest.raises(RefusedError, match="another task is in progress"),
    ):
        host.take_admin_snapshot(vmx, "mine")


@pytest.mark.parametrize("helper", ["merged", "left", "hidden"])
def test_a_consolidate_helper_takes_the_writes_during_the_merge(host: Host, helper: str) -> None:
    vmx = host.add_vm("vps", disks=[BASE])
    host.configure(helper=helper)
    say(host, vmx, *SNAPSHOT)
    host.write_guest(vmx, "scsi0:0", 0, b"first")
    with host.holding("merge"):
        client = start_command(host, vmx, "removesnapshots")
        while "Consolidate Helper" not in host.snapshots(vmx):
            time.sleep(0.01)
        host.write_guest(vmx, "scsi0:0", 2, b"second")
    assert client.communicate(timeout=60)[0] == b"removesnapshots() = 1\n"
    names = ["vps.vmdk"] if helper == "merged" else ["vps-000002.vmdk", "vps.vmdk"]
    assert [path.name for path in host.disk_chain(vmx)] == names
    assert host.snapshots(vmx) == (["Consolidate Helper"] if helper == "left" else [])
    assert host.disk_bytes(vmx) == b"fisecond" + BASE[8:]
    base, top = host.disk_chain(vmx)[-1], host.disk_chain(vmx)[0]
    cid = re.search(r"^CID=(\w+)$", text_of(base), re.M)
    assert cid is not None
    assert helper == "merged" or f"\nparentCID={cid[1]}\n" in text_of(top)


def test_a_helper_left_behind_can_be_removed_later(host: Host) -> None:
    vmx = host.add_vm("vps", disks=[BASE])
    before = files_of(vmx)
    host.configure(helper="left")
    say(host, vmx, *SNAPSHOT)
    say(host, vmx, "removesnapshots")
    host.write_guest(vmx, "scsi0:0", 0, b"late")
    host.configure(helper="none")
    assert say(host, vmx, "removesnapshots").exit_code == 0
    assert files_of(vmx) == before
    assert host.disk_bytes(vmx) == b"late" + BASE[4:]


def test_a_helper_covers_no_disk_that_was_added_after_the_snapshot(host: Host) -> None:
    vmx = host.add_vm("vps", disks=[BASE, BASE])
    whole = text_of(vmx)
    without = whole.replace('scsi0:1.present = "TRUE"', 'scsi0:1.present = "FALSE"')
    Path(vmx).write_text(without, "utf-8")
    say(host, vmx, *SNAPSHOT)
    Path(vmx).write_text(text_of(vmx).replace('"FALSE"', '"TRUE"'), "utf-8")
    host.configure(helper="merged")
    say(host, vmx, "removesnapshots")
    assert text_of(vmx) == whole


@pytest.mark.parametrize("access", ["read", "write"])
def test_nobody_sees_a_disk_while_its_chain_changes(host: Host, access: str) -> None:
    vmx = host.add_vm("vps", disks=[BASE])
    with ThreadPoolExecutor() as pool:
        with host.locked_vm(vmx, "content"):
            if access == "read":
                pending: Future[Any] = pool.submit(host.disk_bytes, vmx)
            else:
                pending = pool.submit(host.write_guest, vmx, "scsi0:0", 0, b"x")
            assert wait([pending], timeout=0.3).not_done == {pending}
        pending.result(60)


@pytest.mark.parametrize("helper", ["none", "merged"])
def test_a_guest_that_never_stops_writing_loses_nothing(host: Host, helper: str) -> None:
    vmx = host.add_vm("vps", disks=[BASE])
    host.configure(helper=helper)
    shadow, stop = bytearray(BASE), threading.Event()

    def write_on() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            offset, data = number * 997 % 4080, f"{number:016d}".encode()
            host.write_guest(vmx, "scsi0:0", offset, data)
            shadow[offset : offset + 16] = data
            assert host.disk_bytes(vmx)[offset : offset + 16] == data

    with ThreadPoolExecutor() as pool:
        guest = pool.submit(write_on)
        try:
            for _ in range(8):
                assert say(host, vmx, *SNAPSHOT).exit_code == 0
                assert say(host, vmx, "removesnapshots").exit_code == 0
        finally:
            stop.set()
        guest.result()
    assert host.disk_bytes(vmx) == bytes(shadow)
    assert len(host.disk_chain(vmx)) == 1


def test_a_killed_client_does_not_stop_the_host(host: Host) -> None:
    vmx = host.add_vm("vps")
    reading, leaked = os.pipe()
    with host.holding("task"):
        client = start_command(host, vmx, *SNAPSHOT, leaked=(leaked,))
        os.close(leaked)
        while not task_is_running(host, vmx):
            time.sleep(0.01)
        os.killpg(client.pid, 9)
        # Both end at once: the host keeps nothing of the client's open.
        assert client.communicate(timeout=60)[0] == b""
        assert select.select([reading], [], [], 60)[0] == [reading]
        os.close(reading)
        assert host.snapshots(vmx) == []
    wait_until_idle(host, vmx)
    assert host.snapshots(vmx) == ["HLB-gold-1"]


def task_is_running(host: Host, vmx: str) -> bool:
    try:
        with host.locked_vm(vmx, "task", is_busy_an_error=True):
            return False
    except RefusedError:
        return True
