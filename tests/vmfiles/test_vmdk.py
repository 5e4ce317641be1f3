"""What a VMDK descriptor says of a disk, and what is none."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hlb_hooks.base.errors import VmFileError
from hlb_hooks.vmfiles.vmdk import MAX_DESCRIPTOR_BYTES, Descriptor, rewrite_descriptor
from hlb_hooks.vmfiles.vmdk_extent import MAX_SECTORS, Extent

PATH = "/vmfs/volumes/ds/vps/vps.vmdk"

BASE = b"""\
# Disk DescriptorFile
version=1
encoding="UTF-8"
CID=d7980f7a
parentCID=ffffffff
isNativeSnapshot="no"
createType="vmfs"

# Extent description
RW 67108864 VMFS "test flo_0-flat.vmdk"

# The Disk Data Base\x20
#DDB

ddb.adapterType = "lsilogic"
ddb.geometry.cylinders = "4177"
ddb.geometry.heads = "255"
ddb.geometry.sectors = "63"
ddb.longContentID = "fcf1eb0bcf4258028daa64ebd7980f7a"
ddb.thinProvisioned = "1"
ddb.virtualHWVersion = "7"
"""

DELTA = b"""\
# Disk DescriptorFile
version=1
CID=4f5b98ad
parentCID=79229daf
createType="vmfsSparse"
parentFileNameHint="vps.vmdk"
# Extent description
RW 20971520 VMFSSPARSE "vps-000001-delta.vmdk"

# The Disk Data Base\x20
#DDB

