"""A VMDK descriptor: the small text file that says what a virtual disk is made of.

Its sections, keys and words are those of VMware's "Virtual Disk Format" note and of the real files
in Xen Orchestra, virtuallyhyper.com and libvmdk's description; keys have no case. Whether names in
it are escaped as in a ``.vmx`` is not known: both are read, for ``|`` before anything but two
hexadecimal digits stands for itself.
"""

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hlb_hooks.base.errors import VmFileError
from hlb_hooks.base.text import escape
from hlb_hooks.vmfiles.dictionary import Dictionary, Kind
from hlb_hooks.vmfiles.vmdk_extent import Extent, read_extent, rename_extent

MAX_DESCRIPTOR_BYTES = 256 * 1024
NO_PARENT_CID = "ffffffff"

_KIND = Kind("VMDK descriptor", MAX_DESCRIPTOR_BYTES, frozenset({b"encoding"}))
_SIGNATURE = "disk descriptorfile"
_CONTENT_ID = re.compile(r"[0-9a-fA-F]{1,8}")
_DELTA_TYPES = frozenset({"vmfssparse", "sesparse"})
# The long names are what ESX writes, the short ones stand in VMware's note.
_PHYSICAL_RDM_TYPES = frozenset({"vmfspassthroughrawdevicemap", "vmfsrdmp"})
_RDM_TYPES = _PHYSICAL_RDM_TYPES | {"vmfsrawdevicemap", "vmfsrdm"}
_RAW_TYPES = frozenset({"fulldevice", "partitioneddevice", "vmfsraw"})


@dataclass(frozen=True, slots=True)
class Descriptor:
    """One link of a virtual disk, as its descriptor says.

    ``cid`` and ``parent_cid`` are eight lower-case hexadecimal digits; ``create_type`` is as
    written; ``ddb`` is the disk data base by lower-case key (``ddb.geometry.heads``).
    """

    cid: str
    parent_cid: str
    create_type: str
    parent_file_name_hint: str | None
    extents: tuple[Extent, ...]
    ddb: Mapping[str, str]
    encoding: str

    @classmethod
    def parse(cls, data: bytes, path: str) -> "Descriptor":
        """Read a descriptor's bytes; ``path`` is for messages.

        Raise VmFileError when it is none: larger than 256 KiB, binary (a disk's data, or a hosted
        disk that carries its descriptor inside), without signature, ``createType`` or content ids,
        with a line it cannot have, with a key defined twice, or with an impossible size.
        """
        return _parse(data, path)

    @property
    def capacity_bytes(self) -> int:
        """The size of the virtual disk: that of all its extents."""
        return sum(extent.size_bytes for extent in self.extents)

    @property
    def is_base(self) -> bool:
        """Whether it says that it has no parent."""
        return self.parent_cid == NO_PARENT_CID

    @property
    def is_delta(self) -> bool:
        """Whether it holds changes to a parent: by its type (ESX's own two), or by having one."""
        return self.create_type.lower() in _DELTA_TYPES or not self.is_base

    @property
    def is_raw_device_mapping(self) -> bool:
        """Whether it points to a LUN: reading its data file would read the LUN, or fail."""
        return self.create_type.lower() in _RDM_TYPES or self._has_extent_of("VMFSRDM")

    @property
    def is_physical_rdm(self) -> bool:
        """Whether it is a raw device mapping that snapshots do not cover."""
        return self.create_type.lower() in _PHYSICAL_RDM_TYPES

    @property
    def is_raw(self) -> bool:
        """Whether its data is a device of the host without a mapping in between."""
        return self.create_type.lower() in _RAW_TYPES or self._has_extent_of("VMFSRAW")

    def _has_extent_of(self, kind: str) -> bool:
        return any(extent.kind == kind for extent in self.extents)


def rewrite_descriptor(
    data: bytes,
    path: str,
    *,
    values: Mapping[str, str] | None = None,
    extent_names: Mapping[str, str] | None = None,
    without: Iterable[str] = (),
) -> bytes:
    """Give a descriptor's bytes with other values (``CID``, ``parentFileNameHint``) and names.

    ``extent_names`` maps the file names that extents have to those they shall have; keys that are
    listed in ``without`` are dropped (``changeTrackPath``). Every other byte stays, quotes or none
    included. Raise VmFileError when ``data`` is no descriptor, lacks such a key to be changed or
    such an extent, or would be none afterwards.
    """
    lines = _parse_lines(data, path)
    for key, value in (values or {}).items():
        if lines.get(key) is None:
            raise VmFileError(f"{escape(path)} has no {key} to be changed")
        lines.set(key, value)
    for key in without:
        lines.remove(key)
    names = extent_names or {}
    known = {extent.file_name for extent in _read(lines, path).extents}
    for name in names:
        if name not in known:
            raise VmFileError(f"{escape(path)} has no extent named '{escape(name)}'")

    def rename(token: bytes) -> bytes:
        name = lines.decode_escaped(token)
        return lines.encode_escaped(names[name]) if name in names else token

    lines.change_garbled_lines(lambda body: rename_extent(body, rename))
    changed = lines.to_bytes()
    Descriptor.parse(changed, path)
    return changed


# A VM's disks are looked at several times within seconds, and mostly they are what they were: the
# files are read each time, and what they say is made out once.
@functools.lru_cache(maxsize=64)
def _parse(data: bytes, path: str) -> Descriptor:
    return _read(_parse_lines(data, path), path)


def _parse_lines(data: bytes, path: str) -> Dictionary:
    if data.startswith((b"KDMV", b"COWD")):
        what = "a hosted sparse disk" if data.startswith(b"KDMV") else "a delta's data"
        raise VmFileError(
            f"{escape(path)} is not a VMDK descriptor but {what}, in binary",
            next_step="name the disk's text descriptor, or convert the disk with vmkfstools",
        )
    lines = Dictionary.parse(data, path, _KIND)
    if not any(comment.lower() == _SIGNATURE for comment in lines.comments()):
        raise VmFileError(
            f"{escape(path)} is not a VMDK descriptor: no line says # Disk DescriptorFile"
        )
    return lines


def _read(lines: Dictionary, path: str) -> Descriptor:
    for key in lines.duplicates():
        raise VmFileError(f"{escape(path)}: {escape(key)} is there twice, with different values")
    create_type = lines.get("createType")
    if not create_type:
        raise VmFileError(f"{escape(path)} is not a VMDK descriptor: it has no createType")
    extents = tuple(
        read_extent(body, lines.decode_escaped, f"{escape(path)}, line {number}")
        for number, body in lines.garbled_lines()
    )
    if not extents:
        raise VmFileError(f"{escape(path)} describes no extent: the disk would have no data")
    return Descriptor(
        cid=_read_content_id(lines, "CID", path),
        parent_cid=_read_content_id(lines, "parentCID", path),
        create_type=create_type,
        parent_file_name_hint=lines.get("parentFileNameHint") or None,
        extents=extents,
        ddb={key: value for key, value in lines.pairs().items() if key.startswith("ddb.")},
        encoding=lines.encoding,
    )


def _read_content_id(lines: Dictionary, key: str, path: str) -> str:
    value = lines.get(key)
    if value is None or not _CONTENT_ID.fullmatch(value):
        said = "missing" if value is None else f'"{escape(value)}"'
        raise VmFileError(
            f"{escape(path)}: {key} is {said}, expected up to eight hexadecimal digits"
        )
    return value.lower().zfill(8)
