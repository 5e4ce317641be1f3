"""An RPM file read byte by byte, without rpm: the lead, both headers and the payload.

The format is that of "Maximum RPM", appendix A, and of LSB 5.0, "Package file format".
"""

import gzip
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LEAD_BYTES = 96
_HEADER_MAGIC = b"\x8e\xad\xe8\x01"
_FORMATS = {2: "b", 3: "H", 4: "I"}


@dataclass(frozen=True)
class Header:
    """The tags of one header: for each its type's number and its values."""

    data: bytes
    tags: dict[int, tuple[int, list[Any]]]

    def values(self, tag: int) -> list[Any]:
        return self.tags[tag][1]


@dataclass(frozen=True)
class RpmFile:
    """What a package consists of; ``payload`` as it is there, compressed."""

    lead: bytes
    signature: Header
    header: Header
    payload: bytes

    @property
    def archive(self) -> bytes:
        return gzip.decompress(self.payload)


def read_rpm(path: Path) -> RpmFile:
    """Read a package. Raise AssertionError for what is none."""
    data = path.read_bytes()
    signature, end = _read_header(data, _LEAD_BYTES)
    # The signature is filled up to eight bytes.
    header, end = _read_header(data, end + -end % 8)
    return RpmFile(data[:_LEAD_BYTES], signature, header, data[end:])


def _read_header(data: bytes, start: int) -> tuple[Header, int]:
    assert data[start : start + 4] == _HEADER_MAGIC
    count, size = struct.unpack_from(">II", data, start + 8)
    store = start + 16 + 16 * count
    tags = {}
    for number in range(count):
        tag, kind, offset, length = struct.unpack_from(">IIII", data, start + 16 + 16 * number)
        tags[tag] = (kind, _read_values(data, kind, store + offset, length))
    return Header(data[start : store + size], tags), store + size


def _read_values(data: bytes, kind: int, place: int, length: int) -> list[Any]:
    if kind in _FORMATS:
        return list(struct.unpack_from(f">{length}{_FORMATS[kind]}", data, place))
    if kind in {6, 8, 9}:
        texts = data[place:].split(b"\0", length)[:length]
        return [text.decode("utf-8") for text in texts]
    return [data[place : place + length]]
