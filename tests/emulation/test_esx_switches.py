"""What can be ordered of the emulated host, and what it takes and remembers."""

import json
import os
import subprocess
import sys
import time
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from esx import Failure, Host
from esx_kit import BASE, ENVIRONMENT, SNAPSHOT, say, start_command, text_of, wait_until_idle


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host.create(tmp_path / "esx")


@pytest.mark.parametrize("effect", ["none", "done"])
def test_an_ordered_failure_may_have_had_its_effect(host: Host, effect: Any) -> None:
    vmx, other = host.add_vm("vps"), host.add_vm("other")
    timeout = Failure(7, "VMControl error -7: Timeout", "createsnapshot", vmx, effect)
    host.configure(fail=[timeout._asdict()])
    said = say(host, vmx, *SNAPSHOT)
    assert (said.exit_code, said.stderr) == (7, "VMControl error -7: Timeout\n")
    assert host.snapshots(vmx) == (["HLB-gold-1"] if effect == "done" else [])
    assert say(host, other, *SNAPSHOT).exit_code == 0


def test_the_host_may_finish_after_the_client_gave_up(host: Host) -> None:
    vmx = host.add_vm("vps")
    host.configure(fail=[{"exit_code": 7, "text": "x", "effect": "later", "later_seconds": 0}])
    with host.holding("task"):
        assert say(host, vmx, *SNAPSHOT).exit_code == 7
        assert host.snapshots(vmx) == []
    while not host.snapshots(vmx):
        time.sleep(0.01)
    wait_until_idle(host, vmx)
    assert len(host.disk_chain(vmx)) == 2


def test_latency_is_taken_before_the_work_and_by_that_command_only(host: Host) -> None:
    host.configure(latency_seconds={"-l": 60})
    vmx = host.add_vm("vps")
    assert say(host, vmx, "getstate").exit_code == 0
    with start_command(host, "-l") as listing:
        with pytest.raises(subprocess.TimeoutExpired):
            listing.wait(0.5)
        listing.kill()


def test_the_merge_can_be_made_to_last(host: Host) -> None:
    vmx = host.add_vm("vps")
    say(host, vmx, *SNAPSHOT)
    host.configure(merge_seconds=1)
    with start_command(host, vmx, "removesnapshots") as client:
        with pytest.raises(subprocess.TimeoutExpired):
            client.wait(0.3)
        assert client.communicate(timeout=60)[0] == b"removesnapshots() = 1\n"


def test_a_failure_can_run_out(host: Host) -> None:
    host.configure(fail=[{"exit_code": 14, "text": "no authd", "times": 2}])
    assert [say(host, "-l").exit_code for _ in range(3)] == [14, 14, 0]


def test_only_a_quiesced_snapshot_can_be_ordered_to_fail(host: Host) -> None:
    vmx = host.add_vm("vps")
    host.configure(fail=[{"exit_code": 231, "text": "frozen", "quiesce": True}])
    assert say(host, vmx, "createsnapshot", "a", "", "1", "0").exit_code == 231
    assert say(host, vmx, "createsnapshot", "a", "", "0", "1").exit_code == 0
    assert host.snapshots(vmx) == ["a"]


@pytest.mark.parametrize("has_effect", [True, False])
def test_an_answer_can_be_garbled_with_or_without_its_effect(host: Host, has_effect: bool) -> None:
    vmx = host.add_vm("vps")
    raw = b"\xff/vmfs/vol"
    garbled = {"text": b64encode(raw).decode(), "exit": 3, "effect": has_effect}
    host.configure(garble={"createsnapshot": garbled, "-l": garbled})
    said = say(host, vmx, *SNAPSHOT)
    assert (os.fsencode(said.stdout), said.stderr, said.exit_code) == (raw, "", 3)
    assert os.fsencode(say(host, "-l").stdout) == raw
    assert bool(host.snapshots(vmx)) is has_effect


