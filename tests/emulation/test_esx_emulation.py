"""The emulated host keeps to what is known of vmware-cmd and of VM files."""

import json
import os
import re
import select
import subprocess
import sys
import threading
import time
from base64 import b64encode
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import pytest
from esx import Failure, Host, RefusedError

ENVIRONMENT = {"PATH": "/usr/bin:/bin"}
SNAPSHOT = ("createsnapshot", "HLB-gold-1", "a backup", "1", "0")
BASE = bytes(range(256)) * 16


class Said:
    """What one vmware-cmd said, as text that carries any byte."""

    def __init__(self, ran: "subprocess.CompletedProcess[bytes]") -> None:
        self.exit_code = ran.returncode
        self.stdout = os.fsdecode(ran.stdout)
        self.stderr = os.fsdecode(ran.stderr)


def say(host: Host, *arguments: str, cwd: str = "/") -> Said:
    return Said(
        subprocess.run(
            [str(host.vmware_cmd), *arguments],
            capture_output=True,
            check=False,
            cwd=cwd,
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            timeout=60,
        )
    )


def files_of(vmx: str) -> set[str]:
    return {path.name for path in Path(vmx).parent.iterdir()}


def text_of(path: str | Path) -> str:
    return Path(path).read_text("utf-8")


def wait_until_idle(host: Host, vmx: str) -> None:
    with host.locked_vm(vmx, "task"):
        pass


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host.create(tmp_path / "esx")


@pytest.fixture
def vcli(tmp_path: Path) -> Host:
    return Host.create(tmp_path / "vma", dialect="vcli")


# ---- what vmware-cmd prints


def test_the_console_lists_bare_paths(host: Host) -> None:
    first, second = host.add_vm("sql server (2)"), host.add_vm("web+app", name="web")
    said = say(host, "-l")
    assert (said.stdout, said.stderr, said.exit_code) == (f"{first}\n{second}\n", "", 0)
    assert re.fullmatch(r".*/vmfs/volumes/[0-9a-f-]{35}/web\+app/web\.vmx", second)


def test_the_vcli_puts_an_empty_line_first_and_last(vcli: Host) -> None:
    vmx = vcli.add_vm("one")
    assert say(vcli, "-l").stdout == f"\n{vmx}\n\n"


def test_no_vm_is_silence_on_the_console_and_a_sentence_from_the_vcli(
    host: Host, vcli: Host
) -> None:
    assert (say(host, "-l").stdout, say(host, "-l").exit_code) == ("", 0)
    assert say(vcli, "-l").stdout == "\nNo virtual machine found.\n\n"


@pytest.mark.parametrize("power", ["on", "off", "suspended", "stuck"])
def test_getstate_says_the_power_state(host: Host, power: Any) -> None:
    vmx = host.add_vm("one", power=power)
    assert say(host, vmx, "getstate").stdout == f"getstate() = {power}\n"
    assert say(host, "-q", vmx, "getstate").stdout == f"{power}\n"
    assert say(host, vmx, "getstate", "-q").stdout == f"{power}\n"


def test_hassnapshot_has_an_empty_value_on_the_console_and_0_from_the_vcli(
    host: Host, vcli: Host
) -> None:
    assert say(host, host.add_vm("one"), "hassnapshot").stdout == "hassnapshot() = \n"
    assert say(vcli, vcli.add_vm("one"), "hassnapshot").stdout == "hassnapshot() = 0\n"


@pytest.mark.parametrize("dialect", ["console", "vcli"])
def test_a_snapshot_is_echoed_without_its_quotes(tmp_path: Path, dialect: str) -> None:
    host = Host.create(tmp_path / "esx", dialect=dialect)
    vmx = host.add_vm("one")
    said = say(host, vmx, *SNAPSHOT)
    assert said.stdout == "createsnapshot(HLB-gold-1 a backup 1 0) = 1\n"
    assert say(host, vmx, "hassnapshot").stdout == "hassnapshot() = 1\n"
    assert say(host, vmx, "removesnapshots").stdout == "removesnapshots() = 1\n"
    assert host.snapshots(vmx) == []


