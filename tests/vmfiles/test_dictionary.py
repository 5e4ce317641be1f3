"""A whole file of pairs: what is not changed stays, byte for byte."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hlb_hooks.base.errors import VmFileError
from hlb_hooks.vmfiles.dictionary import (
    MAX_LINE_BYTES,
    MAX_LINES,
    VM_ENCODING_KEYS,
    Dictionary,
    Kind,
)

KIND = Kind("file of pairs", 1024 * 1024, VM_ENCODING_KEYS)

KEYS = st.from_regex(r"[a-z]{1,3}[0-9]?(\.[a-zA-Z]{1,3})?", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
# Lines of all sorts, so that hypothesis does not only find garbage.
LINES = st.one_of(
    st.builds(lambda key, value: f'{key} = "{value}"'.encode(), KEYS, KEYS),
    st.builds(lambda key, value: f"\t{key}={value} # why".encode(), KEYS, KEYS),
    st.sampled_from([b"", b"# comment", b"#!/usr/bin/vmware", b"garbled line", b'a = "open']),
    st.binary(max_size=20).map(lambda data: data.replace(b"\x00", b"")),
)
FILES = st.builds(
    lambda mark, lines, end, last: mark + end.join(lines) + last,
    st.sampled_from([b"", b"\xef\xbb\xbf"]),
    st.lists(LINES, max_size=12),
    st.sampled_from([b"\n", b"\r\n", b"\r"]),
    st.sampled_from([b"", b"\n", b"\r\n"]),
)


def parse(data: bytes) -> Dictionary:
    return Dictionary.parse(data, "/vmfs/volumes/ds/vm/vm.vmx", KIND)


@settings(deadline=None)
@given(data=FILES)
def test_a_file_that_is_only_read_is_written_as_it_was(data: bytes) -> None:
    assert parse(data).to_bytes() == data


@settings(deadline=None)
@given(data=FILES, key=KEYS, value=TEXTS)
def test_a_value_that_was_set_is_read_back_alone_and_from_the_written_file(
    data: bytes, key: str, value: str
) -> None:
    dictionary = parse(data)
    dictionary.set(key, value)
    again = parse(dictionary.to_bytes())
    assert dictionary.get(key.swapcase()) == value
    assert again.get(key) == value
    assert key not in again.duplicates()


@settings(deadline=None)
@given(data=FILES, key=KEYS, value=TEXTS)
def test_setting_a_key_touches_no_line_of_another(data: bytes, key: str, value: str) -> None:
    dictionary = parse(data)
    before = dictionary.pairs()
    garbled = [body for _number, body in dictionary.garbled_lines()]
    comments = dictionary.comments()
    dictionary.set(key, value)
    after = dictionary.pairs()
    assert after.pop(key.lower()) == value
    before.pop(key.lower(), None)
    assert list(after.items()) == list(before.items())
    assert [body for _number, body in dictionary.garbled_lines()] == garbled
    assert dictionary.comments() == comments


@settings(deadline=None)
@given(data=FILES, key=KEYS)
def test_setting_a_key_to_the_value_it_has_changes_only_further_lines_of_it(
    data: bytes, key: str
) -> None:
    dictionary = parse(data)
    dictionary.set(key, "once")
    once = dictionary.to_bytes()
    dictionary.set(key.upper(), "once")
    assert dictionary.to_bytes() == once


@settings(deadline=None)
@given(data=FILES, key=KEYS)
def test_a_removed_key_is_gone_and_all_else_is_there(data: bytes, key: str) -> None:
    dictionary = parse(data)
    others = {name: value for name, value in dictionary.pairs().items() if name != key.lower()}
    dictionary.remove(key)
    assert dictionary.get(key) is None
    assert dictionary.pairs() == others


def test_keys_have_no_case_and_are_given_as_first_spelled() -> None:
    dictionary = parse(b'scsi0:0.FileName = "a"\nSCSI0:0.filename = "a"\nx = "1"\n')
    assert dictionary.get("SCSI0:0.FILENAME") == "a"
    assert dictionary.keys() == ["scsi0:0.FileName", "x"]


def test_only_ascii_letters_lose_their_case() -> None:
    dictionary = parse(b'numDis\xe2\x84\xaas = "kelvin sign"\n')
    assert dictionary.get("numDisks") is None
    assert dictionary.keys() == ["numDis\u212as"]
    assert dictionary.get("NUMDIS\u212aS") == "kelvin sign"


def test_of_a_key_defined_twice_the_first_value_counts_and_it_is_reported() -> None:
    dictionary = parse(b'a = "1"\nb = "2"\nA = "3"\nb = 2\n')
    assert dictionary.get("a") == "1"
    assert dictionary.duplicates() == ["a"]


def test_setting_a_key_defined_twice_leaves_one_line_in_the_first_place() -> None:
    dictionary = parse(b'a = "1"\nb = "2"\nA = "3"\n')
    dictionary.set("A", "4")
    assert dictionary.to_bytes() == b'a = "4"\nb = "2"\n'


def test_a_new_key_comes_last_and_the_line_before_it_gets_its_end() -> None:
    dictionary = parse(b'a = "1"\r\nb = "2"')
    dictionary.set("uuid.action", "create")
    assert dictionary.to_bytes() == b'a = "1"\r\nb = "2"\r\nuuid.action = "create"\r\n'


def test_an_empty_file_can_be_written_to() -> None:
    dictionary = parse(b"")
    dictionary.set("a", "1")
    assert dictionary.to_bytes() == b'a = "1"\n'


@pytest.mark.parametrize(
    ("data", "value", "encoding"),
    [
        (b'.encoding = "windows-1252"\nname = "B\xfcro"\n', "B\u00fcro", "windows-1252"),
        (b'name = "B\xfcro"\n.encoding = "windows-1252"\n', "B\u00fcro", "windows-1252"),
        (b'config.encoding = "GBK"\nname = "\xd6\xd0"\n', "\u4e2d", "GBK"),
        (b'.encoding = "Shift_JIS"\nname = "\x83|7C"\n', "\u30dd", "Shift_JIS"),
        (b'.encoding = "UTF-8"\nname = "B\xfcro"\n', "B\udcfcro", "UTF-8"),
        (b'.encoding = "klingon"\nname = "B\xfcro"\n', "B\udcfcro", "klingon"),
        (b'name = "\xc5\x82"\n', "\u0142", "UTF-8"),
        (b'\xef\xbb\xbfname = "\xc5\x82"\n', "\u0142", "UTF-8"),
    ],
)
def test_values_are_read_and_written_in_the_encoding_that_the_file_names(
    data: bytes, value: str, encoding: str
) -> None:
    dictionary = parse(data)
    assert (dictionary.encoding, dictionary.get("name")) == (encoding, value)
    dictionary.set("other", value)
    assert dictionary.to_bytes().startswith(data)
    assert parse(dictionary.to_bytes()).get("other") == value


def test_a_value_that_the_encoding_has_not_is_refused_and_nothing_changes() -> None:
    data = b'.encoding = "windows-1252"\na = "1"\nA = "2"\n'
    dictionary = parse(data)
    with pytest.raises(VmFileError, match="windows-1252"):
        dictionary.set("a", "\u4e2d")
    with pytest.raises(VmFileError, match="longer than"):
        dictionary.set("a", "x" * MAX_LINE_BYTES)
    with pytest.raises(VmFileError, match="longer than"):
        dictionary.set("new", "x" * MAX_LINE_BYTES)
    assert dictionary.to_bytes() == data


@pytest.mark.parametrize("key", ["", "two words", "a=b", "a#b", "a\nb", "\u00fc", ".encoding"])
def test_a_key_that_no_line_could_have_is_the_callers_mistake(key: str) -> None:
    dictionary = parse(b'a = "1"\n')
    with pytest.raises(ValueError, match=r"key|lines"):
        dictionary.set(key, "value")
    with pytest.raises(ValueError, match=r"key|lines"):
        dictionary.remove(key)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"#" * (KIND.max_bytes + 1), "larger than 1024 KiB"),
        (b'a = "1"\n\x00\x00', "binary"),
        (b"\n" * (MAX_LINES + 1), "more than"),
        (b"\r" * (MAX_LINES + 1), "more than"),
        (b'a = "1"\nb = "' + b"x" * MAX_LINE_BYTES + b'"\n', "line 2 is longer"),
    ],
)
def test_a_file_beyond_the_limits_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(VmFileError, match=reason) as caught:
        parse(data)
    assert caught.value.message.startswith("/vmfs/volumes/ds/vm/vm.vmx ")
    assert caught.value.next_step


def test_a_long_line_of_blanks_is_read_in_one_pass() -> None:
    blanks = b" " * (MAX_LINE_BYTES - 10)
    lines = [b"key =" + blanks + b"x y", b"key" + blanks + b"x", blanks + b"=", b'k="' + blanks]
    assert [number for number, _body in parse(b"\n".join(lines)).garbled_lines()] == [1, 2, 3, 4]
