"""Every key of hlb.toml, once: its name, type, default, what is allowed, and what it is for.

The classes are the table: readers, checks, the annotated example and the reference all come
from their fields. The defaults are those promised to the operators.
"""

from dataclasses import dataclass

from hlb_hooks.base.config_keys import SECONDS, Key, list_section_keys, setting
from hlb_hooks.base.config_kinds import (
    AbsolutePath,
    Choice,
    HostName,
    Number,
    OptionalPath,
    Patterns,
    Whole,
)
from hlb_hooks.base.config_snapshot import SnapshotConfig
from hlb_hooks.base.intervals import INTERVALS
from hlb_hooks.base.places import AVAMAR_FOLDER

DEFAULT_TARGETS = f"{AVAMAR_FOLDER}/etc/hlb/targets"
DEFAULT_STATE_DIR = f"{AVAMAR_FOLDER}/var/hlb"
DEFAULT_LOG_FILE = f"{AVAMAR_FOLDER}/var/hlb/hlb.log"
DEFAULT_JOB = "default"


@dataclass(frozen=True)
class HostConfig:
    """How the hypervisor is reached: [host]."""

    driver: str = setting(
        "vmware-cmd", Choice(("vmware-cmd",)), "The program that speaks to the hypervisor."
    )
    vmware_cmd: str = setting("/usr/bin/vmware-cmd", AbsolutePath(), "Where vmware-cmd is.")
    name: str = setting(
        "",
        HostName(),
        "What this host is called in the claims beside its VMs; without it the system's own name. "
        "Two hosts that share datastores must not have the same.",
    )
    command_timeout_seconds: int = setting(
        60, SECONDS, "The limit of a command that only reads, such as -l and getstate."
    )
    power_timeout_seconds: int = setting(
        600, SECONDS, "The limit of registering a VM, of starting it, and of answering it."
    )


@dataclass(frozen=True)
class PathsConfig:
    """Where things are kept: [paths]."""

    state_dir: str = setting(
        DEFAULT_STATE_DIR, AbsolutePath(), "The folder of the state files, one a run; mode 0700."
    )
    log_file: str = setting(DEFAULT_LOG_FILE, AbsolutePath(), "The log file, JSON lines.")
    scripts_dir: str = setting(
        "/usr/local/avamar/etc/scripts",
        AbsolutePath(),
        "The folder that the client runs its hooks from; hlb check and hlb probe look there.",
    )
    metrics_file: str = setting(
        "",
        OptionalPath(),
        "A file for node_exporter's textfile collector, ending in .prom; nothing: none is written.",
    )
    report_dir: str = setting(
        "",
        OptionalPath(),
        "A folder on a disk of this host, where the report of each run is left as a page and as "
        "JSON, and deleted with its state file; nothing: none is written.",
    )


@dataclass(frozen=True)
class RunConfig:
    """How a run behaves: [run]."""

    owner: tuple[str, ...] = setting(
        ("avtar*",),
        Patterns(),
        "Names of the process that a run belongs to, looked for among the hook's ancestors.",
    )
    on_failure: str = setting(
        "continue",
        Choice(("continue", "abort")),
        "After a VM's failure: continue with the others, or abort and take this run's back.",
    )
    end_exit: str = setting(
        "all",
        Choice(("all", "data", "never")),
        "When the end hook's exit code is not 0: all failures, data (not for 4), never.",
    )
    language: str = setting("en", Choice(("en", "pl")), "The language of the report.")
    start_budget_seconds: int = setting(
        1800, SECONDS, "What is not ready by then is left out, and named."
    )
    end_budget_seconds: int = setting(
        900, SECONDS, "What is not removed by then is the guard's, flag MERGING."
    )
    lock_timeout_seconds: int = setting(
        30, SECONDS, "How long a hook waits for another that is at work for the run or begins one."
    )
    guard_start_timeout_seconds: int = setting(
        60, SECONDS, "How long a guard may take until it watches; without it no snapshot is made."
    )
    guard_poll_seconds: float = setting(
        2.0, Number(0.05, 60), "How often the guard looks for the owner."
    )
    guard_retry_seconds: int = setting(
        60, SECONDS, "How long the guard waits before it tries a failed removal again."
    )
    alarm_late_hours: int = setting(
        2,
        Whole(0, 8760),
        "A VM whose last success is older than its interval (a day, where it has none) and so many "
        "hours is an alarm.",
    )
    keep_days: int = setting(
        400,
        Whole(7, 36500),
        "State files of finished runs are deleted after that time, but for the newest success of "
        "each VM in each job.",
    )


@dataclass(frozen=True)
class JobConfig:
    """What belongs to one dataset: [jobs.NAME]."""

    name: str
    targets: str = setting(
        DEFAULT_TARGETS, AbsolutePath(), "The targets file: the VMs that the job backs up."
    )
    attributes: str = setting(
        "",
        OptionalPath(),
        "A CSV table of VMs with their attributes (BCK_FVM ...); the targets file goes before it.",
    )
    default_interval: str = setting(
        "",
        Choice(("", *INTERVALS)),
        "How often a VM is backed up whose attributes say no BCK_FVM; nothing: at every run.",
    )
    due_slack_hours: int = setting(
        6,
        Whole(0, 23),
        "So much before its time a VM is due already: runs do not begin punctually.",
    )
    success: str = setting(
        "read",
        Choice(("read", "hooks")),
        "Which backups count for BCK_FVM: read, by the client's log; hooks, for clients without "
        "such a log, also those that both hooks saw through.",
    )
    retention_days: int = setting(
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


def list_keys() -> list[Key]:
    """Give every key of the file; those of a job stand under ``jobs.default``."""
    sections = {**SECTIONS, f"{JOBS_SECTION}.{DEFAULT_JOB}": JobConfig}
    return [key for name, each in sections.items() for key in list_section_keys(name, each)]
