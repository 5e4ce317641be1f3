"""The demo's claims, each of them checked against what the lab's host noted."""

from collections.abc import Iterable
from pathlib import Path

from hlb_hooks.lab.client.store import Store, hash_file
from hlb_hooks.lab.demo.screen import Screen
from hlb_hooks.lab.evidence import Instant, hash_vm, list_instants, list_lost_disks
from hlb_hooks.lab.host.disks import read_vm_disks
from hlb_hooks.lab.host.registry import RegisteredVm, read_registry
from hlb_hooks.lab.host.snapshots import read_vmsd
from hlb_hooks.lab.layout import Lab


def list_new_instants(lab: Lab, before: Iterable[Instant]) -> tuple[Instant, ...]:
    """Give the snapshots that the host has made of any VM, less those of ``before``."""
    known = set(before)
    return tuple(
        instant
        for vm in read_registry(lab)
        for instant in list_instants(lab, vm)
        if instant not in known
    )


def prove_backup(lab: Lab, screen: Screen, instants: tuple[Instant, ...], log: str) -> None:
    """Prove that the newest backup holds every disk as it was at the VM's snapshot."""
    stored = {file.path: file.sha256 for file in Store(lab.store).find_backup(None).files}
    for instant in instants:
        covered = [disk for disk in instant.disks if disk.is_covered]
        holds = bool(covered) and all(
            stored.get(str(disk.data_files[-1])) == disk.sha256 for disk in covered
        )
        screen.prove(f"{_name(instant.config)}: {_count_disks(len(covered))} as then", holds=holds)
    bases = {
        str(disk.data_files[-1]) for each in instants for disk in each.disks if disk.is_covered
    }
    screen.prove(
        f"a snapshot was made of {len(instants)} VMs, and none of their disks was refused",
        holds=bool(instants) and not any(f'"{base}" (code ' in log for base in bases),
    )


def prove_restore(screen: Screen, instants: tuple[Instant, ...], vm: RegisteredVm) -> None:
    """Prove that the restored disks of ``vm`` are what they were at its snapshot."""
    disks = [disk for instant in instants if instant.config == vm.config for disk in instant.disks]
    screen.prove(f"{_name(vm.config)} was among them", holds=bool(disks))
    for disk in disks:
        restored = disk.data_files[-1]
        screen.prove(
            f"{restored.name}: sha256 {disk.sha256[:16]}… as at the snapshot",
            holds=restored.exists() and hash_file(restored) == disk.sha256,
        )


def prove_nothing_lost(lab: Lab, screen: Screen, instants: tuple[Instant, ...]) -> None:
    """Prove that the guests' writes are all there, and that the snapshots are gone altogether."""
    vms = {vm.config: vm for vm in read_registry(lab)}
    changed = 0
    for instant in instants:
        vm = vms[instant.config]
        now = hash_vm(lab, vm)
        changed += any(now[disk.node] != disk.sha256 for disk in instant.disks)
        screen.prove(
            f"{_name(vm.config)}: every block as its guest wrote it, no delta, no entry in .vmsd",
            holds=not list_lost_disks(lab, vm) and _is_clean(lab, vm),
        )
    screen.prove(f"the guests of {changed} of them did write meanwhile", holds=changed > 0)
    others = [vm for vm in vms.values() if vm.config not in {each.config for each in instants}]
    kept = [vm for vm in others if read_vmsd(vm).snapshots]
    names = ", ".join(_name(vm.config) for vm in kept)
    screen.prove(
        f"the administrator's snapshot is where it was: {names}",
        holds=bool(kept) and not any(list_lost_disks(lab, vm) for vm in others),
    )


def _is_clean(lab: Lab, vm: RegisteredVm) -> bool:
    with lab.hold_vm(vm.config):
        folders = {vm.folder, *(disk.descriptor.parent for disk in read_vm_disks(vm))}
        has_delta = any(disk.chain.is_delta for disk in read_vm_disks(vm))
        leftovers = [
            path
            for folder in folders
            for path in (*folder.glob("*-delta.vmdk"), *folder.glob("*.vmsn"))
        ]
        return not has_delta and not leftovers and not read_vmsd(vm).snapshots


def _name(config: Path) -> str:
    return config.parent.name


def _count_disks(number: int) -> str:
    return f"{number} disk{'' if number == 1 else 's'}"
