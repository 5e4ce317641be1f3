"""Which links of a disk's chain are merged into which, and the chain without them afterwards.

Whoever calls holds the VM.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hlb_hooks.lab.files import PRIVATE_MODE, write_file
from hlb_hooks.lab.host.disks import LabDisk, read_vm_disks, read_vmx
from hlb_hooks.lab.host.merge import merge_rest
from hlb_hooks.lab.host.registry import RegisteredVm
from hlb_hooks.lab.host.snapshots import name_from
from hlb_hooks.lab.vm_templates import make_cid
from hlb_hooks.vmfiles.chain import resolve
from hlb_hooks.vmfiles.vmdk import Descriptor
from hlb_hooks.vmfiles.vmsd import Snapshot

_CID_LINE = re.compile(rb"(?m)^CID=.*$")
_PARENT_CID_LINE = re.compile(rb"(?m)^parentCID=.*$")
_PARENT_HINT_LINE = re.compile(rb"(?m)^parentFileNameHint=.*$")


@dataclass(frozen=True)
class Span:
    """Links of one disk, the top first, that are merged into ``target``, the link below them.

    Descriptors and, with ``_data``, the data files.
    """

    node: str
    sources: tuple[Path, ...]
    source_data: tuple[Path, ...]
    target: Path
    target_data: Path

    def unlink_sources(self) -> None:
        """Remove the files of what was merged."""
        for path in (*self.sources, *self.source_data):
            path.unlink()


def plan_all(vm: RegisteredVm, doomed: Sequence[Snapshot]) -> tuple[Span, ...]:
    """Give, for each disk that a snapshot names, all above the lowest disk of the VM's own."""
    named = _find_first_named(vm, doomed)
    spans = []
    for disk in read_vm_disks(vm):
        if disk.node not in named or named[disk.node] not in disk.link_paths:
            continue
        depth = disk.link_paths.index(named[disk.node])
        while depth + 1 < len(disk.link_paths) and not is_of_another_vm(
            vm, disk.link_paths[depth + 1]
        ):
            depth += 1
        spans += _make_span(disk, 0, depth)
    return tuple(spans)


def plan_one(vm: RegisteredVm, doomed: Snapshot) -> tuple[Span, ...]:
    """Give, for each disk that the snapshot names, the one delta it was made with."""
    named = _find_first_named(vm, [doomed])
    spans = []
    for disk in read_vm_disks(vm):
        if disk.node in named and named[disk.node] in disk.link_paths:
            depth = disk.link_paths.index(named[disk.node])
            spans += _make_span(disk, max(0, depth - 1), depth)
    return tuple(spans)


def finish_spans(vm: RegisteredVm, spans: Sequence[Span], has_changed: Mapping[str, bool]) -> None:
    """Merge what was written last, and close the chains over the links that are merged.

    ``has_changed`` says whether the target of a node's span was written to before.
    """
    disks = {disk.node: disk for disk in read_vm_disks(vm)}
    vmx = read_vmx(vm)
    for span in spans:
        changed_now = merge_rest(span.source_data, span.target_data)
        if changed_now or has_changed[span.node]:
            _renew_cid(span.target)
        links = disks[span.node].link_paths
        position = links.index(span.sources[0])
        if position == 0:
            vmx.set(f"{span.node}.fileName", name_from(vm.folder, span.target))
        else:
            _hang_under(links[position - 1], span.target)
    # Even where no line of it changed: guests take a new .vmx for the sign of a new chain.
    write_file(vm.config, vmx.to_bytes())


def is_of_another_vm(vm: RegisteredVm, descriptor: Path) -> bool:
    """Tell a linked clone's parent: it lies where another VM has its configuration."""
    return descriptor.parent != vm.folder and any(
        path.suffix in {".vmx", ".vmtx"} for path in descriptor.parent.iterdir()
    )


def _find_first_named(vm: RegisteredVm, snapshots: Sequence[Snapshot]) -> dict[str, Path]:
    """Give, by node, what the first snapshot that names a disk names: what was below it then."""
    named: dict[str, Path] = {}
    for entry in snapshots:
        for node, file_name in entry.disks:
            named.setdefault(node, Path(resolve(str(vm.folder), file_name)))
    return named


def _make_span(disk: LabDisk, top: int, depth: int) -> list[Span]:
    if top == depth:
        # The host died between the entry and the .vmx: there is no delta.
        return []
    return [
        Span(
            node=disk.node,
            sources=disk.link_paths[top:depth],
            source_data=disk.data_files[top:depth],
            target=disk.link_paths[depth],
            target_data=disk.data_files[depth],
        )
    ]


def _renew_cid(descriptor: Path) -> None:
    """Give a disk that was written to a new content id, as the host does."""
    text = _CID_LINE.sub(b"CID=" + make_cid().encode("ascii"), descriptor.read_bytes(), count=1)
    write_file(descriptor, text, PRIVATE_MODE)


def _hang_under(child: Path, parent: Path) -> None:
    """Make ``parent`` the disk below the delta ``child``."""
    cid = Descriptor.parse(parent.read_bytes(), str(parent)).cid.encode("ascii")
    hint = name_from(child.parent, parent).encode("utf-8", "surrogateescape")
    text = child.read_bytes()
    text = _PARENT_CID_LINE.sub(b"parentCID=" + cid, text, count=1)
    text = _PARENT_HINT_LINE.sub(lambda _: b'parentFileNameHint="%b"' % hint, text, count=1)
    write_file(child, text, PRIVATE_MODE)
