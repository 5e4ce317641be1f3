"""What a .vmx says of a VM: its disks above all."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hlb_hooks.base.errors import VmFileError
from hlb_hooks.vmfiles.vmx import MAX_VMX_BYTES, Vmx, VmxDisk

PATH = "/vmfs/volumes/4a9b8a6e-3eca11a2-6a67-00144f0d8625/vm/vm.vmx"
HEAD = b'config.version = "8"\nvirtualHW.version = "4"\n'


def parse(*lines: str) -> Vmx:
    return Vmx.parse(HEAD + "".join(f"{line}\n" for line in lines).encode(), PATH)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n\n",
        b"#!/usr/bin/vmware\n",
        b'.encoding = "UTF-8"\n',
        b"some words\n",
        HEAD + b"\x00" * 16,
        b"KDMV\x01\x00\x00\x00",
        b'.encoding = "UTF-8"\nsnapshot.lastUID = "4"\nsnapshot.numSnapshots = "0"\n',
        b'# Disk DescriptorFile\nversion=1\nCID=d7980f7a\ncreateType="vmfs"\n',
        HEAD + b"#" * MAX_VMX_BYTES,
        b"\xff\xfec\x00o\x00n\x00",
    ],
)
def test_what_is_no_vmx_is_refused(data: bytes) -> None:
    with pytest.raises(VmFileError, match=r"vm\.vmx is not a \.vmx") as caught:
        Vmx.parse(data, PATH)
    assert caught.value.next_step


def test_an_encrypted_vmx_that_hides_its_disks_is_refused() -> None:
    with pytest.raises(VmFileError, match="encrypted"):
        parse('displayName = "secret"', 'encryption.data = "Zm9v"')


def test_an_encrypted_vmx_that_shows_its_disks_is_read() -> None:
    vmx = parse(
        'encryption.data = "Zm9v"', 'nvme0:0.present = "TRUE"', 'nvme0:0.fileName = "a.vmdk"'
    )
    assert [disk.node for disk in vmx.disks()] == ["nvme0:0"]


def test_a_file_of_vmware_server_is_read() -> None:
    vmx = Vmx.parse(
        b"#!/usr/bin/vmware\r\n"
        b'config.version = "8"\r\n'
        b'Ethernet0.present = "TRUE"\r\n'
        b'displayname ="Old server"\r\n'
        b'ide0:0.present = "TRUE"\r\n'
        b'ide0:0.filename = "Windows 2000.vmdk"\r\n'
        b'ide1:0.present = "TRUE"\r\n'
        b'ide1:0.fileName = "auto detect"\r\n'
        b'ide1:0.deviceType = "cdrom-raw"\r\n'
        b'floppy0.fileName = "/dev/fd0"\r\n',
        PATH,
    )
    assert vmx.display_name == "Old server"
    assert vmx.get_bool("ethernet0.present")
    assert vmx.disks() == [VmxDisk("ide0:0", "Windows 2000.vmdk", "", "")]


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("sql server (2)", b"sql server (2)"),
        ("web+app", b"web+app"),
        ("it's", b"it's"),
        ("two\nlines", b"two|0Alines"),
        ('a "quoted" | name', b"a |22quoted|22 |7C name"),
        ("not utf-8 \udcff", b"not utf-8 \xff"),
    ],
)
def test_the_display_name_survives_reading_and_writing(name: str, written: bytes) -> None:
    data = HEAD + b'displayName = "' + written + b'"\n'
    vmx = Vmx.parse(data, PATH)
    assert vmx.display_name == name
    vmx.remove("displayName")
    vmx.set("displayName", name)
    assert vmx.to_bytes() == data


def test_what_the_file_does_not_say_is_none() -> None:
    vmx = parse('displayName = ""')
    assert (vmx.display_name, vmx.working_dir, vmx.get("nvram")) == (None, None, None)
    assert vmx.encoding == "UTF-8"
    assert parse('workingDir = "/vmfs/volumes/b/vm"').working_dir == "/vmfs/volumes/b/vm"


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        *((word, True) for word in ("TRUE", "true", "True", "T", "yes", "Y", "on", "1", "")),
        *((word, False) for word in ("FALSE", "false", "f", "no", "N", "off", "0", "2", "maybe")),
    ],
)
def test_words_are_true_as_vmware_reads_them(word: str, expected: bool) -> None:
    vmx = parse(f'snapshot.disabled = "{word}"')
    assert vmx.get_bool("Snapshot.Disabled") is expected
    assert vmx.get_bool("snapshot.disabled", default=not expected) is expected
    assert vmx.get_bool("not.there") is False
    assert vmx.get_bool("not.there", default=True) is True


UUID = "4e4043f8-160ce551-98d6-00221591be89"


@pytest.mark.parametrize(
    ("node", "lines", "disk"),
    [
        (
            "scsi0:0",
            ('present = "TRUE"', 'fileName = "vps.vmdk"', 'deviceType = "scsi-hardDisk"'),
            ("vps.vmdk", "", "scsi-hardDisk"),
        ),
        ("SCSI0:0", ('PRESENT = "true"', 'filename = "VPS.VMDK"'), ("VPS.VMDK", "", "")),
        (
            "scsi3:15",
            ('present = "TRUE"', f'fileName = "/vmfs/volumes/{UUID}/vps/vps.vmdk"'),
            (f"/vmfs/volumes/{UUID}/vps/vps.vmdk", "", ""),
        ),
        (
            "scsi0:1",
            ('present = "TRUE"', 'fileName = "b.vmdk"', 'mode = "independent-persistent"'),
            ("b.vmdk", "independent-persistent", ""),
        ),
        (
            "ide0:0",
            ('present = "TRUE"', 'fileName = "a.vmdk"', 'deviceType = "ata-hardDisk"'),
            ("a.vmdk", "", "ata-hardDisk"),
        ),
        (
            "sata0:0",
            ('present = "TRUE"', 'fileName = "test flo_0-000004.vmdk"'),
            ("test flo_0-000004.vmdk", "", ""),
        ),
        (
            "nvme0:0",
            ('present = "TRUE"', 'fileName = "a.vmdk"', 'deviceType = "disk"'),
            ("a.vmdk", "", "disk"),
        ),
        (
            "scsi0:0",
            ('present = "TRUE"', 'fileName = "lun"', 'deviceType = "scsi-passThru-rdm"'),
            ("lun", "", "scsi-passThru-rdm"),
        ),
        ("scsi0:0", ('present = "TRUE"', 'deviceType = "rawDisk"'), ("", "", "rawDisk")),
        ("scsi0:0", ('present = ""', 'fileName = "a.vmdk"'), ("a.vmdk", "", "")),
    ],
)
def test_a_hard_disk_is_listed(
    node: str, lines: tuple[str, ...], disk: tuple[str, str, str]
) -> None:
    vmx = parse('scsi0.present = "TRUE"', *(f"{node}.{line}" for line in lines))
    assert vmx.disks() == [VmxDisk(node.lower(), *disk)]


@pytest.mark.parametrize(
    ("node", "lines"),
    [
        ("scsi0:0", ('present = "FALSE"', 'fileName = "a.vmdk"')),
        ("scsi0:0", ('fileName = "a.vmdk"', 'deviceType = "scsi-hardDisk"')),
        ("scsi9:0", ('present = "TRUE"', 'fileName = "a.vmdk"')),  # the controller is off
        ("ide1:0", ('present = "TRUE"', 'fileName = "x.iso"', 'deviceType = "cdrom-image"')),
        ("ide1:0", ('present = "TRUE"', 'fileName = "a.vmdk"', 'deviceType = "CDROM-image"')),
        ("ide1:0", ('present = "TRUE"', 'deviceType = "atapi-cdrom"')),
        ("ide1:0", ('present = "TRUE"', 'fileName = "a.iso"', 'deviceType = "disk"')),
        ("sata0:0", ('present = "TRUE"', 'fileName = "/vmfs/volumes/u/ISO/linux.ISO"')),
        ("floppy0", ('present = "TRUE"', 'fileName = "floppy.flp"')),
        ("scsi0:1", ('present = "TRUE"', 'fileName = "/dev/sg0"', 'deviceType = "scsi-passthru"')),
        ("scsi0:0", ('present.x = "TRUE"', 'fileName = "a.vmdk"')),
        ("scsi00:0", ('present = "TRUE"', 'fileName = "a.vmdk"')),
    ],
)
def test_what_is_no_present_hard_disk_is_not_listed(node: str, lines: tuple[str, ...]) -> None:
    assert parse('scsi9.present = "FALSE"', *(f"{node}.{line}" for line in lines)).disks() == []


def test_disks_come_in_the_order_of_their_nodes_whatever_the_files_order() -> None:
    nodes = ["scsi1:0", "scsi0:10", "scsi0:2", "sata0:0", "ide0:1"]
    lines = [f'{node}.present = "TRUE"' for node in nodes]
    lines += [f'{node}.fileName = "{number}.vmdk"' for number, node in enumerate(nodes)]
    assert [(disk.node, disk.file_name) for disk in parse(*lines).disks()] == [
        ("ide0:1", "4.vmdk"),
        ("sata0:0", "3.vmdk"),
        ("scsi0:2", "2.vmdk"),
        ("scsi0:10", "1.vmdk"),
        ("scsi1:0", "0.vmdk"),
    ]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("", False),
        ("persistent", False),
        ("undoable", False),
        ("independent-persistent", True),
        ("Independent-NonPersistent", True),
    ],
)
def test_independent_disks_are_known_by_their_mode(mode: str, expected: bool) -> None:
    assert VmxDisk("scsi0:0", "a.vmdk", mode, "").is_independent is expected


def test_controllers_whose_bus_is_shared_are_named() -> None:
    vmx = parse(
        'scsi0.present = "TRUE"',
        'scsi0.sharedBus = "none"',
        'scsi1.present = "TRUE"',
        'scsi1.sharedBus = "physical"',
        'SCSI2.sharedbus = "Virtual"',
        'scsi3.present = "FALSE"',
        'scsi3.sharedBus = "physical"',
        'scsi4.sharedBus = ""',
        'scsi5.sharedBus = "NONE"',
    )
    assert vmx.shared_bus_controllers() == ["scsi1", "scsi2"]


def test_a_disk_can_be_put_back_on_its_base_and_nothing_else_changes() -> None:
    before = (
        b'#!/usr/bin/vmware\n.encoding = "UTF-8"\n' + HEAD + b'scsi0:0.present = "TRUE"\n'
        b'scsi0:0.fileName = "vps-000001.vmdk"\ngarbled line\nscsi0:0.redo = ""\n'
    )
    vmx = Vmx.parse(before, PATH)
    vmx.set("scsi0:0.filename", "vps.vmdk")
    assert vmx.to_bytes() == before.replace(b"vps-000001", b"vps")
    assert vmx.garbled_lines() == [7]
    assert vmx.keys()[:2] == [".encoding", "config.version"]


def test_a_key_defined_twice_is_reported() -> None:
    vmx = parse('memsize = "1024"', 'MemSize = "2048"', 'a = "1"', 'a = "1"')
    assert (vmx.get("memsize"), vmx.duplicates()) == ("1024", ["memsize"])


@settings(deadline=None)
@given(data=st.binary(max_size=300), head=st.sampled_from([b"", HEAD]))
def test_no_bytes_do_anything_but_parse_or_be_refused(data: bytes, head: bytes) -> None:
    try:
        vmx = Vmx.parse(head + data, PATH)
    except VmFileError:
        return
    assert vmx.to_bytes() == head + data
    assert isinstance(vmx.disks(), list)
    assert isinstance(vmx.shared_bus_controllers(), list)
