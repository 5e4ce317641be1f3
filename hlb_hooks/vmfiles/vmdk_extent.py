"""An extent line of a VMDK descriptor: ``RW 67108864 VMFS "vm-flat.vmdk"``.

Access, size in sectors, kind, and for every kind but ZERO a name and perhaps an offset and more
(partition and device ids of hosted raw disks), as VMware's "Virtual Disk Format" note has it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from hlb_hooks.base.errors import VmFileError
from hlb_hooks.base.text import escape

SECTOR_BYTES = 512
# 512 TiB; the largest virtual disk that any vSphere makes has 62 TB.
MAX_SECTORS = 1 << 40

_EXTENT = re.compile(
    rb"[ \t]*+(?P<access>RW|RDONLY|NOACCESS)[ \t]++(?P<sectors>[0-9]{1,19})[ \t]++"
    rb'(?P<kind>[A-Z0-9]++)(?:[ \t]++"(?P<name>[^"]*+)"(?:[ \t]++(?P<offset>[0-9]{1,19}))?+)?+'
    rb"(?P<more>(?:[ \t].*+)?+)",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Extent:
    """One piece of a disk: ``access`` and ``kind`` in capitals, the offset in sectors.

    ``file_name`` is as written, None for the kind that has no file (ZERO).
    """

    access: str
    sectors: int
    kind: str
    file_name: str | None
    offset: int

    @property
    def size_bytes(self) -> int:
        """The part of the virtual disk that it makes up."""
        return self.sectors * SECTOR_BYTES


def read_extent(body: bytes, decode: Callable[[bytes], str], where: str) -> Extent:
    """Read a line that is no ``key=value``; ``where`` (file and line) is for messages.

    Raise VmFileError when it is no extent, has no sectors or more than any disk, or no name.
    """
    match = _EXTENT.fullmatch(body)
    if match is None:
        raise VmFileError(
            f"{where} is neither key=value nor an extent: {escape(decode(body[:80]))}"
        )
    sectors = int(match["sectors"])
    if not 0 < sectors <= MAX_SECTORS:
        raise VmFileError(f"{where}: an extent of {sectors} sectors, expected 1 to {MAX_SECTORS}")
    kind = match["kind"].decode("ascii").upper()
    name = match["name"]
    if kind != "ZERO" and not name:
        raise VmFileError(f"{where}: an extent of kind {kind} without a file name")
    return Extent(
        access=match["access"].decode("ascii").upper(),
        sectors=sectors,
        kind=kind,
        file_name=decode(name) if name else None,
        offset=int(match["offset"] or 0),
    )


def rename_extent(body: bytes, rename: Callable[[bytes], bytes]) -> bytes:
    """Give an extent's line with what ``rename`` makes of its name, both as between the quotes.

    A line without a name, or that is no extent, is given back as it is.
    """
    match = _EXTENT.fullmatch(body)
    if match is None or match["name"] is None:
        return body
    start, end = match.span("name")
    return body[:start] + rename(match["name"]) + body[end:]