def test_an_unknown_path_is_error_11_on_the_console(host: Host) -> None:
    said = say(host, "/vmfs/volumes/x/a b.vmx", "getstate")
    assert said.exit_code == 11
    assert said.stdout == ""
    assert said.stderr == (
        "/usr/bin/vmware-cmd: Could not connect to VM /vmfs/volumes/x/a b.vmx\n"
        "  (VMControl error -11: No such virtual machine: The config file"
        " /vmfs/volumes/x/a b.vmx is not registered.\n"
        "Please register the config file on the server.  For example:\n"
        'vmware-cmd -s register "/vmfs/volumes/x/a b.vmx")\n'
    )


def test_an_unknown_path_is_a_sentence_from_the_vcli(vcli: Host) -> None:
    said = say(vcli, "/vmfs/volumes/x/x.vmx", *SNAPSHOT)
    assert (said.stderr, said.exit_code) == ("No virtual machine found.\n", 1)


def test_a_label_path_is_not_the_registered_one(host: Host) -> None:
    vmx = Path(host.add_vm("one"))
    by_label = host.volumes / "storage1" / "one" / "one.vmx"
    assert by_label.samefile(vmx)
    assert say(host, str(by_label), "getstate").exit_code == 11


def test_a_relative_path_works_from_the_folder_of_the_vm(host: Host) -> None:
    vmx = Path(host.add_vm("one"))
    assert say(host, "one.vmx", "getstate", cwd=str(vmx.parent)).exit_code == 0


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_errors_and_usage_go_to_the_stream_that_was_ordered(host: Host, stream: str) -> None:
    host.configure(error_stream=stream)
    assert "-11" in getattr(say(host, "/x.vmx", "getstate"), stream)
    assert "Usage: " in getattr(say(host, "/x.vmx", "getsate"), stream)


@pytest.mark.parametrize(
    "arguments",
    [
        ["VMX"],
        ["getstate"],
        ["getstate", "VMX"],
        ["VMX", "getState"],
        ["VMX", "getstate", "now"],
        ["VMX", "hassnapshot", ""],
        ["VMX", "createsnapshot"],
        ["VMX", "createsnapshot", "name", "text", "1"],
        ["VMX", "createsnapshot", "name", "text", "1", "0", "0"],
        ["VMX", "createsnapshot", "1", "0", "name", "text"],
        ["VMX", "createsnapshot", "name", "two", "words", "1", "0"],
        ["VMX", "createsnapshot", "name", "text", "true", "false"],
        ["VMX", "createsnapshot", "name", "-text", "1", "0"],
        ["VMX", "removesnapshots", "name"],
        ["VMX", "removesnapshot"],
        ["VMX", "start", "gently"],
        ["-l", "VMX"],
        ["-l", "-s"],
        ["-x", "-l"],
        ["-H", "esx", "-l"],
        ["-s"],
        ["-s", "register"],
        ["-s", "register", "VMX", "datacenter", "pool"],
        ["register", "VMX"],
    ],
)
def test_a_wrong_command_line_gets_the_usage_and_changes_nothing(
    host: Host, arguments: list[str]
) -> None:
    vmx = host.add_vm("one")
    before = files_of(vmx)
    said = say(host, *(vmx if word == "VMX" else word for word in arguments))
    assert said.exit_code == 1
    assert said.stderr == (
        "Usage: vmware-cmd <options> <vm-cfg-path> <vm-action> <arguments>\n"
        "vmware-cmd -s <options> <server-action> <arguments>\n"
    )
    assert files_of(vmx) == before


def test_without_arguments_the_usage_is_no_failure(host: Host) -> None:
    said = say(host)
    assert (said.exit_code, said.stdout[:7]) == (0, "Usage: ")


def test_the_vcli_takes_its_connection_options(vcli: Host) -> None:
    vmx = vcli.add_vm("one")
    assert say(vcli, "-H", "esx", "--vihost=b", vmx, "getstate").stdout == "getstate() = on\n"
    assert say(vcli, vmx, "getstate", "-H").exit_code == 1


