"""Text of a VM's file: decoded as the file says, and never losing a byte."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hlb_hooks.vmfiles.charset import decode_text, encode_text, find_codec

KNOWN_NAMES = (
    "UTF-8",
    "windows-1252",
    "windows-1250",
    "ISO-8859-2",
    "Shift_JIS",
    "GBK",
    "GB18030",
    "Big5",
    "Big5-HKSCS",
    "EUC-JP",
    "EUC-KR",
    "windows-874",
)


@pytest.mark.parametrize(
    ("encoding", "data", "text"),
    [
        ("UTF-8", b"\xc3\xbc", "\u00fc"),
        ("utf-8", b"\xc3\xbc", "\u00fc"),
        ("windows-1252", b"\xfc\x80", "\u00fc\u20ac"),
        ("WINDOWS-1250", b"\xb3", "\u0142"),
        ("ISO-8859-2", b"\xb3", "\u0142"),
        ("iso_8859_1", b"\xfc", "\u00fc"),
        ("GBK", b"\xd6\xd0", "\u4e2d"),
        ("GB18030", b"\xd6\xd0", "\u4e2d"),
        ("Shift_JIS", b"\x93\xfa", "\u65e5"),
        ("Big5", b"\xa4\xa4", "\u4e2d"),
        ("EUC-JP", b"\xc6\xfc", "\u65e5"),
        ("EUC-KR", b"\xc7\xd1", "\ud55c"),
    ],
)
def test_the_encoding_a_file_names_is_used(encoding: str, data: bytes, text: str) -> None:
    assert decode_text(data, find_codec(encoding)) == text
    assert encode_text(text, find_codec(encoding)) == data


@pytest.mark.parametrize(
    "encoding",
    ["", "no-such-thing", "utf-7", "utf-16", "idna", "punycode", "unicode_escape", "rot13", "zlib"],
)
def test_bytes_of_an_encoding_not_known_are_kept_as_the_file_system_keeps_them(
    encoding: str,
) -> None:
    data = b"a\xff\xc3\xbc+AGE-\\u0041"
    assert decode_text(data, find_codec(encoding)) == data.decode("utf-8", "surrogateescape")


@pytest.mark.parametrize("encoding", KNOWN_NAMES)
@settings(deadline=None)
@given(data=st.binary(max_size=40))
def test_no_bytes_fail_to_decode_in_any_known_encoding(encoding: str, data: bytes) -> None:
    text = decode_text(data, find_codec(encoding))
    assert (text == "") == (data == b"")


@settings(deadline=None)
@given(data=st.binary(max_size=40))
def test_utf_8_text_goes_back_to_the_very_bytes(data: bytes) -> None:
    text = decode_text(data, "utf-8")
    assert text == os.fsdecode(data)
    assert encode_text(text, "utf-8") == data


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        ("\u4e2d", "cp1252"),
        ("\ud800", "utf-8"),
        ("\udcc3\udcbc", "utf-8"),  # would come back as one letter
        ("\udc81A", "cp932"),  # would come back as one kanji
    ],
)
def test_text_that_would_come_back_as_another_is_not_written(text: str, codec: str) -> None:
    with pytest.raises(ValueError, match=r"encode|survive"):
        encode_text(text, codec)