def test_templates_can_be_kept_out_of_the_list(host: Host) -> None:
    template = host.add_vm("golden", template=True)
    assert template.endswith(".vmtx")
    assert host.power(template) == "off"
    assert say(host, "-l").stdout == f"{template}\n"
    host.configure(list_templates=False)
    assert say(host, "-l").stdout == ""


@pytest.mark.parametrize(
    "wrong", [{"latency": 1}, {"dialect": "esxcli"}, {"helper": "x"}, {"fail": [{"exit": 1}]}]
)
def test_a_switch_that_does_not_exist_is_an_error(host: Host, wrong: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError)):
        host.configure(**wrong)


@pytest.mark.parametrize(
    "name", ["sql server (2)", "web+app", "it's", 'say "hi"', "a|b", "zażółć", b"caf\xe9", "-q"]
)
def test_any_name_makes_the_whole_round(host: Host, name: str | bytes) -> None:
    vmx = host.add_vm(name, display_name=name, disks=[BASE])
    assert say(host, "-l").stdout == f"{vmx}\n"
    assert say(host, vmx, *SNAPSHOT).exit_code == 0
    host.write_guest(vmx, "scsi0:0", 0, b"written")
    assert say(host, vmx, "removesnapshots").exit_code == 0
    assert host.disk_bytes(vmx) == b"written" + BASE[7:]
    assert len(host.disk_chain(vmx)) == 1
    assert [os.fsdecode(name)] == [Path(call[0]).stem for call in host.calls()[-1:]]


def test_a_display_name_with_a_line_break_is_written_as_an_escape(host: Host) -> None:
    vmx = host.add_vm("two lines", display_name="two\nlines")
    assert '\ndisplayName = "two|0Alines"\n' in text_of(vmx)


def test_two_hundred_vms_are_listed_in_the_order_they_came(host: Host) -> None:
    made = [host.add_vm(f"vm{number:03d}") for number in range(200)]
    assert say(host, "-l").stdout.splitlines() == made
    assert len({host.disk_bytes(vmx) for vmx in made}) == 200


def test_every_call_is_recorded_as_it_came(host: Host) -> None:
    say(host, "-l")
    say(host, "it's", "a\nb", "")
    assert host.calls() == [["-l"], ["it's", "a\nb", ""]]
    record = host.call_records()[0]
    assert record["stdin"] == "/dev/null"
    assert record["cwd"] == "/"
    assert record["environment"]["PATH"] == ENVIRONMENT["PATH"]


def test_two_hosts_can_share_a_datastore(host: Host, tmp_path: Path) -> None:
    second = Host.create(tmp_path / "esx2", shares_with=host)
    vmx = host.add_vm("vps")
    say(host, vmx, *SNAPSHOT)
    assert say(second, vmx, "getstate").exit_code == 11
    host.unregister(vmx)
    second.register(vmx, "on")
    assert say(host, vmx, "removesnapshots").exit_code == 11
    assert say(second, "-l").stdout == f"{vmx}\n"
    assert say(second, vmx, "removesnapshots").exit_code == 0
    assert host.snapshots(vmx) == []


@pytest.mark.parametrize("disk", [b"", b"x" * 513])
def test_a_disk_is_whole_sectors(host: Host, disk: bytes) -> None:
    with pytest.raises(ValueError, match="whole sectors"):
        host.add_vm("vps", disks=[disk])


def test_a_host_can_be_made_by_hand(tmp_path: Path) -> None:
    program = Path(__file__).with_name("esx.py")
    command = [sys.executable, str(program), "create", str(tmp_path / "esx"), "--vms", "6"]
    made = subprocess.run(
        [*command, "--dialect", "vcli"], capture_output=True, check=True, text=True
    )
    host = Host(tmp_path / "esx")
    assert made.stdout == f"{host.vmware_cmd}\n"
    stems = [Path(vmx).stem for vmx in host.registered()]
    assert stems == ["sql server (2)", "web+app", "it's", "store room", "vm005", "vm006"]
    assert say(host, "-l").stdout.startswith("\n/")
    assert json.loads(text_of(tmp_path / "esx" / "esx.json"))["dialect"] == "vcli"
