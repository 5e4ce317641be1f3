"""What an operator may ask of a restore."""

from collections.abc import Mapping
from dataclasses import dataclass, field

CREATE = "create"
KEEP = "keep"
DISCONNECT = "disconnect"


@dataclass(frozen=True)
class RestoreOptions:
    """The wishes for one VM. Disks are named by node, such as ``scsi0:1``, in lower case.

    ``uuid`` is ``create``, ``keep``, or None where nothing was said; ``network`` is ``keep`` or
    ``disconnect``. ``placed_disks`` says where a disk is that is not found by its name;
    ``left_out_disks`` are to be missing from the VM; ``drops_snapshots`` accepts disks as they were
    at a snapshot of somebody else's.
    """

    name: str | None = None
    uuid: str | None = None
    network: str = KEEP
    placed_disks: Mapping[str, str] = field(default_factory=dict)
    left_out_disks: frozenset[str] = frozenset()
    drops_snapshots: bool = False