def test_start_and_stop_refuse_the_state_the_vm_is_in(host: Host) -> None:
    vmx = host.add_vm("one")
    said = say(host, vmx, "start")
    assert said.exit_code == 8
    assert said.stderr == (
        "VMControl error -8: Invalid operation for virtual machine's current state: The requested"
        ' operation ("start") could not be completed because it conflicted with the state of the'
        ' virtual machine ("on") at the time the request was received. This error often occurs'
        " because the state of the virtual machine changed before it received the request.\n"
    )
    assert say(host, vmx, "stop", "hard").stdout == "stop() = 1\n"
    assert 'operation ("stop")' in say(host, vmx, "stop").stderr
    assert say(host, vmx, "start", "trysoft").stdout == "start() = 1\n"
    assert host.power(vmx) == "on"


def test_the_vcli_says_a_wrong_state_in_a_sentence(vcli: Host) -> None:
    said = say(vcli, vcli.add_vm("one"), "start")
    sentence = "The attempted operation cannot be performed in the current state.\n"
    assert (said.stderr, said.exit_code) == (sentence, 1)


def test_registering_and_unregistering_keep_the_files(host: Host) -> None:
    vmx = host.add_vm("it's", power="off")
    before = files_of(vmx)
    assert say(host, "-s", "unregister", vmx).stdout == f"unregister({vmx}) = 1\n"
    assert say(host, "-s", "unregister", vmx).exit_code == 11
    assert say(host, "-l").stdout == ""
    assert say(host, "-s", "register", vmx).stdout == f"register({vmx}) = 1\n"
    assert say(host, "-s", "register", vmx).exit_code == 231
    assert say(host, "-s", "register", f"{vmx}.gone").exit_code == 11
    assert say(host, "-l").stdout == f"{vmx}\n"
    assert files_of(vmx) == before


def test_a_vm_that_waits_for_an_answer_takes_no_snapshot(host: Host) -> None:
    vmx = host.add_vm("one", power="stuck")
    said = say(host, vmx, *SNAPSHOT)
    text = "VMControl error -16: Virtual machine requires user input to continue\n"
    assert (said.stderr, said.exit_code) == (text, 16)


@pytest.mark.parametrize(
    ("vm", "arguments", "text"),
    [
        ({}, ("createsnapshot", "50%", "", "0", "0"), "The name 50% is invalid."),
        ({}, ("createsnapshot", "", "", "0", "0"), "The name  is invalid."),
        (
            {"independent": [0]},
            ("createsnapshot", "name", "", "0", "1"),
            "Cannot take a memory snapshot, since the virtual machine is configured with"
            " independent disks.",
        ),
        (
            {"extra_lines": ['SCSI1.sharedBus = "physical"']},
            SNAPSHOT,
            "SnapshotIncompatibleDeviceInVm",
        ),
    ],
)
def test_a_fault_has_the_soap_shape_and_changes_nothing(
    host: Host, vm: dict[str, Any], arguments: tuple[str, ...], text: str
) -> None:
    vmx = host.add_vm("one", **vm)
    before = files_of(vmx)
    said = say(host, vmx, *arguments)
    assert said.exit_code == 231
    assert said.stderr == (
        f"VMControl error -999: Unknown error: SoapError: ServerFaultCode(0) : ({text})\n"
    )
    assert files_of(vmx) == before
    host.configure(dialect="vcli")
    said = say(host, vmx, *arguments)
    assert (said.stderr, said.exit_code) == (f"{text}\n", 1)


def test_a_suspended_vm_takes_one_snapshot_and_no_second(host: Host) -> None:
    vmx = host.add_vm("one", power="suspended")
    assert say(host, vmx, *SNAPSHOT).exit_code == 0
    assert "has not changed since the last snapshot" in say(host, vmx, *SNAPSHOT).stderr


# ---- what happens to the files


def test_a_vm_has_the_files_of_its_power_state(host: Host) -> None:
    vmx = host.add_vm("vps", disks=[BASE, BASE])
    swap = [name for name in files_of(vmx) if re.fullmatch(r"vps-[0-9a-f]{8}\.vswp", name)]
    assert files_of(vmx) - set(swap) == {
        *("vps.vmx", "vps.vmsd", "vps.vmxf", "vps.nvram", "vmware.log"),
        *("vps.vmdk", "vps-flat.vmdk", "vps_1.vmdk", "vps_1-flat.vmdk"),
    }
    assert len(swap) == 1
    assert Path(vmx).with_suffix(".vmsd").read_bytes() == b""
    host.set_power(vmx, "suspended")
    assert "vps.vmss" in files_of(vmx)
    assert swap[0] not in files_of(vmx)
    assert 'checkpoint.vmState = "vps.vmss"\n' in text_of(vmx)


