"""The section [snapshot] of hlb.toml; see ``config_schema``."""

from dataclasses import dataclass

from hlb_hooks.base.config_keys import AT_ONCE, PERCENT, SECONDS, setting
from hlb_hooks.base.config_kinds import Choice, Flag, Whole


@dataclass(frozen=True)
class SnapshotConfig:
    """How snapshots are made and removed: [snapshot]."""

    quiesce: str = setting(
        "try",
        Choice(("on", "off", "try")),
        "Quiesce the guest; try: crash-consistent if that fails, and the report says which.",
    )
    memory: bool = setting(default=False, kind=Flag(), description="Save the guest's memory too.")
    parallel: int = setting(2, AT_ONCE, "Snapshots being made at once.")
    parallel_per_datastore: int = setting(
        1, AT_ONCE, "Snapshots being made at once on one datastore."
    )
    remove_parallel: int = setting(1, AT_ONCE, "Snapshots being removed at once.")
    create_timeout_seconds: int = setting(600, SECONDS, "The limit of making one snapshot.")
    remove_timeout_seconds: int = setting(14400, SECONDS, "The limit of removing one snapshot.")
    settle_timeout_seconds: int = setting(
        60, SECONDS, "How long the VM's files are looked at after a command that made a snapshot."
    )
    min_free_percent: int = setting(
        10, PERCENT, "Free space that each datastore must have for deltas; 0: not checked."
    )
    min_free_gib: int = setting(
        20, Whole(0), "Free space that each datastore must have for deltas; 0: not checked."
    )
    emergency_free_percent: int = setting(
        3, PERCENT, "Below it the guard removes our snapshots and the VM is TORN; 0: never."
    )
    alarm_open_hours: int = setting(
        12, Whole(1, 8760), "A snapshot of ours that is open for longer is an alarm."
    )
    allow_linked_clones: bool = setting(
        default=False, kind=Flag(), description="Take snapshots of linked clones too."
    )
