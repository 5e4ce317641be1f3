r"""The records of a state file: one a line, plain UTF-8, each with its own checksum.

    2026-11-22T01:00:03Z<tab>OK_snap<tab>/vmfs/volumes/<uuid>/wro215ts/wro215ts.vmx<tab>snapshot=HLB-...<tab>crc32=0c1d2e3f

Fields are parted by tabs and escaped by ``base.text``, so that a path with blanks stands as it is
and ``grep wro215ts`` tells the VM's story. The checksum covers everything before its own tab.
"""

import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from hlb_hooks.base import clock
from hlb_hooks.base.errors import StateError
from hlb_hooks.base.text import escape, unescape

VERSION = 1
NO_VM = "-"
_MARK = b"\tcrc32="
_NO_DETAILS: Mapping[str, str] = MappingProxyType({})


class Flag(StrEnum):
    """Every kind of record there is."""

    # Of the run.
    STATE = "HLB-STATE"  # the first record: version, run, job, host, boot
    OWNER = "OWNER"
    CONFIG = "CONFIG"
    GUARD = "GUARD"
    INVENTORY = "INVENTORY"  # how many PRESENT records there are: for the reader of an empty list
    STARTED = "STARTED"  # the start hook is over
    HANDED_OVER = "HANDED_OVER"  # a hook is over, and what is open is the guard's
    ENDED = "ENDED"  # nothing of this run is open any more
    VERDICT = "VERDICT"  # the client's log was read after its end, for OK_read and FAILED_read
    # Of one VM.
    PRESENT = "PRESENT"
    CHOSEN = "CHOSEN"
    NOT_DUE = "NOT_DUE"  # the targets choose it, and its interval is not over
    LEFT_OUT = "LEFT_OUT"
    READABLE = "READABLE"
    INTENT_SNAP = "INTENT_snap"
    ADOPTED = "ADOPTED"  # another run's snapshot, which this one is to remove: from its claim
    NOTE = "NOTE"  # something to know of a VM that decides nothing
    MOVED = "MOVED"  # the VM lies elsewhere now, with the snapshot
    NOT_MADE = "NOT_MADE"  # an intent that certainly came to nothing
    OK_SNAP = "OK_snap"
    FAILED_SNAP = "FAILED_snap"
    INTENT_UMOUNT = "INTENT_umount"
    MERGING = "MERGING"
    OK_UMOUNT = "OK_umount"
    FAILED_UMOUNT = "FAILED_umount"
    TORN = "TORN"
    OK_READ = "OK_read"
    FAILED_READ = "FAILED_read"


class Record(NamedTuple):
    """One line: when, what, of which VM (its .vmx path as the host prints it), and details.

    A tuple, as a frozen dataclass takes three times as long to make, and a host has thousands.
    """

    moment: datetime
    flag: str
    vmx: str | None = None
    details: Mapping[str, str] = _NO_DETAILS


@dataclass(frozen=True)
class Reading:
    """A state file as read: its records, how many bytes they fill, and whether a write was cut."""

    records: tuple[Record, ...]
    complete_bytes: int
    was_interrupted: bool


def make_record(flag: Flag, vmx: str | None = None, **details: str) -> Record:
    """Make a record of this moment; details that say nothing are left out."""
    return Record(clock.read_utc_now(), flag, vmx, {k: v for k, v in details.items() if v})


def encode_record(record: Record) -> bytes:
    """Give the record's line, line break included."""
    fields = [
        clock.format_utc(record.moment),
        record.flag,
        escape(record.vmx) if record.vmx is not None else NO_VM,
        *(f"{key}={escape(value)}" for key, value in record.details.items()),
    ]
    body = "\t".join(fields).encode("utf-8")
    return body + f"\tcrc32={binascii.crc32(body):08x}\n".encode("ascii")


def decode_records(data: bytes, path: str) -> Reading:
    """Read a state file's bytes.

    A last line that is cut short or does not check is an interrupted write and left out. Raise
    StateError, naming ``path`` and the line, for damage anywhere else and for a newer version.
    """
    lines = data.split(b"\n")
    unfinished = lines.pop()
    records: list[Record] = []
    complete_bytes = 0
    for number, line in enumerate(lines, start=1):
        try:
            record = _decode_line(line)
        except ValueError as error:
            if number == len(lines) and not unfinished and _was_cut_short(line):
                return Reading(tuple(records), complete_bytes, was_interrupted=True)
            raise _damaged(path, number, str(error)) from error
        if number == 1:
            _check_version(record, path)
        records.append(record)
        complete_bytes += len(line) + 1
    if not _was_cut_short(unfinished):
        raise _damaged(path, len(lines) + 1, "its line break is lost")
    return Reading(tuple(records), complete_bytes, was_interrupted=bool(unfinished))


def _decode_line(line: bytes) -> Record:
    body, mark, checksum = line.rpartition(_MARK)
    if not mark or checksum != f"{binascii.crc32(body):08x}".encode("ascii"):
        raise ValueError("its checksum does not match")
    stamp, flag, vmx, *pairs = body.decode("utf-8").split("\t")
    details = {}
    for pair in pairs:
        key, _, value = pair.partition("=")
        details[key] = unescape(value)
    return Record(clock.parse_utc(stamp), flag, None if vmx == NO_VM else unescape(vmx), details)


def _was_cut_short(line: bytes) -> bool:
    """Tell a line that was cut short from two with a damaged line break between them.

    A line ends in its checksum; a file system that lost power may have put zeros behind.
    """
    checksum = line.rstrip(b"\0").partition(_MARK)[2]
    return len(checksum) <= len("0c1d2e3f") + 1


def _damaged(path: str, number: int, why: str) -> StateError:
    return StateError(
        f"{path}: line {number} is damaged ({why})",
        next_step="it is left as it is; compare it with `vmware-cmd -l` and the VMs' .vmsd "
        "files, remove what is open by hand, then move the file away",
    )


def _check_version(record: Record, path: str) -> None:
    if record.flag != Flag.STATE:
        raise StateError(
            f"{path}: line 1 is not the head of a state file",
            next_step="move the file away; nothing was changed",
        )
    version = record.details.get("version", "")
    if version != str(VERSION):
        raise StateError(
            f"{path}: written as version {escape(version)}, and this program reads {VERSION}",
            next_step="let the newer hlb-hooks settle this run (initial_umount --run), or upgrade",
        )
