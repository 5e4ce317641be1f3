"""What ``removesnapshots`` does to a VM's files, and the deletion of one snapshot among several.

In the order seen on real hosts: the entry leaves the .vmsd first, then the deltas are merged into
the disk below them while the guest writes on, then the .vmx names that disk again and the deltas
go. Of a running VM the host may first put a further delta on top, the ``Consolidate Helper``,
which takes the guest's writes meanwhile, and is merged last, or left behind.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from hlb_hooks.base.clock import sleep_seconds
from hlb_hooks.lab.files import write_file
from hlb_hooks.lab.host.chain_edit import Span, finish_spans, plan_all, plan_one
from hlb_hooks.lab.host.disks import read_vm_disks, read_vmx
from hlb_hooks.lab.host.locks import mark_merging
from hlb_hooks.lab.host.merge import merge_in_pieces
from hlb_hooks.lab.host.refusals import NOT_FOUND
from hlb_hooks.lab.host.registry import RegisteredVm
from hlb_hooks.lab.host.snapshots import (
    HostFault,
    lay_delta_on,
    make_entry,
    name_from,
    read_vmsd,
    write_vmsd,
)
from hlb_hooks.lab.layout import Lab
from hlb_hooks.vmfiles.chain import resolve
from hlb_hooks.vmfiles.vmsd import Snapshot, Vmsd

HELPER_NAME = "Consolidate Helper"


@dataclass(frozen=True)
class Manner:
    """How a removal goes.

    ``helper`` is ``none``, ``merged``, ``left`` behind, or ``hidden``: left behind, and the .vmsd
    does not say so; a VM that does not run never needs one. ``entry_gone`` is called when the
    entry has left the .vmsd, and then ``wait_seconds`` pass before the merge begins.
    """

    helper: str = "none"
    wait_seconds: float = 0.0
    entry_gone: Callable[[], None] = lambda: None


def remove_snapshots(lab: Lab, vm: RegisteredVm, manner: Manner | None = None) -> None:
    """Remove *all* snapshots of ``vm``: the command knows no other way.

    Deltas below them that no entry accounts for are merged too, as VMware's advice for such VMs
    has it (make a snapshot, then Delete All). With no entry in the .vmsd there is nothing to do,
    whatever deltas lie there.
    """
    with lab.hold_vm(vm.config):
        vmsd = read_vmsd(vm)
        if not vmsd.snapshots:
            return
        job = _begin(lab, vm, vmsd, vmsd.snapshots, plan_all(vm, vmsd.snapshots), manner)
    _merge(lab, vm, job, manner)


def remove_snapshot(lab: Lab, vm: RegisteredVm, name: str, manner: Manner | None = None) -> None:
    """Remove the first snapshot of that name: what was written until the next one goes below.

    Raise HostFault when there is none of that name.
    """
    with lab.hold_vm(vm.config):
        vmsd = read_vmsd(vm)
        doomed = next((entry for entry in vmsd.snapshots if entry.display_name == name), None)
        if doomed is None:
            raise HostFault(NOT_FOUND)
        job = _begin(lab, vm, vmsd, (doomed,), plan_one(vm, doomed), manner)
    _merge(lab, vm, job, manner)


@dataclass(frozen=True)
class _Job:
    last_uid: int
    doomed: tuple[Snapshot, ...]
    kept: tuple[Snapshot, ...]
    helper: Snapshot | None
    spans: tuple[Span, ...]


def _begin(
    lab: Lab,
    vm: RegisteredVm,
    vmsd: Vmsd,
    doomed: tuple[Snapshot, ...],
    spans: tuple[Span, ...],
    manner: Manner | None,
) -> _Job:
    """Take the entries out of the .vmsd, and lay the helper on top where one is used."""
    kept = tuple(
        replace(entry, parent_uid=_skip_doomed(entry.parent_uid, doomed))
        for entry in vmsd.snapshots
        if entry not in doomed
    )
    last_uid = vmsd.last_uid or 0
    helper = None
    if manner is not None and manner.helper != "none" and vm.power == "on" and spans:
        last_uid += 1
        helper = _lay_helper(lab, vm, last_uid, kept, {span.node for span in spans})
    write_vmsd(lab, vm, last_uid, (*kept, helper) if helper else kept)
    return _Job(last_uid, doomed, kept, helper, spans)


def _lay_helper(
    lab: Lab, vm: RegisteredVm, uid: int, kept: tuple[Snapshot, ...], nodes: set[str]
) -> Snapshot:
    vmx = read_vmx(vm)
    disks = [disk for disk in read_vm_disks(vm) if disk.node in nodes]
    parent_uid = kept[-1].uid if kept else None
    helper = make_entry(vm, uid, HELPER_NAME, "", parent_uid, disks)
    write_file(vm.folder / helper.file_name, b"snapshot state of the lab\n")
    for disk in disks:
        vmx.set(f"{disk.node}.fileName", lay_delta_on(lab, vm, disk))
    write_file(vm.config, vmx.to_bytes())
    return helper


def _merge(lab: Lab, vm: RegisteredVm, job: _Job, manner: Manner | None) -> None:
    manner = manner or Manner()
    with mark_merging(lab, vm):
        manner.entry_gone()
        sleep_seconds(manner.wait_seconds)
        helper = job.helper
        left = helper and _rename(vm, helper, job.spans)
        stays = (left,) if left and manner.helper != "hidden" else ()
        kept = tuple(_rename(vm, entry, job.spans) for entry in job.kept)
        # A helper that no entry names is on the disks alone: nobody would take its .vmsn away.
        doomed = (*job.doomed, left) if left and manner.helper == "hidden" else job.doomed
        _merge_spans(lab, vm, job.spans, doomed, job.last_uid, (*kept, *stays))
        if left and manner.helper == "merged":
            with lab.hold_vm(vm.config):
                spans = plan_one(vm, left)
            _merge_spans(lab, vm, spans, (left,), job.last_uid, kept)


def _merge_spans(
    lab: Lab,
    vm: RegisteredVm,
    spans: tuple[Span, ...],
    doomed: Iterable[Snapshot],
    last_uid: int,
    kept: tuple[Snapshot, ...],
) -> None:
    """Merge, and write the .vmsd anew at the end: what is kept may name another disk by then."""
    pause_seconds = lab.read_settings().merge_pause_seconds
    changed = {
        span.node: merge_in_pieces(lab, vm, span.source_data, span.target_data, pause_seconds)
        for span in spans
    }
    with lab.hold_vm(vm.config):
        finish_spans(vm, spans, changed)
        write_vmsd(lab, vm, last_uid, kept)
        for span in spans:
            span.unlink_sources()
        for snapshot in doomed:
            (vm.folder / snapshot.file_name).unlink(missing_ok=True)


def _skip_doomed(uid: int | None, doomed: tuple[Snapshot, ...]) -> int | None:
    parents = {entry.uid: entry.parent_uid for entry in doomed}
    while uid in parents:
        uid = parents[uid]
    return uid


def _rename(vm: RegisteredVm, entry: Snapshot, spans: tuple[Span, ...]) -> Snapshot:
    """Let an entry that names a delta which is merged name what it is merged into."""
    targets = {source: span.target for span in spans for source in span.sources}

    def follow(file_name: str) -> str:
        path = Path(resolve(str(vm.folder), file_name))
        return name_from(vm.folder, targets[path]) if path in targets else file_name

    return replace(entry, disks=tuple((node, follow(name)) for node, name in entry.disks))