ddb.longContentID = "5b5c2f8c1f0a1e6f1f9e4d5c4f5b98ad"
"""


def parse(data: bytes) -> Descriptor:
    return Descriptor.parse(data, PATH)


def with_type(create_type: str, extent: str) -> Descriptor:
    text = BASE.replace(b"vmfs", create_type.encode(), 1)
    return parse(text.replace(b'RW 67108864 VMFS "test flo_0-flat.vmdk"', extent.encode()))


def test_a_base_is_read() -> None:
    descriptor = parse(BASE)
    assert (descriptor.cid, descriptor.parent_cid) == ("d7980f7a", "ffffffff")
    assert (descriptor.create_type, descriptor.encoding) == ("vmfs", "UTF-8")
    assert descriptor.parent_file_name_hint is None
    assert descriptor.extents == (Extent("RW", 67108864, "VMFS", "test flo_0-flat.vmdk", 0),)
    assert descriptor.capacity_bytes == 32 * 1024**3
    assert descriptor.ddb["ddb.geometry.heads"] == "255"
    assert descriptor.ddb["ddb.adaptertype"] == "lsilogic"
    assert (descriptor.is_base, descriptor.is_delta) == (True, False)
    assert not descriptor.is_raw_device_mapping
    assert not descriptor.is_physical_rdm
    assert not descriptor.is_raw


def test_a_delta_is_read() -> None:
    descriptor = parse(DELTA)
    assert (descriptor.cid, descriptor.parent_cid) == ("4f5b98ad", "79229daf")
    assert descriptor.parent_file_name_hint == "vps.vmdk"
    assert descriptor.extents[0].file_name == "vps-000001-delta.vmdk"
    assert descriptor.capacity_bytes == 10 * 1024**3
    assert (descriptor.is_base, descriptor.is_delta) == (False, True)


def test_an_se_sparse_delta_and_an_absolute_hint_are_read() -> None:
    descriptor = parse(
        DELTA.replace(b"vmfsSparse", b"seSparse")
        .replace(b"VMFSSPARSE", b"SESPARSE")
        .replace(b"-delta.vmdk", b"-sesparse.vmdk")
        .replace(b'"vps.vmdk"', b'"/vmfs/volumes/4e4043f8-160ce551/base/base.vmdk"')
    )
    assert descriptor.is_delta
    assert descriptor.parent_file_name_hint == "/vmfs/volumes/4e4043f8-160ce551/base/base.vmdk"
    assert descriptor.extents[0].kind == "SESPARSE"


def test_any_disk_with_a_parent_is_a_delta_whatever_its_type() -> None:
    assert parse(DELTA.replace(b"vmfsSparse", b"monolithicFlat")).is_delta
    assert parse(DELTA.replace(b"79229daf", b"ffffffff")).is_delta


@pytest.mark.parametrize(
    ("create_type", "extent", "is_mapping", "is_physical", "is_raw"),
    [
        ("vmfsRawDeviceMap", 'RW 1048576000 VMFSRDM "RDM-rdm.vmdk"', True, False, False),
        ("vmfsPassthroughRawDeviceMap", 'RW 1048576000 VMFSRDM "5-rdmp.vmdk"', True, True, False),
        ("VMFSPASSTHROUGHRAWDEVICEMAP", 'RW 1048576000 VMFSRDM "5-rdmp.vmdk"', True, True, False),
        ("vmfsRDM", 'RW 10 VMFSRDM "a-rdm.vmdk"', True, False, False),
        ("vmfsRDMP", 'RW 10 VMFSRDM "a-rdmp.vmdk"', True, True, False),
        ("custom", 'RW 10 vmfsrdm "a-rdm.vmdk"', True, False, False),
        ("vmfsRaw", 'RW 10 VMFSRAW "/vmfs/devices/disks/vmhba1:0:0:0"', False, False, True),
        ("fullDevice", 'RW 10 FLAT "/dev/sdb" 0', False, False, True),
        ("partitionedDevice", 'RW 63 FLAT "a-pt.vmdk" 0', False, False, True),
        ("custom", 'RW 10 VMFSRAW "x"', False, False, True),
        ("vmfs", 'RW 10 VMFS "a-flat.vmdk"', False, False, False),
    ],
)
def test_raw_disks_and_mappings_are_told_apart(
    create_type: str, extent: str, is_mapping: bool, is_physical: bool, is_raw: bool
) -> None:
    descriptor = with_type(create_type, extent)
    assert descriptor.is_raw_device_mapping is is_mapping
    assert descriptor.is_physical_rdm is is_physical
    assert descriptor.is_raw is is_raw


@pytest.mark.parametrize(
    ("line", "extent"),
    [
        (
            'RW 4192256 SPARSE "test-s001.vmdk"',
            Extent("RW", 4192256, "SPARSE", "test-s001.vmdk", 0),
        ),
        (
            'RW 1048576 FLAT "test-f001.vmdk" 63',
            Extent("RW", 1048576, "FLAT", "test-f001.vmdk", 63),
        ),
        ("rdonly 5 zero", Extent("RDONLY", 5, "ZERO", None, 0)),
        ("NOACCESS 5 ZERO ", Extent("NOACCESS", 5, "ZERO", None, 0)),
        (' RW\t5  VMFS "a b (1)=#.vmdk" ', Extent("RW", 5, "VMFS", "a b (1)=#.vmdk", 0)),
        (
            r'RW 5 FLAT "\\.\PhysicalDrive0" 0 partitionUUID \\?\ide#disk',
            Extent("RW", 5, "FLAT", r"\\.\PhysicalDrive0", 0),
        ),
        ('RW 5 VMFS "a|22b|7C.vmdk"', Extent("RW", 5, "VMFS", 'a"b|.vmdk', 0)),
        ('RW 5 VMFS "a|b.vmdk"', Extent("RW", 5, "VMFS", "a|b.vmdk", 0)),
        (f'RW {MAX_SECTORS} VMFS "a"', Extent("RW", MAX_SECTORS, "VMFS", "a", 0)),
    ],
)
def test_an_extent_is_read(line: str, extent: Extent) -> None:
    assert with_type("custom", line).extents == (extent,)


def test_a_disk_of_several_extents_is_as_large_as_all_of_them() -> None:
    descriptor = with_type("twoGbMaxExtentSparse", 'RW 3 SPARSE "a-s001.vmdk"\nRW 4 SPARSE "b"')
    assert [extent.file_name for extent in descriptor.extents] == ["a-s001.vmdk", "b"]
    assert descriptor.capacity_bytes == 7 * 512


@pytest.mark.parametrize(
    "line",
    [
        'RW -5 VMFS "a"',
        'RW 0 VMFS "a"',
        f'RW {MAX_SECTORS + 1} VMFS "a"',
        'RW 99999999999999999999 VMFS "a"',
        'RW five VMFS "a"',
        'RW 5 VMFS ""',
        "RW 5 VMFS",
        "RW 5 VMFS a.vmdk",
        'RW 5 VMFS "a"b"',
        'RW 5 VMFS "a" 12x',
        'RO 5 VMFS "a"',
        "RW",
        "some words",
        "",
    ],
)
def test_a_line_that_no_descriptor_has_is_refused(line: str) -> None:
    with pytest.raises(VmFileError, match=r"vps\.vmdk"):
        with_type("vmfs", line)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no line says"),
        (b"\x00" * 4096, "binary"),
        (b"\xeb\x63\x90GRUB" + bytes(505), "binary"),
        (b"\xaa" * (MAX_DESCRIPTOR_BYTES + 1), "larger than 256 KiB"),
        (b"KDMV\x01\x00\x00\x00" + BASE, "hosted sparse disk"),
        (b"COWD\x01\x00\x00\x00", "a delta's data"),
        (BASE.replace(b"# Disk DescriptorFile\n", b""), "no line says # Disk DescriptorFile"),
        (BASE.replace(b'createType="vmfs"\n', b""), "no createType"),
        (BASE.replace(b'"vmfs"', b'""'), "no createType"),
        (BASE.replace(b"CID=d7980f7a\n", b""), "CID is missing"),
        (BASE.replace(b"parentCID=ffffffff\n", b""), "parentCID is missing"),
        (BASE.replace(b"=ffffffff", b"=fffffffff"), 'parentCID is "fffffffff"'),
        (BASE.replace(b"=d7980f7a", b"=xyz"), 'CID is "xyz"'),
        (BASE.replace(b"version=1", b"cid=00000001"), "there twice"),
        (b'config.version = "8"\ndisplayName = "vps"\n', "no line says"),
    ],
)
def test_what_is_no_descriptor_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(VmFileError, match=reason) as caught:
        parse(data)
    assert PATH in caught.value.message


def test_keys_have_no_case_and_content_ids_are_given_in_one_form() -> None:
    data = BASE.replace(b"createType", b"CREATETYPE").replace(b"=d7980f7a", b'="D79"')
    data = data.replace(b"\n", b"\r\n").replace(b"# Disk DescriptorFile", b"#disk descriptorfile ")
    assert (parse(data).cid, parse(data).create_type) == ("00000d79", "vmfs")
    assert parse(BASE.replace(b"ffffffff", b"FFFFFFFF")).is_base


def test_names_are_read_in_the_descriptors_encoding() -> None:
    data = BASE.replace(b"UTF-8", b"windows-1252").replace(b"flo", b"fl\xf6")
    assert parse(data).extents[0].file_name == "test fl\u00f6_0-flat.vmdk"
    raw = BASE.replace(b"flo", b"fl\xf6")
    assert parse(raw).extents[0].file_name == "test fl\udcf6_0-flat.vmdk"


def test_a_descriptor_is_rewritten_and_every_other_byte_stays() -> None:
    changed = rewrite_descriptor(
        DELTA,
        PATH,
        values={"cid": "00000001", "parentCID": "00000002", "parentFileNameHint": "a b.vmdk"},
        extent_names={"vps-000001-delta.vmdk": 'a "b".vmdk'},
    )
    assert changed == (
        DELTA.replace(b"4f5b98ad\np", b"00000001\np")
        .replace(b"79229daf", b"00000002")
        .replace(b'"vps.vmdk"', b'"a b.vmdk"')
        .replace(b"vps-000001-delta.vmdk", b"a |22b|22.vmdk")
    )
    assert parse(changed).extents[0].file_name == 'a "b".vmdk'


def test_extents_swap_names_and_those_not_named_keep_theirs() -> None:
    data = BASE.replace(
        b'RW 67108864 VMFS "test flo_0-flat.vmdk"',
        b'RW 1 FLAT "a" 0\nRW 2 ZERO\nRW 3 FLAT "b"\t7\nRW 4 FLAT "c|7Cd"',
    )
    changed = rewrite_descriptor(data, PATH, extent_names={"a": "b", "b": "a", "c|d": "c"})
    assert changed == data.replace(b'"a" 0', b'"b" 0').replace(b'"b"\t', b'"a"\t').replace(
        b'"c|7Cd"', b'"c"'
    )


def test_rewriting_nothing_gives_the_same_bytes() -> None:
    assert rewrite_descriptor(BASE, PATH) == BASE


@pytest.mark.parametrize(
    ("values", "extent_names", "reason"),
    [
        ({"parentFileNameHint": "a.vmdk"}, {}, "no parentFileNameHint"),
        ({"CID": "xyz"}, {}, 'CID is "xyz"'),
        ({}, {"other.vmdk": "a.vmdk"}, "no extent named 'other.vmdk'"),
        ({}, {"test flo_0-flat.vmdk": ""}, "without a file name"),
    ],
)
def test_a_rewriting_that_makes_no_sense_is_refused(
    values: dict[str, str], extent_names: dict[str, str], reason: str
) -> None:
    with pytest.raises(VmFileError, match=reason):
        rewrite_descriptor(BASE, PATH, values=values, extent_names=extent_names)


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


@settings(deadline=None)
@given(name=NAMES, hint=NAMES, cid=st.integers(0, 2**32 - 1))
def test_whatever_is_written_is_read_back(name: str, hint: str, cid: int) -> None:
    changed = rewrite_descriptor(
        DELTA,
        PATH,
        values={"CID": f"{cid:08x}", "parentFileNameHint": hint},
        extent_names={"vps-000001-delta.vmdk": name},
    )
    descriptor = parse(changed)
    assert descriptor.cid == f"{cid:08x}"
    assert descriptor.parent_file_name_hint == hint
    assert descriptor.extents[0].file_name == name


MUTILATED = st.builds(
    lambda data, start, length, put: data[:start] + put + data[start + length :],
    st.sampled_from([BASE, DELTA]),
    st.integers(0, len(BASE)),
    st.integers(0, 40),
    st.binary(max_size=20),
)


@settings(deadline=None)
@given(data=st.one_of(st.binary(max_size=300), MUTILATED))
def test_no_bytes_do_anything_but_parse_or_be_refused(data: bytes) -> None:
    try:
        descriptor = parse(data)
    except VmFileError:
        return
    assert descriptor.capacity_bytes > 0
    assert rewrite_descriptor(data, PATH) == data
