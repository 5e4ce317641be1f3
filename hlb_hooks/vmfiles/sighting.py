"""What a VM's files say became of one snapshot: pure, from the chains recorded before it.

The files are believed, not the commands. An entry leaves the .vmsd before the merge is finished
(VMware's own support says so), so *gone* takes both: no entry, and every disk back on the chain
that was recorded. A chain is compared by its files, not by its CIDs: a base gets a new CID when
it is written again.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

# What the host makes itself while it merges a snapshot of a running VM, and may leave behind:
# "Consolidate Helper", "Consolidated Helper-0" were seen.
_HELPER = re.compile(r"consolidated? helper", re.IGNORECASE)


@dataclass(frozen=True)
class RecordedDisk:
    """A disk a snapshot covers, as it was before: its node, its chain, what its base looks like.

    ``chain`` holds absolute descriptor paths from the top down to the base. ``extents`` are the
    data files below the new delta, each with its size in bytes, and ``top_cid`` is the content
    id of the descriptor that the delta will be laid on. ``modified_ns`` are the extents' mtimes
    in nanoseconds, in their order; empty where an older version wrote the record.
    """

    node: str
    chain: tuple[str, ...]
    top_cid: str
    extents: tuple[tuple[str, int], ...]
    modified_ns: tuple[int, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """Every file that a reader of the disk needs: descriptors, then data files."""
        return (*self.chain, *(path for path, _ in self.extents))

    def to_json(self) -> dict[str, Any]:
        """Give the disk as what ``json`` can write."""
        return {
            "node": self.node,
            "chain": list(self.chain),
            "top_cid": self.top_cid,
            "extents": [list(extent) for extent in self.extents],
            "modified_ns": list(self.modified_ns),
        }

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> "RecordedDisk":
        """Read what ``to_json`` gave. Raise KeyError, TypeError or ValueError for anything else."""
        return cls(
            node=str(entry["node"]),
            chain=tuple(str(path) for path in entry["chain"]),
            top_cid=str(entry["top_cid"]),
            extents=tuple((str(path), int(size)) for path, size in entry["extents"]),
            modified_ns=tuple(int(moment) for moment in entry.get("modified_ns", ())),
        )


class Fate(Enum):
    """What the files say of a snapshot."""

    MADE = "made"  # our name is there, and every disk is one delta above its chain
    PARTLY_MADE = "partly made"  # our name is there, and some disk is not one delta above
    # No such name, and every disk is on its chain, or above it by the snapshots of others alone.
    ABSENT = "absent"
    MERGING = "merging"  # no such name, and a disk has deltas that no snapshot accounts for
    DISPLACED = "displaced"  # no such name, and a disk is on a chain that has nothing of the old


@dataclass(frozen=True)
class Sighting:
    """The fate of our snapshot ``name``, and what else is there.

    ``helpers`` are the host's own: while it removes a snapshot of a running VM, a further one
    takes the writes. It is merged too, or left behind; so it accounts for nothing.
    """

    name: str
    fate: Fate
    other_snapshots: tuple[str, ...]
    helpers: tuple[str, ...]
    has_unknown_delta: bool = False
    """Whether a disk has more deltas above its recorded chain than there are snapshots."""
    missing_nodes: tuple[str, ...] = ()
    """The recorded disks that were taken out of the VM since."""

    @property
    def is_untouched(self) -> bool:
        """Whether there is no snapshot at all and every disk is on its recorded chain."""
        return self.fate is Fate.ABSENT and not (self.other_snapshots or self.helpers)

    @property
    def is_ours_there(self) -> bool:
        """Whether the .vmsd shows the snapshot."""
        return self.fate in {Fate.MADE, Fate.PARTLY_MADE}


def sight_snapshots(
    ours: Sequence[str],
    recorded: Sequence[RecordedDisk],
    snapshot_names: Sequence[str],
    chains_now: Mapping[str, tuple[str, ...]],
) -> Sighting:
    """Tell what became of our snapshots on one VM: usually one, else the attempts at it.

    ``snapshot_names`` are those of the .vmsd, ``chains_now`` each node's chain as it is now. A
    name that is there twice was given once by us, so the second is another's. A disk that was
    taken out of the VM meanwhile tells nothing, as long as another is there that does.
    """
    helpers = [name for name in snapshot_names if _HELPER.match(name)]
    others = [name for name in snapshot_names if name not in helpers]
    present = [name for name in ours if name in others]
    for name in present:
        others.remove(name)
    depths = {
        disk.node: _count_deltas_above(disk.chain, chains_now.get(disk.node, ()))
        for disk in recorded
    }
    missing = tuple(node for node in depths if node not in chains_now)
    if len(missing) < len(depths):
        depths = {node: depth for node, depth in depths.items() if node not in missing}
    has_unknown_delta = any((depth or 0) > len(snapshot_names) for depth in depths.values())
    if present:
        is_made = len(present) == 1 and all(depth == 1 for depth in depths.values())
        fate = Fate.MADE if is_made else Fate.PARTLY_MADE
    elif None in depths.values():
        fate = Fate.DISPLACED
    else:
        # Each snapshot of another's accounts for one delta; what is above that is ours still.
        is_accounted_for = all((depth or 0) <= len(others) for depth in depths.values())
        fate = Fate.ABSENT if is_accounted_for else Fate.MERGING
    return Sighting(
        name=present[0] if present else ours[-1],
        fate=fate,
        other_snapshots=tuple(others),
        helpers=tuple(helpers),
        has_unknown_delta=has_unknown_delta,
        missing_nodes=missing,
    )


def _count_deltas_above(recorded: tuple[str, ...], now: tuple[str, ...]) -> int | None:
    """Give how many links stand above the recorded chain, or None when it is not below."""
    depth = len(now) - len(recorded)
    if depth < 0 or now[depth:] != recorded:
        return None
    return depth
