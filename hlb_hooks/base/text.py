r"""One encoder for whatever leaves the package as text: stdout, the state file, the log.

Names come from hosts and guests, as bytes nobody checked. ``escape`` makes one line of printable
UTF-8 of them and ``unescape`` gives back the same string, so that what the report shows can be
copied into a targets file:

    ``\\``      a backslash
    ``\n \t \r``  these three control characters
    ``\x1b``    any other byte below 0x20 or 0x7f, and any byte that is not UTF-8
    ``\u202e``  a character that is printable nowhere: C1 controls, line separators, bidi controls

Strings carry bytes that are not UTF-8 as lone surrogates, as ``os.fsdecode`` makes them.
"""

import re

_SHORT = {"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_LONG = {escaped[1]: raw for raw, escaped in _SHORT.items()}
# C0, DEL, C1, line and paragraph separators, bidi marks and overrides, surrogates, the BOM.
_UNPRINTABLE = re.compile(
    "[\\\\\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_ESCAPED = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|(.?))", re.DOTALL)


def escape(text: str) -> str:
    """Give ``text`` as one line of printable characters that ``unescape`` reads back."""
    return _UNPRINTABLE.sub(_escape_one, text)


def make_printable(text: str) -> str:
    """Give a text that is written for people as one line; names in it are escaped already."""
    return _UNPRINTABLE.sub(
        lambda match: "\\" if match.group() == "\\" else _escape_one(match), text
    )


def unescape(text: str) -> str:
    """Give the string that ``escape`` was given. Raise ValueError for an escape of another form."""
    return _ESCAPED.sub(_unescape_one, text)


def _escape_one(match: re.Match[str]) -> str:
    character = match.group()
    if character in _SHORT:
        return _SHORT[character]
    code = ord(character)
    if code < 0x80:
        return f"\\x{code:02x}"
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return f"\\u{code:04x}"


def _unescape_one(match: re.Match[str]) -> str:
    byte, code_point, short = match.groups()
    if byte:
        code = int(byte, 16)
        return chr(code if code < 0x80 else 0xDC00 + code)
    if code_point:
        return chr(int(code_point, 16))
    if short in _LONG:
        return _LONG[short]
    raise ValueError(f"not an escape of ours: {match.group()!r}")
