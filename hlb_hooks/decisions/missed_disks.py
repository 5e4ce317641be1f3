"""The disks that a backup may be without, for programs: beside the sentences that say so."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from hlb_hooks.decisions.phrase import Phrase

# What may be the matter: the keys of the sentences that say it.
INDEPENDENT = "independent_disk"
PHYSICAL_RDM = "physical_rdm"
ELSEWHERE = "disk_elsewhere"
_KEYS = (INDEPENDENT, PHYSICAL_RDM, ELSEWHERE)


@dataclass(frozen=True)
class MissedDisk:
    """One disk: why it may be missed, its node (``scsi0:1``), and where its base lies."""

    why: str
    node: str
    path: str


def encode_missed_disks(notes: Iterable[Phrase]) -> str:
    """Give, for a record, the disks that ``notes`` speak of; nothing where there is none."""
    disks = [
        [note.key, str(note.words["node"]), str(note.words["path"])]
        for note in notes
        if note.key in _KEYS
    ]
    return json.dumps(disks, separators=(",", ":")) if disks else ""


def decode_missed_disks(text: str) -> tuple[MissedDisk, ...]:
    """Read what ``encode_missed_disks`` gave. Raise ValueError or TypeError for anything else."""
    disks = tuple(MissedDisk(*map(str, entry)) for entry in json.loads(text or "[]"))
    unknown = {disk.why for disk in disks} - set(_KEYS)
    if unknown:
        raise ValueError(f"no reasons to miss a disk: {sorted(unknown)}")
    return disks
