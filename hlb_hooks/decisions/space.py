"""Whether the datastores have room for the deltas of all planned VMs."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hlb_hooks.effects.disk_space import DiskSpace

GIB = 1024**3
# ESX makes a delta grow in steps of 16 MB: the least that a snapshot will take.
DELTA_STEP_BYTES = 16 * 1024 * 1024


@dataclass
class SpaceLedger:
    """The room of each datastore, less what the VMs admitted so far will take at least."""

    min_free_percent: int
    min_free_gib: int
    _planned: dict[str, int] = field(default_factory=dict)

    def find_shortage(
        self, rooms: Mapping[str, DiskSpace | None], needs: Mapping[str, int]
    ) -> tuple[str, int, int] | None:
        """Plan ``needs`` bytes on each datastore, or give the first that is too short of room.

        The answer is the datastore, the bytes that would be left on it, and the bytes that must
        be. A datastore whose room is not known (None) holds nobody up.
        """
        for datastore, need in needs.items():
            room = rooms.get(datastore)
            if room is None:
                continue
            left = room.free_bytes - self._planned.get(datastore, 0) - need
            limit = max(room.total_bytes * self.min_free_percent // 100, self.min_free_gib * GIB)
            if limit and left < limit:
                return datastore, left, limit
        for datastore, need in needs.items():
            self._planned[datastore] = self._planned.get(datastore, 0) + need
        return None
