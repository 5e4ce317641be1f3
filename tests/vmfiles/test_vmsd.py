"""What a .vmsd says of a VM's snapshots, and that it is never taken to say none by mistake."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hlb_hooks.base.errors import VmFileError
from hlb_hooks.vmfiles.vmsd import MAX_VMSD_BYTES, Snapshot, Vmsd

PATH = "/vmfs/volumes/ds/vps/vps.vmsd"

ONE = """\
.encoding = "UTF-8"
snapshot.lastUID = "4"
snapshot.current = "2"
snapshot0.uid = "2"
snapshot0.filename = "vps-Snapshot2.vmsn"
snapshot0.displayName = "test1"
snapshot0.createTimeHigh = "310596"
snapshot0.createTimeLow = "938781285"
snapshot0.numDisks = "1"
snapshot0.disk0.fileName = "vps.vmdk"
snapshot0.disk0.node = "scsi0:0"
snapshot.numSnapshots = "1"
"""

THREE = """\
.encoding = "UTF-8"
snapshot.lastUID = "3"
snapshot.current = "3"
snapshot0.uid = "1"
snapshot0.filename = "test flo-Snapshot1.vmsn"
snapshot0.displayName = "SNAPSHOT POST INSTALL"
snapshot0.description = "two|0Alines"
snapshot0.createTimeHigh = "388745"
snapshot0.createTimeLow = "1991180826"
snapshot0.numDisks = "1"
snapshot0.disk0.fileName = "test flo_0.vmdk"
snapshot0.disk0.node = "scsi0:0"
snapshot.numSnapshots = "3"
snapshot1.uid = "2"
snapshot1.filename = "test flo-Snapshot2.vmsn"
snapshot1.parent = "1"
snapshot1.displayName = "SECOND"
snapshot1.createTimeHigh = "388801"
snapshot1.createTimeLow = "-814770620"
snapshot1.numDisks = "1"
snapshot1.disk0.fileName = "test flo_0-000001.vmdk"
snapshot1.disk0.node = "scsi0:0"
snapshot2.uid = "3"
snapshot2.filename = "test flo-Snapshot3.vmsn"
snapshot2.parent = "1"
snapshot2.displayName = "third"
snapshot2.type = "1"
snapshot2.numDisks = "0"
snapshot.mru0.uid = "3"
"""


def parse(text: str) -> Vmsd:
    return Vmsd.parse(text.encode(), PATH)


@pytest.mark.parametrize(
    ("text", "last_uid"),
    [
        ("", None),
        ("\n \t\r\n", None),
        ("# nothing here\n", None),
        ('.encoding = "UTF-8"\n', None),
        ('.encoding = "UTF-8"\nsnapshot.lastUID = "2032"\n', 2032),
        ('snapshot.numSnapshots = "0"', None),
        ('.encoding = "UTF-8"\nsnapshot.lastUID = "0"\nsnapshot.numSnapshots = "0"\n', 0),
        ('snapshot.lastUID = "7"\nsnapshot.current = "0"\nsnapshot.numSnapshots = "0"\n', 7),
        ('snapshot.lastUID = "7"\nsnapshot.current = ""\n', 7),
        ('cloneOf0 = "/vmfs/volumes/a/b.vmx"\nnumCloneOf = "1"\nsentinel0 = "a.vmdk"\n', None),
    ],
)
def test_a_file_without_snapshots_says_none(text: str, last_uid: int | None) -> None:
    assert parse(text) == Vmsd(snapshots=(), last_uid=last_uid, current_uid=None)


def test_one_snapshot_is_read() -> None:
    assert parse(ONE) == Vmsd(
        snapshots=(
            Snapshot(
                uid=2,
                display_name="test1",
                description="",
                file_name="vps-Snapshot2.vmsn",
                created=datetime(2012, 4, 9, 19, 43, 21, 49701, tzinfo=UTC),
                parent_uid=None,
                disks=(("scsi0:0", "vps.vmdk"),),
                type="",
            ),
        ),
        last_uid=4,
        current_uid=2,
    )


def test_a_tree_is_read() -> None:
    vmsd = parse(THREE)
    assert [(x.uid, x.parent_uid, x.type) for x in vmsd.snapshots] == [
        (1, None, ""),
        (2, 1, ""),
        (3, 1, "1"),
    ]
    assert vmsd.snapshots[0].description == "two\nlines"
    assert vmsd.snapshots[1].disks == (("scsi0:0", "test flo_0-000001.vmdk"),)
    assert vmsd.snapshots[2].disks == ()
    assert (vmsd.last_uid, vmsd.current_uid) == (3, 3)


def test_keys_have_no_case_and_lines_may_end_as_on_windows() -> None:
    assert parse(ONE.upper().replace("UTF-8", "utf-8").replace("\n", "\r\n")).last_uid == 4
    assert len(parse(ONE.replace("snapshot", "SnapShot")).snapshots) == 1


def test_gaps_in_the_index_are_nothing_special() -> None:
    vmsd = parse(ONE.replace("snapshot0.", "snapshot17.").replace(".disk0.", ".disk3."))
    assert vmsd.snapshots == parse(ONE).snapshots


@pytest.mark.parametrize(
    ("high", "low", "second"),
    [
        ("388745", "1991180826", datetime(2022, 11, 28, 15, 24, 12, tzinfo=UTC)),
        ("310596", "938781285", datetime(2012, 4, 9, 19, 43, 21, tzinfo=UTC)),
        ("310880", "-365210110", datetime(2012, 4, 23, 23, 22, 42, tzinfo=UTC)),
        ("0", "0", datetime(1970, 1, 1, tzinfo=UTC)),
        ("0", "-1", datetime(1970, 1, 1, 1, 11, 34, tzinfo=UTC)),
    ],
)
def test_the_time_is_microseconds_with_a_signed_low_half(
    high: str, low: str, second: datetime
) -> None:
    text = ONE.replace('"310596"', f'"{high}"').replace('"938781285"', f'"{low}"')
    created = parse(text).snapshots[0].created
    assert created is not None
    assert created.replace(microsecond=0) == second


@pytest.mark.parametrize(("high", "low"), [("", "1"), ("1", "x"), ("9" * 18, "0"), ("-1", "0")])
def test_a_time_that_is_none_does_not_hide_the_snapshot(high: str, low: str) -> None:
    text = ONE.replace('"310596"', f'"{high}"').replace('"938781285"', f'"{low}"')
    (snapshot,) = parse(text).snapshots
    assert (snapshot.uid, snapshot.created) == (2, None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (ONE.replace('numSnapshots = "1"', 'numSnapshots = "2"'), "but 1 are listed"),
        (ONE.replace('numSnapshots = "1"', 'numSnapshots = "0"'), "but 1 are listed"),
        ('snapshot.numSnapshots = "1"\n', "but 0 are listed"),
        (ONE.replace('snapshot.numSnapshots = "1"\n', ""), "cut short"),
        ('.encoding = "UTF-8"\nsnapshot.lastUID = "4"\nsnapshot.current = "2"\n', "cut short"),
        (ONE.replace('numSnapshots = "1"', 'numSnapshots = ""'), "not a number"),
        (ONE.replace('numSnapshots = "1"', 'numSnapshots = "-1"'), "not a number"),
        (ONE.replace('numSnapshots = "1"', 'numSnapshots = "one"'), "not a number"),
        (ONE.replace('numSnapshots = "1"', 'numSnapshots = "\u0661"'), "not a number"),
        (ONE.replace('uid = "2"', 'uid = "two"'), r"snapshot0\.uid"),
        (ONE.replace('snapshot0.uid = "2"\n', ""), "snapshot0 has no uid"),
        (ONE.replace('numDisks = "1"', 'numDisks = "2"'), "but 1 disks are listed"),
        (ONE + "snapshot0.displayName\n", "line 13 is not of the form"),
        (ONE[:-3], "line 12 is not of the form"),
        (ONE + 'snapshot0.displayName = "other"\n', "there twice"),
        (THREE.replace('snapshot2.uid = "3"', 'snapshot2.uid = "2"'), "the same uid"),
        (THREE.replace('snapshot2.parent = "1"', 'snapshot2.parent = "9"'), "uid 9 is named"),
        (THREE.replace('snapshot2.parent = "1"', 'snapshot2.parent = "3"'), "its own ancestor"),
        (
            THREE.replace("snapshot0.displayName", 'snapshot0.parent = "2"\nsnapshot0.displayName'),
            "its own ancestor",
        ),
        ('config.version = "8"\ndisplayName = "vps"\n', r"a \.vmx"),
        ("\x00" * 512, "binary"),
        ("#" * (MAX_VMSD_BYTES + 1), "larger than 4096 KiB"),
    ],
)
def test_what_does_not_add_up_is_never_taken_for_no_snapshots(text: str, reason: str) -> None:
    with pytest.raises(VmFileError, match=reason) as caught:
        parse(text)
    assert PATH in caught.value.message
    assert caught.value.next_step


@pytest.mark.parametrize("text", [ONE, THREE])
def test_a_file_cut_short_anywhere_after_its_counters_is_refused(text: str) -> None:
    start = text.index('snapshot.current = "') + len('snapshot.current = "')
    for length in range(start, len(text) - 1):
        if 'snapshot2.uid = "3"' in text[:length]:
            break  # from here on all that is needed to count them is there
        with pytest.raises(VmFileError):
            parse(text[:length])


@settings(deadline=None)
@given(count=st.integers(0, 40), data=st.data())
def test_every_listed_snapshot_is_found_whatever_the_order_of_the_lines(
    count: int, data: st.DataObject
) -> None:
    lines = [f'snapshot.numSnapshots = "{count}"']
    for index in range(count):
        lines += [
            f'snapshot{index}.uid = "{index + 1}"',
            f'snapshot{index}.displayName = "n{index}"',
        ]
    shuffled = data.draw(st.permutations(lines))
    assert [x.display_name for x in parse("\n".join(shuffled)).snapshots] == [
        f"n{index}" for index in range(count)
    ]


KEYS = (
    "uid",
    "parent",
    "numDisks",
    "disk0.fileName",
    "disk0.node",
    "createTimeHigh",
    "displayName",
)
ENTRIES = st.builds(
    lambda index, key, value: f'snapshot{index}.{key} = "{value}"\n',
    st.sampled_from(["", "0", "1", "2", "00", "-1"]),
    st.sampled_from((*KEYS, "numSnapshots", "current", "lastUID")),
    st.sampled_from(["", "0", "1", "2", "-3", "x", "999999999999999999999"]),
)


@settings(deadline=None)
@given(
    data=st.one_of(st.binary(max_size=300), st.lists(ENTRIES).map(lambda x: "".join(x).encode()))
)
def test_no_bytes_do_anything_but_parse_or_be_refused(data: bytes) -> None:
    try:
        vmsd = Vmsd.parse(data, PATH)
    except VmFileError:
        return
    assert len({snapshot.uid for snapshot in vmsd.snapshots}) == len(vmsd.snapshots)
