"""The targets file: what a line means, and which lines are refused."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlb_hooks.base.errors import ConfigurationError
from hlb_hooks.decisions.targets import Target, parse_targets


def parse_one(line: str | bytes) -> Target:
    """Give the target in a file of one line."""
    content = line if isinstance(line, bytes) else line.encode()
    (target,) = parse_targets(content, "/etc/targets")
    return target


@pytest.mark.parametrize(
    ("line", "name", "attributes"),
    [
        ("wro215ts", "wro215ts", {}),
        ("  wro215ts\t ", "wro215ts", {}),
        ("sql server (2)", "sql server (2)", {}),
        ("web+app", "web+app", {}),
        ("it's", "it's", {}),
        ('a "quoted" name', 'a "quoted" name', {}),
        ("node#3 # not a comment", "node#3 # not a comment", {}),
        ("not!excluded", "not!excluded", {}),
        ("/vmfs/volumes/4a/b c/b c.vmx", "/vmfs/volumes/4a/b c/b c.vmx", {}),
        ("web BCK_FVM=1D", "web", {"BCK_FVM": "1D"}),
        ("web\tBCK_FVM=1D \t BCK_DBN=ON", "web", {"BCK_FVM": "1D", "BCK_DBN": "ON"}),
        ("a  b   BCK_FVM=1D", "a  b", {"BCK_FVM": "1D"}),
        ("web BCK_FVM=", "web", {"BCK_FVM": ""}),
        ('web BCK_FVM=""', "web", {"BCK_FVM": ""}),
        ('web BCK_FVM="1D 1M"  BCK_X_2=a=b', "web", {"BCK_FVM": "1D 1M", "BCK_X_2": "a=b"}),
        ('web BCK_NOTE="not BCK_X=1"', "web", {"BCK_NOTE": "not BCK_X=1"}),
        ("web BCK_NOTE=#1!", "web", {"BCK_NOTE": "#1!"}),
        ("BCK_SERVER", "BCK_SERVER", {}),
        ("BCK_SERVER BCK_FVM=1D", "BCK_SERVER", {"BCK_FVM": "1D"}),
        ("bck_server", "bck_server", {}),
        ("/vmfs/BCK_X=1", "/vmfs/BCK_X=1", {}),
        ("web ABCK_X=1", "web ABCK_X=1", {}),
        (r"web \x42CK_old", r"web \x42CK_old", {}),
        (r"two\nlines BCK_FVM=1D", r"two\nlines", {"BCK_FVM": "1D"}),
        ("form\ffeed\u2028separator\x85", "form\ffeed\u2028separator\x85", {}),
        ("\u00a0nbsp\u00a0", "\u00a0nbsp\u00a0", {}),
        (b"na\xefwe\x80", "na\udcefwe\udc80", {}),
    ],
)
@pytest.mark.parametrize("mark", ["", "!", "! \t "])
def test_a_line_is_a_name_and_the_attributes_at_its_end(
    line: str | bytes, mark: str, name: str, attributes: dict[str, str]
) -> None:
    content = mark.encode() + (line if isinstance(line, bytes) else line.encode())
    target = parse_one(content)
    assert (target.name, target.attributes) == (name, attributes)
    assert target.excludes is bool(mark)
    assert list(target.attributes) == list(attributes)


def test_a_target_knows_where_and_how_it_was_written() -> None:
    content = b"# first\n\n  ! web*  BCK_X=1 \n"
    (target,) = parse_targets(content, "/etc/targets")
    assert (target.line_number, target.text) == (3, "! web*  BCK_X=1")
    assert target.place == "/etc/targets, line 3"


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", b"# a\n  # b\n\t#c", b"\xef\xbb\xbf\r\n", b" \t"]
)
def test_a_file_without_targets_is_no_error(content: bytes) -> None:
    assert parse_targets(content, "t") == []


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("last", [True, False])
def test_a_byte_order_mark_and_any_line_ends_are_fine(mark: bytes, end: bytes, last: bool) -> None:
    content = mark + b"a" + end + b"#" + end + b"b c" + (end if last else b"")
    targets = parse_targets(content, "t")
    assert [(target.line_number, target.name) for target in targets] == [(1, "a"), (3, "b c")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("!", "expected a VM's display name, directory name, .vmx path or a pattern"),
        ("!  ", "expected a VM's display name"),
        ("BCK_FVM=1D", "expected a VM's display name"),
        ("! BCK_FVM=1D BCK_X=2", "expected a VM's display name"),
        ("web BCK_FVM", "BCK_FVM is no attribute: expected BCK_XXX=value in upper case"),
        ("web bck_fvm=1D", "bck_fvm=1D is no attribute"),
        ("web BCK_fvm=1D", "BCK_fvm=1D is no attribute"),
        ("web BCK_=1D", "BCK_=1D is no attribute"),
        ("web BCK_FVM = 1D", "BCK_FVM is no attribute"),
        ("web BCK_FVM= 1D", "BCK_FVM= is no attribute"),
        ("web BCK_FVM BCK_X=1", "BCK_FVM is no attribute"),
        ("web BCK_FVM=1D # daily", "BCK_FVM=1D is no attribute"),
        ('web BCK_FVM="1D', 'BCK_FVM="1D is no attribute'),
        ('web BCK_FVM=1"D"', 'BCK_FVM=1"D" is no attribute'),
        ("web BCK_FVM='1D 1M'", "BCK_FVM='1D is no attribute"),
        ("bck_fvm=1D", "bck_fvm=1D is no attribute"),
        ("web BCK_X=1 BCK_X=1", "BCK_X is given twice"),
    ],
)
def test_a_line_without_a_name_or_with_half_an_attribute_is_refused(line: str, reason: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_targets(f"fine\n{line}\n".encode(), "/etc/targets")
    assert caught.value.message.startswith(f"/etc/targets, line 2: {line.strip()}: ")
    assert reason in caught.value.message
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("word", ["BCK_old", "bck_old"])
def test_the_way_to_write_a_name_that_looks_like_an_attribute_is_told_and_works(
    word: str,
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_one(f"web {word}")
    escape = re.search(r'write (\S+) for its "(.)"', caught.value.message)
    assert escape
    assert parse_one(f"web {word.replace(escape[2], escape[1], 1)}").attributes == {}


def test_every_refused_line_is_told() -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_targets(b"!\nfine\nweb BCK_A\n\x1b[31m BCK_=1\n", "/etc/targets")
    lines = caught.value.message.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        f"/etc/targets, line {number}" for number in (1, 3, 4)
    ]
    assert "\x1b" not in caught.value.message


def test_one_name_with_two_sets_of_attributes_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"line 3: .*line 1 gives this name other"):
        parse_targets(b"web BCK_X=1\ndb\nweb BCK_X=2\n", "t")


def test_a_line_that_is_repeated_or_turned_round_is_fine() -> None:
    targets = parse_targets(b"web BCK_X=1\nweb  BCK_X=1\n!web\n", "t")
    assert [target.excludes for target in targets] == [False, False, True]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_file_in_utf16_is_refused_and_not_read_as_odd_names(encoding: str) -> None:
    with pytest.raises(ConfigurationError, match="UTF-16"):
        parse_targets("\ufeffweb\n".encode(encoding), "t")


@given(st.binary())
def test_any_bytes_are_targets_or_a_configuration_error(content: bytes) -> None:
    try:
        targets = parse_targets(content, "t")
    except ConfigurationError:
        return
    lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    for target in targets:
        assert target.name
        assert target.name.encode("utf-8", "surrogateescape") in lines[target.line_number - 1]
