"""The texts of a VM's files, as hosts write them.

Keys and forms from .vmx, .vmsd and VMDK descriptors that were published (ESX 3.5 to 6.x, among
them VMware's own knowledge base); ESX keeps ``.encoding`` first.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from hlb_hooks.vmfiles.vmsd import Snapshot

SECTOR_BYTES = 512
NO_PARENT_CID = "ffffffff"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TRACK_SECTORS = 255 * 63


def make_cid() -> str:
    """Give a new content id: eight hexadecimal digits, and neither of the two reserved ones."""
    cid = secrets.token_hex(4)
    return cid if cid < "fffffffe" else make_cid()


def escape_value(value: str) -> str:
    """Escape what would end a value or a line: ``"`` as |22, line breaks as |0A, ``|`` as |7C."""
    return value.replace("|", "|7C").replace('"', "|22").replace("\n", "|0A").replace("\r", "|0D")


def render_dictionary(entries: Mapping[str, str], first_line: str = "") -> bytes:
    """Give ``key = "value"`` lines, after ``first_line`` where there is one."""
    lines = [first_line] if first_line else []
    lines += [f'{key} = "{escape_value(value)}"' for key, value in entries.items()]
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")


def render_base_descriptor(
    sectors: int, extent: str, create_type: str = "vmfs", extent_kind: str = "VMFS"
) -> bytes:
    """Give the descriptor of a disk that has no parent; ``extent`` is the data file's name."""
    return _render_descriptor(
        [f"CID={make_cid()}", f"parentCID={NO_PARENT_CID}", f'createType="{create_type}"'],
        f'RW {sectors} {extent_kind} "{extent}"',
        [
            'ddb.virtualHWVersion = "4"',
            f'ddb.geometry.cylinders = "{max(1, sectors // _TRACK_SECTORS)}"',
            'ddb.geometry.heads = "255"',
            'ddb.geometry.sectors = "63"',
            'ddb.adapterType = "lsilogic"',
        ],
    )


def render_delta_descriptor(sectors: int, extent: str, parent_cid: str, parent: str) -> bytes:
    """Give the descriptor of a delta; ``parent`` is the hint, relative or absolute."""
    return _render_descriptor(
        [
            f"CID={make_cid()}",
            f"parentCID={parent_cid}",
            'createType="vmfsSparse"',
            f'parentFileNameHint="{parent}"',
        ],
        f'RW {sectors} VMFSSPARSE "{extent}"',
        [],
    )


def render_vmsd(
    last_uid: int, snapshots: Sequence[Snapshot], after_removal: str = "counter"
) -> bytes:
    """Give a .vmsd. ``after_removal`` says what is left without snapshots: see layout."""
    if not snapshots and after_removal in {"empty", "absent"}:
        return b""
    entries = {".encoding": "UTF-8", "snapshot.lastUID": str(last_uid)}
    if snapshots:
        entries["snapshot.current"] = str(snapshots[-1].uid)
    for index, snapshot in enumerate(snapshots):
        entries.update(_list_snapshot_entries(f"snapshot{index}", snapshot))
    if snapshots or after_removal == "zero":
        entries["snapshot.numSnapshots"] = str(len(snapshots))
    return render_dictionary(entries)


def _list_snapshot_entries(prefix: str, snapshot: Snapshot) -> dict[str, str]:
    entries = {f"{prefix}.uid": str(snapshot.uid), f"{prefix}.filename": snapshot.file_name}
    if snapshot.parent_uid is not None:
        entries[f"{prefix}.parent"] = str(snapshot.parent_uid)
    entries[f"{prefix}.displayName"] = snapshot.display_name
    entries[f"{prefix}.description"] = snapshot.description
    microseconds = ((snapshot.created or _EPOCH) - _EPOCH) // timedelta(microseconds=1)
    high, low = divmod(microseconds, 1 << 32)
    # The low half is written as a signed number.
    entries[f"{prefix}.createTimeHigh"] = str(high)
    entries[f"{prefix}.createTimeLow"] = str(low - (1 << 32) if low >= 1 << 31 else low)
    if snapshot.type:
        entries[f"{prefix}.type"] = snapshot.type
    entries[f"{prefix}.numDisks"] = str(len(snapshot.disks))
    for number, (node, file_name) in enumerate(snapshot.disks):
        entries[f"{prefix}.disk{number}.fileName"] = file_name
        entries[f"{prefix}.disk{number}.node"] = node
    return entries


def _render_descriptor(head: Iterable[str], extent: str, database: Iterable[str]) -> bytes:
    lines = [
        "# Disk DescriptorFile",
        "version=1",
        *head,
        "",
        "# Extent description",
        extent,
        "",
        "# The Disk Data Base ",
        "#DDB",
        "",
        *database,
    ]
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
