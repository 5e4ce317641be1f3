"""What the lab's host noted, for those who prove something: at each snapshot, and of each write."""

import hashlib
import json
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from hlb_hooks.lab.host.disks import hash_disk, read_vm_disks
from hlb_hooks.lab.host.registry import RegisteredVm, read_registry
from hlb_hooks.lab.host.snapshots import read_vmsd
from hlb_hooks.lab.layout import Lab


@dataclass(frozen=True)
class InstantDisk:
    """One disk at the instant of a snapshot: the SHA-256 of its content as its guest saw it.

    ``data_files`` are those of the chain then, the top first; with one alone, that file's content
    is the disk's for as long as the snapshot is open.
    """

    node: str
    is_covered: bool
    data_files: tuple[Path, ...]
    sha256: str


@dataclass(frozen=True)
class Instant:
    """A snapshot that the host has made: of which VM, its name, its number, and the disks."""

    config: Path
    snapshot: str
    uid: int
    disks: tuple[InstantDisk, ...]


class Verdict(Enum):
    """What became of a disk since an instant."""

    SAME = "holds what it held at"
    DIFFERENT = "differs from"
    MISSING = "is missing, and was there at"
    ADDED = "was not there at"
    UNCOVERED = "was not covered by"

    @property
    def is_fine(self) -> bool:
        """Whether a restore of that snapshot may have it so."""
        return self in {Verdict.SAME, Verdict.UNCOVERED}


def list_instants(lab: Lab, vm: RegisteredVm) -> list[Instant]:
    """Give every snapshot the host ever made of ``vm``, the first one first."""
    paths = lab.instants_folder(vm.config).glob("*.json")
    return [_read_instant(path) for path in sorted(paths, key=lambda path: int(path.stem))]


def list_all_instants(lab: Lab) -> list[Instant]:
    """Give every snapshot ever made, by the VMs' paths, the first one first; of lost VMs, too."""
    folders = (lab.hostd / "instants").glob("*")
    paths = [path for folder in folders for path in folder.glob("*.json")]
    found = [(_read_instant(path), int(path.stem)) for path in paths]
    return [instant for instant, _ in sorted(found, key=lambda each: (each[0].config, each[1]))]


def compare_disks(lab: Lab, vm: RegisteredVm, instant: Instant) -> dict[str, Verdict]:
    """Say of each disk, by node, whether it holds now what was there at ``instant``.

    Raise VmFileError or OSError when the VM's files are not in order.
    """
    now = hash_vm(lab, vm)
    verdicts = {}
    for disk in instant.disks:
        if not disk.is_covered:
            verdicts[disk.node] = Verdict.UNCOVERED
        elif disk.node not in now:
            verdicts[disk.node] = Verdict.MISSING
        else:
            is_same = now[disk.node] == disk.sha256
            verdicts[disk.node] = Verdict.SAME if is_same else Verdict.DIFFERENT
    return verdicts | dict.fromkeys(now.keys() - verdicts.keys(), Verdict.ADDED)


def _read_instant(path: Path) -> Instant:
    record = json.loads(path.read_text("ascii"))
    disks = tuple(
        InstantDisk(
            node=disk["node"],
            is_covered=disk["is_covered"],
            data_files=tuple(Path(name) for name in disk["data_files"]),
            sha256=disk["sha256"],
        )
        for disk in record["disks"]
    )
    return Instant(Path(record["config"]), record["snapshot"], record["uid"], disks)


def list_lost_disks(lab: Lab, vm: RegisteredVm) -> list[str]:
    """Give the nodes of the VM's disks whose content is not what its guest has written."""
    with lab.hold_vm(vm.config):
        lost = []
        for disk in read_vm_disks(vm):
            if not disk.has_content:
                continue
            shadow = lab.shadow_file(disk.link_paths[-1]).read_bytes()
            if hash_disk(disk) != hashlib.sha256(shadow).hexdigest():
                lost.append(disk.node)
        return lost


def hash_vm(lab: Lab, vm: RegisteredVm) -> dict[str, str]:
    """Give the SHA-256 of each disk's content as it is now, by node."""
    with lab.hold_vm(vm.config):
        return {disk.node: hash_disk(disk) for disk in read_vm_disks(vm) if disk.has_content}


def list_open_snapshots(lab: Lab) -> dict[Path, tuple[str, ...]]:
    """Give the names of the snapshots in each VM's .vmsd, and ``?`` for a delta without any.

    Raise VmFileError or OSError when the files of a VM that are there are not in order.
    """
    # Without its .vmx it is a stale registration, of a VM that another host has moved or deleted.
    there = [vm for vm in read_registry(lab) if vm.config.exists()]
    found = {vm.config: find_open_snapshots(lab, vm) for vm in there}
    return {config: names for config, names in found.items() if names}


def find_open_snapshots(lab: Lab, vm: RegisteredVm) -> tuple[str, ...]:
    """Give the same of one VM, whose files are there; empty without any."""
    with lab.hold_vm(vm.config):
        names = tuple(entry.display_name for entry in read_vmsd(vm).snapshots)
        has_delta = any(disk.chain.is_delta for disk in read_vm_disks(vm))
    return names or (("?",) if has_delta else ())
