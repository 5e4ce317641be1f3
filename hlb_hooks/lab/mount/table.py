"""Which labs are mounted where, as the kernel's own list says."""

import os
import re
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

SUBTYPE = "hlb-lab"
_TABLE = Path("/proc/self/mountinfo")
_ESCAPED = re.compile(rb"\\([0-7]{3})")


@dataclass(frozen=True)
class LabMount:
    """A mounted lab: the folder of the lab, and the one it is mounted on."""

    folder: Path
    mountpoint: Path


def name_source(folder: Path) -> str:
    """Give the name under which a lab stands in the list: no blank, no comma, nothing but ASCII."""
    return f"{SUBTYPE}:{urllib.parse.quote_from_bytes(os.fsencode(folder))}"


def list_lab_mounts() -> list[LabMount]:
    """Give every mounted lab, also one whose serving process has died."""
    mounts = []
    for line in _TABLE.read_bytes().splitlines():
        before, _, after = line.partition(b" - ")
        kind, source, *_ = after.split(b" ")
        if kind == f"fuse.{SUBTYPE}".encode("ascii"):
            mountpoint = _ESCAPED.sub(lambda match: bytes([int(match[1], 8)]), before.split()[4])
            quoted = _ESCAPED.sub(lambda match: bytes([int(match[1], 8)]), source)
            folder = urllib.parse.unquote_to_bytes(quoted.partition(b":")[2])
            mounts.append(LabMount(Path(os.fsdecode(folder)), Path(os.fsdecode(mountpoint))))
    return mounts


def find_lab_mount(mountpoint: Path) -> LabMount | None:
    """Give the lab that is mounted on a folder, or None."""
    return next((each for each in list_lab_mounts() if each.mountpoint == mountpoint), None)