def test_a_base_descriptor_names_its_flat_file_and_no_parent(host: Host) -> None:
    text = text_of(Path(host.add_vm("vps", disks=[BASE])).with_suffix(".vmdk"))
    assert text.startswith("# Disk DescriptorFile\nversion=1\n")
    assert re.search(r"^CID=[0-9a-f]{8}\nparentCID=ffffffff\ncreateType=\"vmfs\"$", text, re.M)
    assert '\nRW 8 VMFS "vps-flat.vmdk"\n' in text


def test_a_snapshot_puts_a_delta_above_every_disk(host: Host) -> None:
    vmx = host.add_vm("vps", disks=[BASE, BASE[::-1]])
    before, config = files_of(vmx), text_of(vmx)
    say(host, vmx, *SNAPSHOT)
    assert files_of(vmx) - before == {
        *("vps-000001.vmdk", "vps-000001-delta.vmdk", "vps_1-000001.vmdk"),
        *("vps_1-000001-delta.vmdk", "vps-Snapshot1.vmsn"),
    }
    assert text_of(vmx) == config.replace('"vps.vmdk"', '"vps-000001.vmdk"').replace(
        '"vps_1.vmdk"', '"vps_1-000001.vmdk"'
    )
    base, delta = (text_of(Path(vmx).with_name(f"vps{end}.vmdk")) for end in ("", "-000001"))
    cid = re.search(r"^CID=(\w+)$", base, re.M)
    assert cid is not None
    assert f"\nparentCID={cid[1]}\n" in delta
    assert 'createType="vmfsSparse"\nparentFileNameHint="vps.vmdk"\n' in delta
    assert '\nRW 8 VMFSSPARSE "vps-000001-delta.vmdk"\n' in delta
    assert Path(vmx).with_name("vps-000001-delta.vmdk").stat().st_size == 24 * 1024


def test_the_vmsd_tells_the_snapshot_the_way_a_host_does(host: Host) -> None:
    vmx = host.add_vm("vps", disks=[BASE])
    say(host, vmx, "createsnapshot", "test1", "", "0", "0")
    text = text_of(Path(vmx).with_suffix(".vmsd"))
    high = re.search(r'snapshot0\.createTimeHigh = "(\d+)"', text)
    low = re.search(r'snapshot0\.createTimeLow = "(-?\d+)"', text)
    assert high is not None
    assert low is not None
    assert text == (
        '.encoding = "UTF-8"\nsnapshot.lastUID = "1"\nsnapshot.current = "1"\n'
        'snapshot0.uid = "1"\nsnapshot0.filename = "vps-Snapshot1.vmsn"\n'
        f'snapshot0.displayName = "test1"\nsnapshot0.createTimeHigh = "{high[1]}"\n'
        f'snapshot0.createTimeLow = "{low[1]}"\nsnapshot0.numDisks = "1"\n'
        'snapshot0.disk0.fileName = "vps.vmdk"\nsnapshot0.disk0.node = "scsi0:0"\n'
        'snapshot.numSnapshots = "1"\n'
    )
    made = ((int(high[1]) << 32) + int(low[1]) % (1 << 32)) / 1e6
    assert abs(made - time.time()) < 3600
    assert -(1 << 31) <= int(low[1]) < 1 << 31


def test_quiesce_and_memory_are_told_apart_in_the_state_file(host: Host) -> None:
    vmx = host.add_vm("vps")
    say(host, vmx, "createsnapshot", "one", "", "1", "0")
    state = Path(vmx).with_name("vps-Snapshot1.vmsn").read_bytes()
    assert b"quiesce=1\nmemory=0\n" in state
    assert b'displayName = "vps"' in state


