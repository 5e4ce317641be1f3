"""A VM's configuration: ``.vmx``, or ``.vmtx`` for a template.

Which keys mean what is known from ESX 3 to 8 and VMware Server files (``vmware.pm`` of VCL,
ghettoVCB, Xen Orchestra's reader, libvirt's ``vmx.c``); which words count as true, from VMware's
own dictionary library.
"""

import re
from dataclasses import dataclass

from hlb_hooks.base.errors import VmFileError
from hlb_hooks.base.text import escape
from hlb_hooks.vmfiles.dictionary import VM_ENCODING_KEYS, Dictionary, Kind

MAX_VMX_BYTES = 1024 * 1024

_KIND = Kind(".vmx", MAX_VMX_BYTES, VM_ENCODING_KEYS)
# Any of them is in every .vmx, even in one written by hand, and in no .vmsd or VMDK descriptor.
_TELLING_KEYS = ("config.version", "virtualHW.version", "guestOS", "displayName", "memsize")
# An empty value is true to VMware; every word that is not listed is false.
_TRUE_WORDS = frozenset({"", "true", "t", "yes", "y", "on", "1"})
_NODE_PRESENT = re.compile(
    r"((scsi|ide|sata|nvme)(0|[1-9][0-9]{0,2}):(0|[1-9][0-9]{0,2}))\.present",
    re.IGNORECASE | re.ASCII,
)
_SHARED_BUS = re.compile(r"(scsi(?:0|[1-9][0-9]{0,2}))\.sharedBus", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class VmxDisk:
    """A hard disk of a VM: its node (``scsi0:0``), and file, mode and type as they are written.

    ``file_name`` is empty when the file gives none: such a disk is listed, not passed over.
    """

    node: str
    file_name: str
    mode: str
    device_type: str

    @property
    def is_independent(self) -> bool:
        """Whether snapshots leave it out (``independent-persistent``, ``-nonpersistent``)."""
        return self.mode.lower().startswith("independent")


class Vmx:
    """A ``.vmx`` to be read and changed; lines that are not changed are kept byte for byte."""

    def __init__(self, dictionary: Dictionary) -> None:
        """Take the file's lines; ``parse`` makes them from bytes."""
        self._dictionary = dictionary

    @classmethod
    def parse(cls, data: bytes, path: str) -> "Vmx":
        """Read a ``.vmx``; ``path`` is for messages.

        Raise VmFileError when it is none: empty, too large (1 MiB), binary, without any key that
        each .vmx has; and when it is encrypted such that its disks cannot be seen.
        """
        vmx = cls(Dictionary.parse(data, path, _KIND))
        if all(vmx.get(key) is None for key in _TELLING_KEYS):
            raise VmFileError(
                f"{escape(path)} is not a .vmx: it has none of the keys {', '.join(_TELLING_KEYS)}",
                next_step="look at the file; restore it from a backup if it is damaged",
            )
        if vmx.get("encryption.data") is not None and not vmx.disks():
            raise VmFileError(
                f"{escape(path)} is encrypted: its disks cannot be known",
                next_step="leave this VM out with a line '!NAME' in the targets file",
            )
        return vmx

    def to_bytes(self) -> bytes:
        """Give the file's bytes."""
        return self._dictionary.to_bytes()

    @property
    def encoding(self) -> str:
        """The encoding as the file names it, ``UTF-8`` when it does not."""
        return self._dictionary.encoding

    def keys(self) -> list[str]:
        """Give every key once, as spelled where it stands first, in the file's order."""
        return self._dictionary.keys()

    def get(self, key: str) -> str | None:
        """Give a key's value, without regard to the key's case; None if it is not there."""
        return self._dictionary.get(key)

    def get_bool(self, key: str, *, default: bool = False) -> bool:
        """Give a key's value as VMware reads a boolean; ``default`` if it is not there."""
        value = self.get(key)
        return default if value is None else value.lower() in _TRUE_WORDS

    def set(self, key: str, value: str) -> None:
        """Give a key a value, in its place or at the end; of several lines only one stays.

        Raise VmFileError when the file's encoding cannot hold the value, ValueError for a
        malformed key and for the key of the encoding.
        """
        self._dictionary.set(key, value)

    def remove(self, key: str) -> None:
        """Drop every line of a key, if there is any; ValueError as ``set``."""
        self._dictionary.remove(key)

    def duplicates(self) -> list[str]:
        """Give the keys that are there several times with different values.

        ``get`` gives the first, but VMware refuses such a file when it loads it the next time.
        """
        return self._dictionary.duplicates()

    def garbled_lines(self) -> list[int]:
        """Give the numbers, from 1, of lines that VMware would call a syntax error."""
        return [number for number, _body in self._dictionary.garbled_lines()]

    @property
    def display_name(self) -> str | None:
        """The name that the VM is known by; None when the file gives none."""
        return self.get("displayName") or None

    @property
    def uuid(self) -> str:
        """What tells the VM from others, also after it was moved; empty when it has none yet.

        ``uuid.location`` is made anew by every move, ``uuid.bios`` only for a copy.
        """
        return self.get("uuid.bios") or ""

    @property
    def working_dir(self) -> str | None:
        """The folder for snapshots and swap, as written; None when it is the VM's own."""
        return self.get("workingDir") or None

    def disks(self) -> list[VmxDisk]:
        """Give the hard disks that are present, in the order of their nodes.

        A disk counts when its ``present`` is true and its controller is not switched off, and when
        its type says disk or its file is a ``.vmdk``. CD-ROMs, floppies and ISO images never do.
        """
        found: dict[tuple[str, int, int], VmxDisk] = {}
        for key in self.keys():
            match = _NODE_PRESENT.fullmatch(key)
            if match is None or not self.get_bool(key):
                continue
            node, bus, controller, unit = match.group(1, 2, 3, 4)
            disk = self._read_disk(node.lower())
            if _is_hard_disk(disk) and self._is_controller_present(f"{bus}{controller}"):
                found[(bus.lower(), int(controller), int(unit))] = disk
        return [found[place] for place in sorted(found)]

    def shared_bus_controllers(self) -> list[str]:
        """Give the SCSI controllers (``scsi1``) whose bus other VMs may share.

        ``none`` is the word for not shared; ``virtual``, ``physical`` and whatever else count.
        """
        matches = (_SHARED_BUS.fullmatch(key) for key in self.keys())
        return sorted(
            match[1].lower()
            for match in matches
            if match is not None
            and (self.get(match[0]) or "none").lower() != "none"
            and self._is_controller_present(match[1])
        )

    def _read_disk(self, node: str) -> VmxDisk:
        return VmxDisk(
            node=node,
            file_name=self.get(f"{node}.fileName") or "",
            mode=self.get(f"{node}.mode") or "",
            device_type=self.get(f"{node}.deviceType") or "",
        )

    def _is_controller_present(self, controller: str) -> bool:
        # IDE controllers have no such key, and files written by hand may lack it: only an explicit
        # FALSE, VMware's main switch for a controller, takes its disks away.
        return self.get_bool(f"{controller}.present", default=True)


def _is_hard_disk(disk: VmxDisk) -> bool:
    device_type = disk.device_type.lower()
    file_name = disk.file_name.lower()
    if "cdrom" in device_type or "floppy" in device_type or file_name.endswith((".iso", ".flp")):
        return False
    # Seen: scsi-hardDisk, ata-hardDisk, disk, plainDisk, rawDisk, PhysicalDrive0, and of RDMs
    # scsi-passThru-rdm and scsi-nonpassThru-rdm. VMware Server may leave the type out.
    says_disk = device_type.endswith(("disk", "-rdm")) or device_type.startswith("physicaldrive")
    return says_disk or file_name.endswith(".vmdk")
