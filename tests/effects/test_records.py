"""A state file's records: read back as they were, through any interruption, and never as less."""

import binascii
from datetime import UTC, datetime

import pytest
from effects_kit import VMX, make_head
from hypothesis import given
from hypothesis import strategies as st

from hlb_hooks.base.errors import StateError
from hlb_hooks.effects.records import (
    Flag,
    Record,
    decode_records,
    encode_record,
    make_record,
)

PATH = "/var/hlb/gold.state"
ANY_TEXT = st.text(st.characters(exclude_categories=()))
MOMENTS = st.datetimes(
    datetime(2009, 1, 1),  # noqa: DTZ001  hypothesis wants them naive
    datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
).map(lambda moment: moment.replace(microsecond=0))
KEYS = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True)
RECORDS = st.builds(
    Record,
    moment=MOMENTS,
    flag=st.sampled_from([flag.value for flag in Flag]),
    vmx=st.one_of(st.none(), ANY_TEXT.map(lambda name: f"/{name}")),
    details=st.dictionaries(KEYS, ANY_TEXT, max_size=5),
)
STORY = [
    *make_head(),
    make_record(Flag.INVENTORY, count="1"),
    make_record(Flag.PRESENT, VMX),
    make_record(Flag.CHOSEN, VMX, name="wro215ts"),
    make_record(Flag.INTENT_SNAP, VMX, snapshot="HLB-1", disks="[]"),
    make_record(Flag.OK_SNAP, VMX, snapshot="HLB-1"),
]
LINES = [encode_record(record) for record in STORY]


@given(st.lists(RECORDS, max_size=5))
def test_records_are_read_back_as_they_were(records: list[Record]) -> None:
    head = make_head()
    data = b"".join(encode_record(record) for record in [*head, *records])
    reading = decode_records(data, PATH)
    assert list(reading.records) == [*head, *records]
    assert reading.complete_bytes == len(data)
    assert not reading.was_interrupted


@given(RECORDS)
def test_a_record_is_one_line_of_utf8(record: Record) -> None:
    line = encode_record(record)
    assert line.endswith(b"\n")
    assert len(line.decode("utf-8").splitlines()) == 1


def test_an_operator_finds_a_vm_s_story_with_grep() -> None:
    data = b"".join(LINES)
    story = [line.split(b"\t")[1] for line in data.splitlines() if b"wro215ts" in line]
    assert story == [b"PRESENT", b"CHOSEN", b"INTENT_snap", b"OK_snap"]


@pytest.mark.parametrize(
    "vmx",
    ["/a/sql server (2).vmx", '/a/it\'s "so".vmx', "/a/store (1)/x.vmx", "/a/=crc32=.vmx", "/a#b"],
)
def test_a_path_stands_in_the_file_as_the_host_prints_it(vmx: str) -> None:
    assert f"\t{vmx}\t".encode() in encode_record(make_record(Flag.PRESENT, vmx))


def test_a_file_cut_anywhere_reads_as_before_or_after_the_write() -> None:
    whole = b"".join(LINES)
    ends = [sum(map(len, LINES[: count + 1])) for count in range(len(LINES))]
    for length in range(len(whole) + 1):
        reading = decode_records(whole[:length], PATH)
        complete = [end for end in ends if end <= length]
        assert list(reading.records) == STORY[: len(complete)], length
        assert reading.complete_bytes == (complete[-1] if complete else 0)
        assert reading.was_interrupted == (length not in {0, *ends})


@pytest.mark.parametrize("tail", [b"\0" * 512, b"\0", b"\xff\xfe", b"2026-11-22T01:0", b"\t"])
def test_whatever_a_crash_leaves_behind_the_last_line_is_an_interrupted_write(tail: bytes) -> None:
    reading = decode_records(b"".join(LINES) + tail, PATH)
    assert list(reading.records) == STORY
    assert reading.was_interrupted


def test_every_damaged_byte_before_the_last_line_is_an_error() -> None:
    whole = b"".join(LINES)
    for place in range(len(whole) - len(LINES[-1])):
        damaged = bytearray(whole)
        damaged[place] ^= 0x01
        with pytest.raises(StateError) as caught:
            decode_records(bytes(damaged), PATH)
        assert PATH in caught.value.message
        assert "line " in caught.value.message
        assert caught.value.next_step


def test_a_lost_line_break_is_an_error_or_an_interrupted_write() -> None:
    for number in range(len(LINES)):
        lines = [*LINES]
        lines[number] = lines[number].removesuffix(b"\n")
        try:
            reading = decode_records(b"".join(lines), PATH)
        except StateError:
            continue
        assert reading.was_interrupted
        assert list(reading.records) == STORY[: len(reading.records)]


def test_a_damaged_last_line_is_left_out_and_told() -> None:
    whole = bytearray(b"".join(LINES))
    whole[-3] ^= 0x01
    reading = decode_records(bytes(whole), PATH)
    assert list(reading.records) == STORY[:-1]
    assert reading.was_interrupted
    assert reading.complete_bytes == len(whole) - len(LINES[-1])


def test_a_damaged_line_before_an_unfinished_one_is_an_error() -> None:
    whole = bytearray(b"".join(LINES))
    whole[-3] ^= 0x01
    with pytest.raises(StateError, match=f"line {len(LINES)} is damaged"):
        decode_records(bytes(whole) + b"2026", PATH)


def test_a_line_that_was_lost_in_the_middle_of_the_head_is_seen() -> None:
    with pytest.raises(StateError, match="line 1 is not the head of a state file"):
        decode_records(b"".join(LINES[1:]), PATH)


@pytest.mark.parametrize("version", ["2", "0", "10", "1 ", "x\ny", ""])
def test_another_version_is_never_read(version: str) -> None:
    lines = [encode_record(record) for record in make_head(version=version)]
    with pytest.raises(StateError, match="this program reads 1") as caught:
        decode_records(b"".join(lines), PATH)
    assert "\n" not in caught.value.message
    assert "upgrade" in caught.value.next_step


@pytest.mark.parametrize(
    "head", [b"garbage\n", b"\x7fELF\n\n", b"\n", b"2026-11-22T01:00:00Z\tHLB-STATE\t-\n"]
)
def test_a_foreign_file_is_an_error(head: bytes) -> None:
    with pytest.raises(StateError, match="line 1 is damaged"):
        decode_records(head + b"".join(LINES), PATH)


@pytest.mark.parametrize(
    "body",
    [
        b"2026-11-22T01:00:00Z\tOK_snap",
        b"2026-11-22T01:00:00Z",
        b"yesterday\tOK_snap\t/a.vmx",
        b"2026-11-22T01:00:00Z\tOK_snap\t/a\\q.vmx",
        b"2026-11-22T01:00:00Z\tOK_snap\t/a.vmx\tnote=\\x4",
        b"2026-11-22T01:00:00Z\tOK_snap\t/\xff.vmx",
        b"",
    ],
)
def test_a_line_with_a_right_checksum_and_a_wrong_body_is_damaged(body: bytes) -> None:
    line = body + f"\tcrc32={binascii.crc32(body):08x}\n".encode()
    with pytest.raises(StateError, match=f"line {len(LINES) + 1} is damaged"):
        decode_records(b"".join([*LINES, line, LINES[-1]]), PATH)


def test_details_that_say_nothing_are_left_out() -> None:
    assert make_record(Flag.OK_SNAP, VMX, note="", level="x").details == {"level": "x"}


def test_every_flag_is_written_in_a_word() -> None:
    assert all(flag.value.replace("-", "_").isidentifier() for flag in Flag)
    assert len({flag.value for flag in Flag}) == len(Flag)
