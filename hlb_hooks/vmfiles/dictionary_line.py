"""One line of the ``key = "value"`` grammar that .vmx, .vmsd and VMDK descriptors share.

The grammar is that of VMware's own dictionary library, published with open-vm-tools (dictll.c):

    <blank> key <blank> = <blank> "quoted value" <blank> # comment
    <blank> key <blank> = <blank> value <blank> # comment
    <blank> key <blank> =
    <blank> # comment

A key holds no blank, ``=`` or ``#``; a quoted value holds no quote. In values a byte may stand as
``|`` and two hexadecimal digits. Writers escape quote, pipe, DEL and all control characters but
the tab, byte by byte in the file's encoding; ``|`` before anything else stands for itself.
"""

import re
from typing import NamedTuple

# Possessive quantifiers: a hostile line of blanks must not cost the square of its length.
_PAIR = re.compile(
    rb"(?P<before>[ \t]*+(?P<key>[^ \t=#]++)[ \t]*+=[ \t]*+)"
    rb'(?P<value>"[^"]*+"|[^ \t#"][^ \t#]*+|)'
    rb"(?P<after>[ \t]*+(?:#.*+)?)",
    re.DOTALL,
)
_ESCAPED = re.compile(rb"\|(?:([0-9A-Fa-f]{2})|[0-9A-Fa-f]?.)", re.DOTALL)
_SAFE_BARE = re.compile(rb"[0-9A-Za-z._-]+")
_QUOTE = b'"'[0]
_MUST_ESCAPE = re.compile(rb'[\x00-\x08\x0a-\x1f"|\x7f]')


class Line(NamedTuple):
    """A line as it stands in the file: the text, its end, and where in it key and value are.

    ``key`` is None on comments, blank lines and lines that the grammar does not know. A tuple, as
    a frozen dataclass takes three times as long to make, and a host's VMs have tens of thousands.
    """

    body: bytes
    end: bytes
    key: bytes | None = None
    value: bytes = b""
    value_start: int = 0
    value_end: int = 0
    folded_key: bytes | None = None
    """The key as it is compared: without regard to case, which only ASCII letters have."""

    @property
    def is_garbled(self) -> bool:
        """Whether the line is neither a pair, nor a comment, nor blank."""
        text = self.body.lstrip(b" \t")
        return self.key is None and text != b"" and not text.startswith(b"#")

    def with_value(self, value: bytes) -> "Line":
        """Give the line with another value; everything around the value stays.

        A value without quotes (``CID=``) stays without, as long as that cannot be misread.
        """
        before, after = self.body[: self.value_start], self.body[self.value_end :]
        is_bare = self.value_start < self.value_end and self.body[self.value_start] != _QUOTE
        token = value if is_bare and _SAFE_BARE.fullmatch(value) else quote_value(value)
        return parse_line(before + token + after, self.end)


def parse_line(body: bytes, end: bytes) -> Line:
    """Read one line, given without and with its end (LF, CR LF, CR or nothing)."""
    match = _PAIR.fullmatch(body)
    if match is None:
        return Line(body, end)
    start, stop = match.span("value")
    key, value = match.group("key", "value")
    return Line(body, end, key, unquote_value(value), start, stop, key.lower())


def quote_value(value: bytes) -> bytes:
    """Give a value as it stands in a file: in quotes, with everything escaped that must be."""
    return b'"' + escape_value(value) + b'"'


def escape_value(value: bytes) -> bytes:
    """Give a value as it stands between quotes."""
    return _MUST_ESCAPE.sub(lambda match: b"|%02X" % match[0][0], value)


def unquote_value(token: bytes) -> bytes:
    """Give the value that a token of a file stands for, whether it is quoted or not."""
    return unescape_value(token[1:-1] if token.startswith(b'"') else token)


def unescape_value(value: bytes) -> bytes:
    """Give the value that stands escaped in a file; a ``|`` that escapes nothing stays."""
    # Nearly no value has one, and a search for a byte is the quicker one.
    return _ESCAPED.sub(_unescape_one, value) if b"|" in value else value


def _unescape_one(match: re.Match[bytes]) -> bytes:
    digits = match[1]
    return match[0] if digits is None else bytes.fromhex(digits.decode("ascii"))
