"""Every key of hlb.toml, once: its name, type, default, what is allowed, and what it is for.

The classes are the table: readers, checks, the annotated example and the reference all come
from their fields. The defaults are those promised to the operators.
"""

from dataclasses import dataclass, field, fields
from typing import Any

from hlb_hooks.base.config_kinds import (
    AbsolutePath,
    Choice,
    Flag,
    HostName,
    Kind,
    Number,
    OptionalPath,
    Patterns,
    Value,
    Whole,
)
from hlb_hooks.base.intervals import INTERVALS
from hlb_hooks.base.places import AVAMAR_FOLDER

DEFAULT_TARGETS = f"{AVAMAR_FOLDER}/etc/hlb/targets"
DEFAULT_STATE_DIR = f"{AVAMAR_FOLDER}/var/hlb"
DEFAULT_LOG_FILE = f"{AVAMAR_FOLDER}/var/hlb/hlb.log"
DEFAULT_JOB = "default"

# Longer than any merge, and far from what timers cannot count any more.
_SECONDS = Whole(1, 30 * 24 * 3600)
_AT_ONCE = Whole(1, 1000)
_PERCENT = Whole(0, 100)


@dataclass(frozen=True)
class Key:
    """One key: where it stands, what it may hold, its default, and what it is for."""

    section: str
    name: str
    kind: Kind[Any]
    default: Any
    description: str

    @property
    def type_words(self) -> str:
        """Name the TOML type."""
        return self.kind.type_words

    @property
    def allowed_words(self) -> str:
        """Say which values of the type are allowed."""
        return self.kind.allowed_words


def _setting(default: Value, kind: Kind[Value], description: str) -> Value:
    metadata = {"kind": kind, "description": description}
    # Typed as its default: dataclass takes the Field away again, and an instance has the value.
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class HostConfig:
    """How the hypervisor is reached: [host]."""

    driver: str = _setting(
        "vmware-cmd", Choice(("vmware-cmd",)), "The program that speaks to the hypervisor."
    )
    vmware_cmd: str = _setting("/usr/bin/vmware-cmd", AbsolutePath(), "Where vmware-cmd is.")
    name: str = _setting(
        "",
        HostName(),
        "What this host is called in the claims beside its VMs; without it the system's own name. "
        "Two hosts that share datastores must not have the same.",
    )
    command_timeout_seconds: int = _setting(
        60, _SECONDS, "The limit of a command that only reads, such as -l and getstate."
    )
    power_timeout_seconds: int = _setting(
        600, _SECONDS, "The limit of registering a VM, of starting it, and of answering it."
    )


@dataclass(frozen=True)
class PathsConfig:
    """Where things are kept: [paths]."""

    state_dir: str = _setting(
        DEFAULT_STATE_DIR, AbsolutePath(), "The folder of the state files, one a run; mode 0700."
    )
    log_file: str = _setting(DEFAULT_LOG_FILE, AbsolutePath(), "The log file, JSON lines.")
    scripts_dir: str = _setting(
        "/usr/local/avamar/etc/scripts",
        AbsolutePath(),
        "The folder that the client runs its hooks from; hlb check and hlb probe look there.",
    )
    metrics_file: str = _setting(
        "",
        OptionalPath(),
        "A file for node_exporter's textfile collector, ending in .prom; nothing: none is written.",
    )
    report_dir: str = _setting(
        "",
        OptionalPath(),
        "A folder on a disk of this host, where the report of each run is left as a page and as "
        "JSON, and deleted with its state file; nothing: none is written.",
    )


@dataclass(frozen=True)
class RunConfig:
    """How a run behaves: [run]."""

    owner: tuple[str, ...] = _setting(
        ("avtar*",),
        Patterns(),
        "Names of the process that a run belongs to, looked for among the hook's ancestors.",
    )
    on_failure: str = _setting(
        "continue",
        Choice(("continue", "abort")),
        "After a VM's failure: continue with the others, or abort and take this run's back.",
    )
    end_exit: str = _setting(
        "all",
        Choice(("all", "data", "never")),
        "When the end hook's exit code is not 0: all failures, data (not for 4), never.",
    )
    language: str = _setting("en", Choice(("en", "pl")), "The language of the report.")
    start_budget_seconds: int = _setting(
        1800, _SECONDS, "What is not ready by then is left out, and named."
    )
    end_budget_seconds: int = _setting(
        900, _SECONDS, "What is not removed by then is the guard's, flag MERGING."
    )
    lock_timeout_seconds: int = _setting(
        30, _SECONDS, "How long a hook waits for another that is at work for the run or begins one."
    )
    guard_start_timeout_seconds: int = _setting(
        60, _SECONDS, "How long a guard may take until it watches; without it no snapshot is made."
    )
    guard_poll_seconds: float = _setting(
        2.0, Number(0.05, 60), "How often the guard looks for the owner."
    )
    guard_retry_seconds: int = _setting(
        60, _SECONDS, "How long the guard waits before it tries a failed removal again."
    )
    alarm_late_hours: int = _setting(
        2,
        Whole(0, 8760),
        "A VM whose last success is older than its interval (a day, where it has none) and so many "
        "hours is an alarm.",
    )
    keep_days: int = _setting(
        400,
        Whole(7, 36500),
        "State files of finished runs are deleted after that time, but for the newest success of "
        "each VM in each job.",
    )


