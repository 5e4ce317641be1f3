"""A file of ``key = "value"`` lines, kept line by line so that what is not changed stays.

The file's rules are those of VMware's dictionary library, as published with the View Open Client
(dictionary.c): a first line ``#!/usr/bin/vmware`` is a comment, a UTF-8 byte order mark is allowed,
lines may end in CR LF, keys have no case, and a key that is defined twice makes VMware refuse the
file, with the first value the one it has kept. So here, too, the first one counts, and the others
are reported by ``duplicates``.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from hlb_hooks.base.errors import VmFileError
from hlb_hooks.base.text import escape
from hlb_hooks.vmfiles.charset import DEFAULT_ENCODING, decode_text, encode_text, find_codec
from hlb_hooks.vmfiles.dictionary_line import (
    Line,
    escape_value,
    parse_line,
    quote_value,
    unescape_value,
)

MAX_LINE_BYTES = 64 * 1024
# Far above any real file (the largest .vmsd has some ten thousand), far below what hurts memory.
MAX_LINES = 200_000

# The four long names are what older products wrote instead of ".encoding".
VM_ENCODING_KEYS = frozenset(
    {
        b".encoding",
        b"config.encoding",
        b"preferences.encoding",
        b"vmlist.encoding",
        b"snapshot.encoding",
    }
)

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_WRITABLE_KEY = re.compile(rb"[!-~]+")


class Kind(NamedTuple):
    """What sort of file is read: its name in messages, its limit, its keys for the encoding."""

    name: str
    max_bytes: int
    encoding_keys: frozenset[bytes]


class Dictionary:
    """The lines of one file, to be read and changed by key."""

    def __init__(self, lines: list[Line], path: str, kind: Kind, *, mark: bytes = b"") -> None:
        """Take the lines in order, the path for messages, and the byte order mark if any."""
        self._lines = lines
        self._shown_path = escape(path)
        self._kind = kind
        self._mark = mark
        said = next((x.value for x in lines if x.folded_key in kind.encoding_keys), b"")
        self.encoding = said.decode("ascii", "backslashreplace") or DEFAULT_ENCODING
        self._codec = find_codec(self.encoding)
        self._first = self._index_first_lines()

    @classmethod
    def parse(cls, data: bytes, path: str, kind: Kind) -> "Dictionary":
        """Read a file's bytes.

        Raise VmFileError when they are too many, hold NUL bytes (VMware never writes one, a crash
        or a disk's data does), or have too many or too long lines.
        """
        if len(data) > kind.max_bytes:
            raise _reject(path, kind, f"it is larger than {kind.max_bytes // 1024} KiB")
        if b"\x00" in data:
            raise _reject(path, kind, "it is binary")
        if data.count(b"\n") + data.count(b"\r") > MAX_LINES:
            raise _reject(path, kind, f"it has more than {MAX_LINES} lines")
        mark = _BYTE_ORDER_MARK if data.startswith(_BYTE_ORDER_MARK) else b""
        lines = []
        for number, raw in enumerate(data[len(mark) :].splitlines(keepends=True), start=1):
            body = raw.rstrip(b"\r\n")
            if len(body) > MAX_LINE_BYTES:
                raise _reject(path, kind, f"line {number} is longer than {MAX_LINE_BYTES} bytes")
            lines.append(parse_line(body, raw[len(body) :]))
        return cls(lines, path, kind, mark=mark)

    def to_bytes(self) -> bytes:
        """Give the file's bytes; a line that was not changed is the one that was read."""
        return self._mark + b"".join(line.body + line.end for line in self._lines)

    def keys(self) -> list[str]:
        """Give every key once, as its first line spells it, in the file's order."""
        return [decode_text(self._lines[n].key or b"", "utf-8") for n in self._first.values()]

    def pairs(self) -> dict[str, str]:
        """Give every value by its key, the key's ASCII letters in lower case; the file's order."""
        return {
            decode_text(folded, "utf-8"): self._decode(self._lines[n].value)
            for folded, n in self._first.items()
        }

    def get(self, key: str) -> str | None:
        """Give a key's value, of its first line if there are several; None if it has no line."""
        number = self._first.get(_fold(key))
        return None if number is None else self._decode(self._lines[number].value)

    def duplicates(self) -> list[str]:
        """Give the keys that several lines define with different values, as first spelled."""
        differing = {
            line.folded_key
            for line in self._lines
            if line.folded_key is not None
            and line.value != self._lines[self._first[line.folded_key]].value
        }
        return [key for key in self.keys() if _fold(key) in differing]

    def set(self, key: str, value: str) -> None:
        """Give a key a value, in the place of its first line or at the end; further ones go.

        Raise VmFileError when the file's encoding has no such characters or the line gets too
        long, ValueError for a key that the grammar cannot hold or that names the encoding.
        """
        folded = _check_key(key, self._kind)
        data = self._encode(value)
        first = self._first.get(folded)
        if first is None:
            self._append(key.encode("ascii") + b" = " + quote_value(data))
        else:
            line = self._lines[first]
            if line.value != data:
                line = self._check_length(line.with_value(data))
            others = (x for x in self._lines[first + 1 :] if x.folded_key != folded)
            self._lines = [*self._lines[:first], line, *others]
        self._first = self._index_first_lines()

    def remove(self, key: str) -> None:
        """Drop every line of a key; nothing happens if it has none.

        Raise ValueError for a key that the grammar cannot hold or that names the encoding.
        """
        folded = _check_key(key, self._kind)
        self._lines = [line for line in self._lines if line.folded_key != folded]
        self._first = self._index_first_lines()

    def garbled_lines(self) -> list[tuple[int, bytes]]:
        """Give the lines that are no pair, no comment and not blank, with their numbers from 1."""
        return [(n, line.body) for n, line in enumerate(self._lines, 1) if line.is_garbled]

    def comments(self) -> list[str]:
        """Give the text of the comment lines, without the ``#`` and blanks around it."""
        bodies = (line.body.strip(b" \t") for line in self._lines if line.key is None)
        return [self._decode(body[1:].strip(b" \t")) for body in bodies if body.startswith(b"#")]

    def change_garbled_lines(self, change: Callable[[bytes], bytes]) -> None:
        """Put what ``change`` makes of it in the place of each garbled line."""
        self._lines = [
            self._check_length(parse_line(change(line.body), line.end)) if line.is_garbled else line
            for line in self._lines
        ]

    def decode_escaped(self, token: bytes) -> str:
        """Give the text of a value's bytes as they stand between quotes."""
        return self._decode(unescape_value(token))

    def encode_escaped(self, text: str) -> bytes:
        """Give the bytes of a value as they stand between quotes; VmFileError as ``set``."""
        return escape_value(self._encode(text))

    def _decode(self, value: bytes) -> str:
        return decode_text(value, self._codec)

    def _encode(self, text: str) -> bytes:
        try:
            return encode_text(text, self._codec)
        except ValueError as error:
            raise VmFileError(
                f"{self._shown_path}: '{escape(text)}' cannot be written in the file's encoding,"
                f" {escape(self.encoding)}"
            ) from error

    def _append(self, body: bytes) -> None:
        end = next((x.end for x in self._lines if x.end), b"\n")
        added = self._check_length(parse_line(body, end))
        if self._lines and not self._lines[-1].end:
            self._lines[-1] = parse_line(self._lines[-1].body, end)
        self._lines.append(added)

    def _check_length(self, line: Line) -> Line:
        if len(line.body) > MAX_LINE_BYTES:
            raise VmFileError(
                f"{self._shown_path}: a line would get longer than {MAX_LINE_BYTES} bytes"
            )
        return line

    def _index_first_lines(self) -> dict[bytes, int]:
        first: dict[bytes, int] = {}
        for number, line in enumerate(self._lines):
            if line.folded_key is not None:
                first.setdefault(line.folded_key, number)
        return first


def _fold(key: str) -> bytes:
    return key.encode("utf-8", "surrogateescape").lower()


def _check_key(key: str, kind: Kind) -> bytes:
    folded = _fold(key)
    if not _WRITABLE_KEY.fullmatch(folded) or b"=" in folded or b"#" in folded:
        raise ValueError(f"not a key of a {kind.name}: {key!r}")
    if folded in kind.encoding_keys:
        raise ValueError(f"{key} says how all other lines are read and cannot be changed")
    return folded


def _reject(path: str, kind: Kind, reason: str) -> VmFileError:
    return VmFileError(
        f"{escape(path)} is not a {kind.name}: {reason}",
        next_step="look at the file; restore it from a backup if it is damaged",
    )
