"""What is known of one VM, as the operator is shown it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated


@dataclass(frozen=True)
class ClaimView:
    """A claim beside a VM's .vmx: whose snapshot is open on it."""

    run: Annotated[str, "the run"]
    host: Annotated[str, "the host it runs on"]
    refreshed: Annotated[datetime | None, "when its guard was last heard of"]


@dataclass(frozen=True)
class OpenSnapshotView:
    """A snapshot of ours that is open on a VM, or may be."""

    run: Annotated[str, "the run that has it"]
    snapshot: Annotated[str, "its name"]


@dataclass(frozen=True)
class BackupView:
    """A run that has protected a VM."""

    run: Annotated[str, "its name"]
    job: Annotated[str, "its job"]
    begun: Annotated[datetime, "when it began"]
    is_read: Annotated[bool, "whether the client's own log says that the VM was read"]


@dataclass(frozen=True)
class FilesView:
    """What lies in a VM's folder, and where its disks are."""

    name: Annotated[str | None, "its display name"]
    uuid: Annotated[str | None, "the uuid.bios of its .vmx, if it has one"]
    disks: Annotated[tuple[str, ...], "the data files of its base disks"]
    snapshots: Annotated[tuple[str, ...], "the names of its snapshots, whoever made them"]
    claim: Annotated[ClaimView | None, "who claims it for a snapshot of ours"]


@dataclass(frozen=True)
class KnownVm:
    """All that is known of a VM."""

    vmx: Annotated[str, "the path of its .vmx"]
    is_registered: Annotated[bool, "whether it is registered on this host"]
    power: Annotated[str | None, "its power state, or why it cannot be told"]
    files: Annotated[FilesView | None, "its files; null: they cannot be read"]
    trouble: Annotated[str | None, "why they cannot be read"]
    elsewhere: Annotated[tuple[str, ...], "configurations of the same name on other datastores"]
    open: Annotated[tuple[OpenSnapshotView, ...], "snapshots of ours that are open, or may be"]
    backups: Annotated[tuple[BackupView, ...], "the runs that have protected it, newest first"]
