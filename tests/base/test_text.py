"""One encoder for stdout, state and log: printable, one line, and read back as it was."""

import os
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hlb_hooks.base.text import escape, unescape

ANY_TEXT = st.text(st.characters(exclude_categories=()))
# Not Cf as a whole: a soft hyphen or a joiner is part of real names, and moves nothing.
UNPRINTABLE = {"Cc", "Cs", "Zl", "Zp"}
BIDI_CONTROLS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


@given(ANY_TEXT)
@example("\\x41\\n\\")
@example("\ud83d\ude00")
def test_what_was_escaped_is_read_back(text: str) -> None:
    assert unescape(escape(text)) == text


@given(st.binary())
def test_every_byte_of_a_path_survives(data: bytes) -> None:
    assert os.fsencode(unescape(escape(os.fsdecode(data)))) == data


@given(ANY_TEXT)
def test_an_escaped_text_is_one_line_of_printable_utf8(text: str) -> None:
    escaped = escape(text)
    escaped.encode("utf-8", "strict")
    assert len(escaped.splitlines()) <= 1
    assert not [char for char in escaped if unicodedata.category(char) in UNPRINTABLE]
    assert not [char for char in escaped if unicodedata.bidirectional(char) in BIDI_CONTROLS]


@given(ANY_TEXT)
def test_two_texts_are_never_escaped_alike(text: str) -> None:
    assert escape(escape(text)) == escape(text) or "\\" in escape(text)


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("sql server (2)", "sql server (2)"),
        ('it\'s "so"', 'it\'s "so"'),
        ("zażółć 漢字", "zażółć 漢字"),
        ("a\\b", "a\\\\b"),
        ("two\nlines\r\tx", "two\\nlines\\r\\tx"),
        ("\x00\x1b[2J\x7f", "\\x00\\x1b[2J\\x7f"),
        ("\x85\x9b", "\\u0085\\u009b"),
        ("\udcff\udc80", "\\xff\\x80"),
        ("\u202egpj.exe\u2069", "\\u202egpj.exe\\u2069"),
        ("\u2028\u2029\ufeff", "\\u2028\\u2029\\ufeff"),
        ("\ud800\udc00", "\\ud800\\udc00"),
        ("", ""),
    ],
)
def test_the_form_is_fixed(text: str, escaped: str) -> None:
    assert escape(text) == escaped
    assert unescape(escaped) == text


@pytest.mark.parametrize("text", ["\\", "a\\", "\\q", "\\x4", "\\xFF", "\\u20", "\\\n", "\\U00"])
def test_an_escape_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an escape of ours"):
        unescape(text)
