"""The grammar of one line, as VMware's own dictionary library reads and writes it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hlb_hooks.vmfiles.dictionary_line import (
    escape_value,
    parse_line,
    quote_value,
    unescape_value,
)


@pytest.mark.parametrize(
    ("body", "key", "value"),
    [
        (b'displayName = "vps"', b"displayName", b"vps"),
        (b'key ="value"', b"key", b"value"),
        (b"key=value", b"key", b"value"),
        (b"CID=d7980f7a", b"CID", b"d7980f7a"),
        (b"key = value # comment", b"key", b"value"),
        (b"key = value#comment", b"key", b"value"),
        (b'\t key\t=\t"a b"\t# "c"', b"key", b"a b"),
        (b'key = "a # b"', b"key", b"a # b"),
        (b'key = "a = b"', b"key", b"a = b"),
        (b'key = ""', b"key", b""),
        (b"key =", b"key", b""),
        (b"key = # comment", b"key", b""),
        (b'key = a"b', b"key", b'a"b'),
        (b'annotation = "1|0A2 |22quoted|22 |7C"', b"annotation", b'1\n2 "quoted" |'),
        (b'.encoding = "UTF-8"', b".encoding", b"UTF-8"),
        (b'scsi0:0.fileName = "a b (1).vmdk"', b"scsi0:0.fileName", b"a b (1).vmdk"),
    ],
)
def test_a_pair_is_read(body: bytes, key: bytes, value: bytes) -> None:
    line = parse_line(body, b"\n")
    assert (line.key, line.value, line.is_garbled) == (key, value, False)


@pytest.mark.parametrize("body", [b"", b" \t", b"# key = value", b"\t#", b"#!/usr/bin/vmware"])
def test_comments_and_blank_lines_are_no_pairs_and_not_garbled(body: bytes) -> None:
    line = parse_line(body, b"\n")
    assert (line.key, line.is_garbled) == (None, False)


@pytest.mark.parametrize(
    "body",
    [
        b"key",
        b"two words = value",
        b"= value",
        b'key = "not closed',
        b'key = "closed" and more',
        b"key = two words",
        b'key = "a"b"',
        b'RW 20971520 VMFSSPARSE "vps-000001-delta.vmdk"',
        b"\xff\xfe",
    ],
)
def test_what_the_grammar_does_not_know_is_garbled(body: bytes) -> None:
    line = parse_line(body, b"\n")
    assert (line.key, line.is_garbled, line.body) == (None, True, body)


@pytest.mark.parametrize(
    ("escaped", "value"),
    [
        (b"|0A|0a", b"\n\n"),
        (b"|22|7C", b'"|'),
        (b"|e4|F6", b"\xe4\xf6"),
        (b"a|", b"a|"),
        (b"a|0", b"a|0"),
        (b"|zz|4z|", b"|zz|4z|"),
        (b"||41", b"||41"),  # the byte after a pipe that escapes nothing is used up
        (b"|4|41", b"|4|41"),
    ],
)
def test_a_pipe_escapes_only_before_two_digits(escaped: bytes, value: bytes) -> None:
    assert unescape_value(escaped) == value


def test_only_what_must_be_is_escaped() -> None:
    plain = b"\t !#$%&'()*+,-./:;<=>?@[\\]^_`{}~ \x80\xff aZ09"
    assert escape_value(plain) == plain
    assert escape_value(b'\x00\n\r\x1f"|\x7f') == b"|00|0A|0D|1F|22|7C|7F"


@settings(deadline=None)
@given(value=st.binary())
def test_every_value_survives_being_escaped(value: bytes) -> None:
    assert unescape_value(escape_value(value)) == value
    assert parse_line(b"key = " + quote_value(value), b"\n").value == value


@pytest.mark.parametrize(
    ("body", "value", "expected"),
    [
        (b'  Key\t=  "old"   # why', b"new", b'  Key\t=  "new"   # why'),
        (b"CID=d7980f7a", b"0badcafe", b"CID=0badcafe"),
        (b"key = old", b"two words", b'key = "two words"'),
        (b"key = old#c", b"#", b'key = "#"#c'),
        (b"key =", b"new", b'key ="new"'),
        (b"key = old", b"", b'key = ""'),
        (b'key = "old"', b'a"b', b'key = "a|22b"'),
    ],
)
def test_a_new_value_leaves_everything_around_it(
    body: bytes, value: bytes, expected: bytes
) -> None:
    line = parse_line(body, b"\r\n").with_value(value)
    assert (line.body, line.end, line.value) == (expected, b"\r\n", value)
