"""The index of a state folder: the digests of its finished runs, so that nobody reads them again.

It is a memory and no record: each entry counts only as long as its state file is the very one it
was made from, to the byte's and the clock's best knowledge, and an index that is missing, cut
short or of another version only makes the next reading slower. So nothing depends on it.
"""

import binascii
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from hlb_hooks.base import clock
from hlb_hooks.base.errors import StateError
from hlb_hooks.effects.effect_kind import changes, reads
from hlb_hooks.effects.owner import owner_from_details
from hlb_hooks.effects.regular_files import read_regular_file
from hlb_hooks.effects.replaced_files import replace_file
from hlb_hooks.effects.run_digest import RunDigest, VmIdentity

# To be raised when a digest holds something else, or is made in another way.
_VERSION = 3
_NAME = "finished.index"
_MAX_BYTES = 256 << 20


class Stamp(NamedTuple):
    """By what a file is known not to have changed."""

    size: int
    modified_ns: int
    changed_ns: int
    inode: int


@dataclass(frozen=True)
class IndexEntry:
    """The digest of a state file as it was at ``stamp``; ``file`` is its name in the folder."""

    file: str
    stamp: Stamp
    digest: RunDigest


@reads
def read_stamp(path: str) -> Stamp:
    """Look at a file without reading it. Raise OSError."""
    status = os.stat(path)
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


@reads
def read_index(folder: str) -> dict[str, IndexEntry]:
    """Give the entries by the names of their state files; none, where there is no good index."""
    try:
        head, _, body = read_regular_file(os.path.join(folder, _NAME), _MAX_BYTES).partition(b"\n")
        if head != _make_head(body):
            return {}
        tables = json.loads(body)
        vms = [VmIdentity(*each) for each in tables["vms"]]
        entries = [_decode_entry(table, vms) for table in tables["runs"]]
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        # Whatever it is, the state files themselves are there to be read.
        return {}
    return {entry.file: entry for entry in entries}


@changes
def write_index(folder: str, entries: Iterable[IndexEntry]) -> None:
    """Put the index in place of the one before, whole or not at all. Raise StateError."""
    vms: dict[VmIdentity, int] = {}
    runs = [_encode_entry(entry, vms) for entry in entries]
    tables = {"vms": list(vms), "runs": runs}
    body = json.dumps(tables, separators=(",", ":")).encode("ascii")
    data = _make_head(body) + b"\n" + body
    path = os.path.join(folder, _NAME)
    try:
        # A reaper comes every few minutes, and mostly nothing has changed.
        if not _holds(path, data):
            replace_file(path, data)
    except OSError as error:
        raise StateError(
            f"{path}: cannot be written: {error.strerror}",
            next_step="make room or mend the folder; until then finished runs are read anew",
        ) from error


def _holds(path: str, data: bytes) -> bool:
    try:
        return read_regular_file(path, len(data) + 1) == data
    except OSError:
        return False  # there is none yet, or something else is in its place


def _make_head(body: bytes) -> bytes:
    return f"HLB-INDEX\t{_VERSION}\tcrc32={binascii.crc32(body):08x}".encode("ascii")


def _encode_entry(entry: IndexEntry, vms: dict[VmIdentity, int]) -> dict[str, object]:
    digest = entry.digest

    def number(identities: Iterable[VmIdentity]) -> list[int]:
        # Every VM's path stands in the file once, however many nights it was backed up.
        return [vms.setdefault(each, len(vms)) for each in identities]

    return {
        "file": entry.file,
        "stamp": entry.stamp,
        "run": digest.name,
        "job": digest.job,
        "host": digest.host,
        "begun": clock.format_utc(digest.begun),
        "latest": clock.format_utc(digest.latest),
        "owner": digest.owner.to_details(),
        "config": digest.config_path,
        "is_handed_over": digest.is_handed_over,
        "is_night": digest.is_night,
        "read": number(digest.read),
        "unread": number(digest.unread),
        "failed": number(digest.failed),
        "not_due": number(digest.not_due),
        "held": number(digest.held),
        "names": number(VmIdentity(vmx, name) for vmx, name in digest.names),
        "opened": number(VmIdentity(vmx, "") for vmx in digest.opened),
        "unseen": digest.unseen,
        "closed": digest.closed,
    }


def _decode_entry(table: Mapping[str, Any], vms: list[VmIdentity]) -> IndexEntry:
    name_vm = vms.__getitem__
    digest = RunDigest(
        name=table["run"],
        job=table["job"],
        host=table["host"],
        begun=clock.parse_utc(table["begun"]),
        latest=clock.parse_utc(table["latest"]),
        owner=owner_from_details(table["owner"]),
        config_path=table["config"],
        is_handed_over=table["is_handed_over"],
        is_night=table["is_night"],
        read=tuple(map(name_vm, table["read"])),
        unread=tuple(map(name_vm, table["unread"])),
        failed=tuple(map(name_vm, table["failed"])),
        not_due=tuple(map(name_vm, table["not_due"])),
        held=tuple(map(name_vm, table["held"])),
        names=tuple(tuple(name_vm(each)) for each in table["names"]),
        opened=tuple(vms[each].vmx for each in table["opened"]),
        unseen=tuple((place, snapshot) for place, snapshot in table["unseen"]),
        closed=table["closed"],
    )
    return IndexEntry(table["file"], Stamp(*table["stamp"]), digest)
