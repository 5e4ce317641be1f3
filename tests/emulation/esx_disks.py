"""The virtual disks of the emulated host; only the inside of a ``-delta.vmdk`` is our own."""

import os
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from esx_files import read_text, write_text

SECTOR_BYTES = 512
# A fresh delta is 24.0k in every listing that was found.
DELTA_HEADER = b"COWD".ljust(24 * 1024, b"\0")
DELTA_RECORD = struct.Struct(">QI")
NO_PARENT = "ffffffff"


class Link(NamedTuple):
    """One descriptor of a disk's chain. ``parent`` is None at the base."""

    path: Path
    cid: str
    create_type: str
    extent: Path
    parent: Path | None


def new_cid() -> str:
    # Never ffffffff, which says "no parent", nor fffffffe.
    return f"{int.from_bytes(os.urandom(4), 'big') % 0xFFFFFFF0:08x}"


def write_descriptor(
    path: Path,
    *,
    create_type: str,
    kind: str,
    extent: str,
    sectors: int,
    parent: Link | None,
) -> None:
    hint = ""
    if parent is not None:
        is_near = parent.path.parent == path.parent
        hint = f'parentFileNameHint="{parent.path.name if is_near else parent.path}"\n'
    write_text(
        path,
        "# Disk DescriptorFile\nversion=1\n"
        f'encoding="UTF-8"\nCID={new_cid()}\nparentCID={parent.cid if parent else NO_PARENT}\n'
        f'createType="{create_type}"\n{hint}\n# Extent description\n'
        f'RW {sectors} {kind} "{extent}"\n\n# The Disk Data Base \n#DDB\n\n'
        'ddb.adapterType = "lsilogic"\nddb.geometry.cylinders = "1"\nddb.geometry.heads = "255"\n'
        'ddb.geometry.sectors = "63"\nddb.virtualHWVersion = "4"\n',
    )


def read_link(path: Path) -> Link:
    text = read_text(path)

    def field(pattern: str) -> str:
        found = re.search(pattern, text, re.MULTILINE)
        return found[1] if found else ""

    has_parent = field(r"^parentCID=(\w+)$") != NO_PARENT
    return Link(
        path=path,
        cid=field(r"^CID=(\w+)$"),
        create_type=field(r'^createType="(\w+)"$'),
        extent=path.parent / field(r'^RW \d+ \w+ "(.*)"$'),
        parent=path.parent / field(r'^parentFileNameHint="(.*)"$') if has_parent else None,
    )


def read_chain(path: Path) -> list[Link]:
    """Give the links of a disk, the one that is written first, the base last."""
    links = [read_link(path)]
    while (parent := links[-1].parent) is not None:
        links.append(read_link(parent))
    return links


def read_records(delta: Path) -> Iterator[tuple[int, bytes]]:
    data = delta.read_bytes()
    position = len(DELTA_HEADER)
    while position < len(data):
        offset, length = DELTA_RECORD.unpack_from(data, position)
        position += DELTA_RECORD.size
        yield offset, data[position : position + length]
        position += length


def read_content(path: Path) -> bytes:
    *deltas, base = read_chain(path)
    content = bytearray(base.extent.read_bytes())
    for link in reversed(deltas):
        for offset, data in read_records(link.extent):
            content[offset : offset + len(data)] = data
    return bytes(content)


def write_content(path: Path, offset: int, data: bytes) -> None:
    top, *below = read_chain(path)
    capacity = (below[-1] if below else top).extent.stat().st_size
    if offset < 0 or offset + len(data) > capacity:
        raise ValueError(f"{path}: a guest cannot write beyond its disk of {capacity} bytes")
    if below:
        with top.extent.open("ab") as file:
            file.write(DELTA_RECORD.pack(offset, len(data)) + data)
    else:
        with top.extent.open("r+b") as file:
            file.seek(offset)
            file.write(data)


def create_delta(parent_path: Path) -> Path:
    """Put an empty delta above a disk, with the first number above all that lie there."""
    parent = read_link(parent_path)
    stem = parent_path.stem
    if parent.parent is not None:
        stem = re.sub(r"-\d{6}$", "", stem)
    numbered = re.compile(re.escape(stem) + r"-(\d{6})(?:-delta)?\.vmdk")
    names = (numbered.fullmatch(entry.name) for entry in parent_path.parent.iterdir())
    number = max((int(found[1]) for found in names if found), default=0) + 1
    path = parent_path.with_name(f"{stem}-{number:06d}.vmdk")
    extent = path.with_name(f"{path.stem}-delta.vmdk")
    extent.write_bytes(DELTA_HEADER)
    extent.chmod(0o600)
    sectors = len(read_content(parent_path)) // SECTOR_BYTES
    write_descriptor(
        path,
        create_type="vmfsSparse",
        kind="VMFSSPARSE",
        extent=extent.name,
        sectors=sectors,
        parent=parent,
    )
    return path


def merge_into(base_path: Path, top_path: Path) -> list[Path]:
    """Bring what lies above ``base_path``, up to ``top_path``, into it. Give the idle files."""
    idle: list[Path] = []
    merged: list[Link] = []
    for link in read_chain(top_path):
        if link.path == base_path:
            break
        merged.append(link)
        idle += [link.path, link.extent]
    else:
        raise ValueError(f"{base_path} is not below {top_path}")
    has_changed = False
    for link in reversed(merged):
        for offset, data in read_records(link.extent):
            write_content(base_path, offset, data)
            has_changed = True
    if has_changed:
        text = read_text(base_path)
        write_text(base_path, re.sub(r"(?m)^CID=\w+$", f"CID={new_cid()}", text))
    return idle


def hang_under(child_path: Path, parent_path: Path) -> None:
    """Make ``parent_path`` the parent that the delta ``child_path`` names."""
    near = parent_path.name if parent_path.parent == child_path.parent else str(parent_path)
    text = re.sub(
        r"(?m)^parentCID=\w+$",
        f"parentCID={read_link(parent_path).cid}",
        read_text(child_path),
    )
    hint = f'parentFileNameHint="{near}"'
    write_text(child_path, re.sub(r'(?m)^parentFileNameHint=".*"$', lambda _: hint, text))


def create_base(path: Path, content: bytes, raw_device: str) -> Path:
    if not content or len(content) % SECTOR_BYTES:
        raise ValueError(f"{path.name}: a disk is whole sectors of {SECTOR_BYTES} bytes")
    create_type, kind, ending = {
        "": ("vmfs", "VMFS", "flat"),
        "virtual": ("vmfsRawDeviceMap", "VMFSRDM", "rdm"),
        "physical": ("vmfsPassthroughRawDeviceMap", "VMFSRDM", "rdmp"),
    }[raw_device]
    extent = path.with_name(f"{path.stem}-{ending}.vmdk")
    extent.write_bytes(content)
    extent.chmod(0o600)
    write_descriptor(
        path,
        create_type=create_type,
        kind=kind,
        extent=extent.name,
        sectors=len(content) // SECTOR_BYTES,
        parent=None,
    )
    return path
