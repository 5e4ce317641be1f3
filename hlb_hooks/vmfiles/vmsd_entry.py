"""One snapshot's entry in a ``.vmsd``: the keys that begin with ``snapshotN.``."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hlb_hooks.base.errors import VmFileError
from hlb_hooks.base.text import escape

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"[0-9]{1,18}")
_SIGNED_NUMBER = re.compile(r"-?[0-9]{1,18}")
_DISK_KEY = re.compile(r"disk(0|[1-9][0-9]{0,5})\.(filename|node)")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot as the host lists it.

    ``disks`` are pairs of node and file: the disk that is read-only since, so the base for the
    first snapshot and ``-000001.vmdk`` for the second. A disk that a snapshot does not cover is
    not among them. ``created`` is None where the file gives no usable time; texts that the file
    does not give are empty.
    """

    uid: int
    display_name: str
    description: str
    file_name: str
    created: datetime | None
    parent_uid: int | None
    disks: tuple[tuple[str, str], ...]
    type: str


def read_snapshot(name: str, values: Mapping[str, str]) -> Snapshot:
    """Make a snapshot of its values by lower-case key, without the ``snapshotN.`` of ``name``.

    Raise VmFileError when there is no uid, a number is none, or the disks are not as many as
    ``numDisks`` says.
    """
    uid = read_number(f"{name}.uid", values.get("uid"))
    if uid is None:
        raise VmFileError(f"{name} has no uid")
    return Snapshot(
        uid=uid,
        display_name=values.get("displayname", ""),
        description=values.get("description", ""),
        file_name=values.get("filename", ""),
        created=_read_time(values.get("createtimehigh", ""), values.get("createtimelow", "")),
        # Roots have no such key, or an empty one; uids start at 1.
        parent_uid=read_number(f"{name}.parent", values.get("parent") or None) or None,
        disks=_read_disks(name, values),
        type=values.get("type", ""),
    )


def read_number(key: str, value: str | None) -> int | None:
    """Give a value as a number, None for None; VmFileError when it is no number."""
    if value is None:
        return None
    if not _NUMBER.fullmatch(value):
        raise VmFileError(f'{key} is "{escape(value)}", which is not a number')
    return int(value)


def _read_disks(name: str, values: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    found: dict[int, dict[str, str]] = {}
    for key, value in values.items():
        match = _DISK_KEY.fullmatch(key)
        if match is not None:
            found.setdefault(int(match[1]), {})[match[2]] = value
    said = read_number(f"{name}.numDisks", values.get("numdisks"))
    if said is not None and said != len(found):
        raise VmFileError(f"{name}.numDisks is {said}, but {len(found)} disks are listed")
    return tuple(
        (disk.get("node", "").lower(), disk.get("filename", ""))
        for _number, disk in sorted(found.items())
    )


def _read_time(high: str, low: str) -> datetime | None:
    # high * 2^32 + low is microseconds since 1970; the low half is written as a signed number.
    if not (_NUMBER.fullmatch(high) and _SIGNED_NUMBER.fullmatch(low)):
        return None
    try:
        return _EPOCH + timedelta(microseconds=(int(high) << 32) + (int(low) & 0xFFFFFFFF))
    except OverflowError:
        # The time is only shown: one that no calendar has must not hide the snapshot.
        return None
