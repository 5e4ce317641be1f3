"""The runs of the past as the operator is shown them, from what is known in short: pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from hlb_hooks.base.text import escape
from hlb_hooks.decisions.selection import Inventory, ListedVm
from hlb_hooks.effects.found_runs import FoundRun
from hlb_hooks.effects.run_digest import RunDigest, VmIdentity, name_folder


class Result(StrEnum):
    """What became of a VM in a run, as far as it is known in short."""

    READ = "read"  # protected, and read by the client's own log
    PROTECTED = "protected"  # whether it was read is not known
    FAILED = "failed"
    NOT_DUE = "not due"
    HELD = "held"  # an operator wanted it left alone
    PENDING = "pending"


@dataclass(frozen=True)
class VmResult:
    """A VM's part in a run."""

    vmx: Annotated[str, "the path of its .vmx"]
    name: Annotated[str, "its display name then"]
    result: Annotated[Result, "what became of it; protected: whether it was read is not known"]


@dataclass(frozen=True)
class RunLine:
    """A run in short."""

    run: Annotated[str, "its name"]
    job: Annotated[str, "its job"]
    host: Annotated[str, "the host it ran on"]
    begun: Annotated[datetime, "when it began"]
    latest: Annotated[datetime, "the time of its last record"]
    seconds: Annotated[int, "between the two"]
    is_finished: Annotated[bool, "whether nothing of it is left to do"]
    is_reading: Annotated[bool, "whether its client may be reading: nothing is backed up yet then"]
    chosen: Annotated[int, "VMs that it was to protect: protected, failed and pending"]
    protected: Annotated[int, "of these: what was read, or can be read now, is worth keeping"]
    failed: Annotated[int, "of these: not protected"]
    pending: Annotated[int, "of these: nothing is known yet"]
    open: Annotated[int, "VMs on which a snapshot of ours is, or may be"]
    not_due: Annotated[int, "VMs whose turn it was not"]
    held: Annotated[int, "VMs that an operator wanted left alone"]
    vms: Annotated[
        tuple[VmResult, ...] | None, "of the VMs that were asked for; null: none was asked for"
    ]


def find_vms(runs: Sequence[FoundRun], name: str) -> frozenset[str]:
    """Give the .vmx paths of the VMs that ``name`` means, in any of ``runs``, oldest first.

    As in a targets file: a path, a display name or a folder's name, else a pattern.
    """
    names: dict[str, str] = {}
    for entry in runs:
        digest = entry.digest
        names.update({vm.vmx: name_folder(vm.vmx) for vm in _list_vms(digest)})
        names.update(digest.names)
    inventory = Inventory([ListedVm(vmx, display) for vmx, display in names.items()])
    return frozenset(inventory.find(name)[1])


def view_history(
    runs: Sequence[FoundRun], since: datetime | None, job: str | None, vmxs: frozenset[str] | None
) -> tuple[RunLine, ...]:
    """Give the runs since a moment, of a job, with one of some VMs, newest first."""
    lines = []
    for entry in reversed(runs):
        if (since is None or entry.begun >= since) and (job is None or entry.job == job):
            line = _view_line(entry, vmxs)
            if vmxs is None or line.vms:
                lines.append(line)
    return tuple(lines)


def _view_line(entry: FoundRun, vmxs: frozenset[str] | None) -> RunLine:
    digest = entry.digest
    # What is finished has nothing pending and nothing open: its file is not read again for that.
    pending = () if entry.is_finished else tuple(vm.vmx for vm in entry.run.pending)
    protected = len(digest.read) + len(digest.unread)
    return RunLine(
        run=digest.name,
        job=digest.job,
        host=escape(digest.host),
        begun=digest.begun,
        latest=digest.latest,
        seconds=max(0, round((digest.latest - digest.begun).total_seconds())),
        is_finished=entry.is_finished,
        is_reading=not entry.is_ended and not digest.is_handed_over,
        chosen=protected + len(digest.failed) + len(pending),
        protected=protected,
        failed=len(digest.failed),
        pending=len(pending),
        open=0 if entry.is_finished else len(entry.run.open_vms),
        not_due=len(digest.not_due),
        held=len(digest.held),
        vms=None if vmxs is None else _list_results(digest, pending, vmxs),
    )


def _list_results(
    digest: RunDigest, pending: tuple[str, ...], vmxs: frozenset[str]
) -> tuple[VmResult, ...]:
    names = dict(digest.names)
    results = (
        (Result.FAILED, [vm.vmx for vm in digest.failed]),
        (Result.PENDING, pending),
        (Result.READ, [vm.vmx for vm in digest.read]),
        (Result.PROTECTED, [vm.vmx for vm in digest.unread]),
        (Result.NOT_DUE, [vm.vmx for vm in digest.not_due]),
        (Result.HELD, [vm.vmx for vm in digest.held]),
    )
    return tuple(
        VmResult(escape(vmx), escape(names.get(vmx, name_folder(vmx))), result)
        for result, found in results
        for vmx in found
        if vmx in vmxs
    )


def _list_vms(digest: RunDigest) -> tuple[VmIdentity, ...]:
    return digest.read + digest.unread + digest.failed + digest.not_due + digest.held