def test_the_guest_writes_to_the_delta_and_the_base_stands_still(host: Host) -> None:
    vmx = host.add_vm("vps", disks=[BASE])
    flat = Path(vmx).with_name("vps-flat.vmdk")
    host.write_guest(vmx, "scsi0:0", 0, b"before")
    say(host, vmx, *SNAPSHOT)
    frozen = flat.read_bytes()
    host.write_guest(vmx, "scsi0:0", 3, b"meanwhile")
    host.write_guest(vmx, "scsi0:0", 4090, b"at end")
    assert frozen == b"before" + BASE[6:]
    assert flat.read_bytes() == frozen
    expected = b"befmeanwhile" + BASE[12:4090] + b"at end"
    assert host.disk_bytes(vmx) == expected
    say(host, vmx, "removesnapshots")
    assert flat.read_bytes() == expected == host.disk_bytes(vmx)


def test_a_guest_cannot_write_beyond_its_disk(host: Host) -> None:
    vmx = host.add_vm("vps", disks=[BASE])
    with pytest.raises(ValueError, match="beyond its disk of 4096 bytes"):
        host.write_guest(vmx, "scsi0:0", 4095, b"ab")


@pytest.mark.parametrize("has_written", [True, False])
def test_the_base_gets_a_new_cid_only_when_its_content_changed(
    host: Host, has_written: bool
) -> None:
    vmx = host.add_vm("vps", disks=[BASE])
    before = text_of(Path(vmx).with_suffix(".vmdk"))
    say(host, vmx, *SNAPSHOT)
    if has_written:
        host.write_guest(vmx, "scsi0:0", 0, b"x")
    say(host, vmx, "removesnapshots")
    assert (text_of(Path(vmx).with_suffix(".vmdk")) != before) is has_written


def test_after_the_removal_all_is_as_before_but_for_the_counter(host: Host) -> None:
    vmx = host.add_vm("vps", disks=[BASE, BASE])
    files, config = files_of(vmx), Path(vmx).read_bytes()
    say(host, vmx, *SNAPSHOT)
    say(host, vmx, "removesnapshots")
    assert files_of(vmx) == files
    assert Path(vmx).read_bytes() == config
    vmsd = text_of(Path(vmx).with_suffix(".vmsd"))
    assert vmsd == '.encoding = "UTF-8"\nsnapshot.lastUID = "1"\n'


@pytest.mark.parametrize(
    ("variant", "content"),
    [
        ("zero", '.encoding = "UTF-8"\nsnapshot.lastUID = "1"\nsnapshot.numSnapshots = "0"\n'),
        ("empty", ""),
        ("absent", None),
    ],
)
def test_an_emptied_vmsd_has_the_form_that_was_ordered(
    host: Host, variant: str, content: str | None
) -> None:
    vmx = host.add_vm("vps", vmsd=None)
    vmsd = Path(vmx).with_suffix(".vmsd")
    assert not vmsd.exists()
    host.configure(vmsd_after_removal=variant)
    say(host, vmx, *SNAPSHOT)
    say(host, vmx, "removesnapshots")
    assert (text_of(vmsd) if vmsd.exists() else None) == content


def test_numbers_go_on_above_what_lies_there(host: Host) -> None:
    vmx = host.add_vm("vps")
    Path(vmx).with_name("vps-000003-delta.vmdk").write_bytes(b"left over")
    say(host, vmx, *SNAPSHOT)
    assert host.disk_chain(vmx)[0].name == "vps-000004.vmdk"
    say(host, vmx, "removesnapshots")
    say(host, vmx, *SNAPSHOT)
    assert {"vps-000003-delta.vmdk", "vps-Snapshot2.vmsn"} <= files_of(vmx)


def test_removesnapshots_takes_the_administrators_too(host: Host) -> None:
    vmx = host.add_vm("vps", disks=[BASE])
    host.take_admin_snapshot(vmx, 'before "patch|day"')
    host.write_guest(vmx, "scsi0:0", 0, b"first")
    say(host, vmx, *SNAPSHOT)
    host.write_guest(vmx, "scsi0:0", 2, b"second")
    assert host.snapshots(vmx) == ['before "patch|day"', "HLB-gold-1"]
    names = ["vps-000002.vmdk", "vps-000001.vmdk", "vps.vmdk"]
    assert [path.name for path in host.disk_chain(vmx)] == names
    assert host.disk_bytes(vmx) == b"fisecond" + BASE[8:]
    vmsd = text_of(Path(vmx).with_suffix(".vmsd"))
    assert 'snapshot1.parent = "1"\n' in vmsd
    assert 'snapshot1.disk0.fileName = "vps-000001.vmdk"\n' in vmsd
    assert 'displayName = "before |22patch|7Cday|22"\n' in vmsd
    say(host, vmx, "removesnapshots")
    assert host.snapshots(vmx) == []
    flat = Path(vmx).with_name("vps-flat.vmdk")
    assert flat.read_bytes() == b"fisecond" + BASE[8:] == host.disk_bytes(vmx)


