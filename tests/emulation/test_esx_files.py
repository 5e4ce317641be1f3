"""What the emulated host does to the files of a VM."""

import re
import time
from pathlib import Path

import pytest
from esx import Host
from esx_kit import BASE, SNAPSHOT, files_of, say, text_of


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host.create(tmp_path / "esx")


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