@dataclass(frozen=True)
class SnapshotConfig:
    """How snapshots are made and removed: [snapshot]."""

    quiesce: str = _setting(
        "try",
        Choice(("on", "off", "try")),
        "Quiesce the guest; try: crash-consistent if that fails, and the report says which.",
    )
    memory: bool = _setting(default=False, kind=Flag(), description="Save the guest's memory too.")
    parallel: int = _setting(2, _AT_ONCE, "Snapshots being made at once.")
    parallel_per_datastore: int = _setting(
        1, _AT_ONCE, "Snapshots being made at once on one datastore."
    )
    remove_parallel: int = _setting(1, _AT_ONCE, "Snapshots being removed at once.")
    create_timeout_seconds: int = _setting(600, _SECONDS, "The limit of making one snapshot.")
    remove_timeout_seconds: int = _setting(14400, _SECONDS, "The limit of removing one snapshot.")
    settle_timeout_seconds: int = _setting(
        60, _SECONDS, "How long the VM's files are looked at after a command that made a snapshot."
    )
    min_free_percent: int = _setting(
        10, _PERCENT, "Free space that each datastore must have for deltas; 0: not checked."
    )
    min_free_gib: int = _setting(
        20, Whole(0), "Free space that each datastore must have for deltas; 0: not checked."
    )
    emergency_free_percent: int = _setting(
        3, _PERCENT, "Below it the guard removes our snapshots and the VM is TORN; 0: never."
    )
    alarm_open_hours: int = _setting(
        12, Whole(1, 8760), "A snapshot of ours that is open for longer is an alarm."
    )
    allow_linked_clones: bool = _setting(
        default=False, kind=Flag(), description="Take snapshots of linked clones too."
    )


@dataclass(frozen=True)
class JobConfig:
    """What belongs to one dataset: [jobs.NAME]."""

    name: str
    targets: str = _setting(
        DEFAULT_TARGETS, AbsolutePath(), "The targets file: the VMs that the job backs up."
    )
    attributes: str = _setting(
        "",
        OptionalPath(),
        "A CSV table of VMs with their attributes (BCK_FVM ...); the targets file goes before it.",
    )
    default_interval: str = _setting(
        "",
        Choice(("", *INTERVALS)),
        "How often a VM is backed up whose attributes say no BCK_FVM; nothing: at every run.",
    )
    due_slack_hours: int = _setting(
        6,
        Whole(0, 23),
        "So much before its time a VM is due already: runs do not begin punctually.",
    )
    success: str = _setting(
        "read",
        Choice(("read", "hooks")),
        "Which backups count for BCK_FVM: read, by the client's log; hooks, for clients without "
        "such a log, also those that both hooks saw through.",
    )
    retention_days: int = _setting(
        0,
        Whole(0, 36500),
        "How long the backups of the dataset are kept; an interval that is as long is refused; 0: "
        "not checked.",
    )


SECTIONS: dict[str, type] = {
    "host": HostConfig,
    "paths": PathsConfig,
    "run": RunConfig,
    "snapshot": SnapshotConfig,
}
JOBS_SECTION = "jobs"


def list_section_keys(section: str, section_class: type) -> list[Key]:
    """Give the keys of one section, in the order of the documents."""
    return [
        Key(section, each.name, each.metadata["kind"], each.default, each.metadata["description"])
        for each in fields(section_class)
        if "kind" in each.metadata
    ]


def list_keys() -> list[Key]:
    """Give every key of the file; those of a job stand under ``jobs.default``."""
    sections = {**SECTIONS, f"{JOBS_SECTION}.{DEFAULT_JOB}": JobConfig}
    return [key for name, each in sections.items() for key in list_section_keys(name, each)]