def test_an_administrator_can_remove_without_vmware_cmd(host: Host) -> None:
    vmx = host.add_vm("vps", disks=[BASE])
    say(host, vmx, *SNAPSHOT)
    host.remove_admin_snapshots(vmx)
    assert (host.snapshots(vmx), len(host.disk_chain(vmx))) == ([], 1)
    assert [call[1] for call in host.calls()] == ["createsnapshot"]


def test_independent_disks_and_physical_devices_stay_on_their_base(host: Host) -> None:
    vmx = host.add_vm(
        "vps", disks=[BASE] * 4, independent=[1], raw_devices={2: "physical", 3: "virtual"}
    )
    say(host, vmx, *SNAPSHOT)
    chains = [len(host.disk_chain(vmx, f"scsi0:{number}")) for number in range(4)]
    assert chains == [2, 1, 1, 2]
    assert 'RW 8 VMFSRDM "vps_2-rdmp.vmdk"' in text_of(Path(vmx).with_name("vps_2.vmdk"))
    assert 'RW 8 VMFSRDM "vps_3-rdm.vmdk"' in text_of(Path(vmx).with_name("vps_3.vmdk"))
    assert 'numDisks = "2"' in text_of(Path(vmx).with_suffix(".vmsd"))


def test_a_disk_on_another_datastore_has_its_delta_there(host: Host) -> None:
    vmx = host.add_vm("vps", disks=[BASE, BASE], datastores={1: "store (1)"})
    say(host, vmx, *SNAPSHOT)
    delta = host.disk_chain(vmx, "scsi0:1")[0]
    assert delta.parent == (host.volumes / "store (1)" / "vps").resolve()
    assert f'scsi0:1.fileName = "{delta}"\n' in text_of(vmx)
    host.write_guest(vmx, "scsi0:1", 0, b"far")
    say(host, vmx, "removesnapshots")
    assert delta.with_name("vps_1-flat.vmdk").read_bytes() == b"far" + BASE[3:]
    assert not delta.exists()


def test_unknown_lines_and_the_case_of_keys_survive_a_snapshot(host: Host) -> None:
    lines = ["garbage without sense", 'SCSI1:0.PRESENT ="true"', 'SCSI1:0.FILENAME = "vps.vmdk"']
    vmx = host.add_vm("vps", disks=[BASE], extra_lines=lines)
    say(host, vmx, *SNAPSHOT)
    assert "\ngarbage without sense\n" in text_of(vmx)
    assert '\nSCSI1:0.FILENAME = "vps-000002.vmdk"\n' in text_of(vmx)


# ---- the order of things, and the host's own mind


def start_command(
    host: Host, *arguments: str, leaked: tuple[int, ...] = ()
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [str(host.vmware_cmd), *arguments],
        stdout=subprocess.PIPE,
        env=ENVIRONMENT,
        pass_fds=leaked,
        start_new_session=True,
    )


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


# ---- switches


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


# ---- names, numbers, calls


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
    command = [sys.executable, "-I", str(program), "create", str(tmp_path / "esx"), "--vms", "6"]
    made = subprocess.run(
        [*command, "--dialect", "vcli"], capture_output=True, check=True, text=True
    )
    host = Host(tmp_path / "esx")
    assert made.stdout == f"{host.vmware_cmd}\n"
    stems = [Path(vmx).stem for vmx in host.registered()]
    assert stems == ["sql server (2)", "web+app", "it's", "store room", "vm005", "vm006"]
    assert say(host, "-l").stdout.startswith("\n/")
    assert json.loads(text_of(tmp_path / "esx" / "esx.json"))["dialect"] == "vcli"
