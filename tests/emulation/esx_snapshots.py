"""What a snapshot does to the files of a VM on the emulated host, and when it cannot be."""

import re
from collections.abc import Mapping
from pathlib import Path

from esx_disks import create_delta, read_chain
from esx_files import Vmsd, Vmx
from esx_words import refuse_with_fault


def name_disks(names: Mapping[str, str]) -> dict[str, str]:
    """Give the disk keys of a .vmsd entry for nodes and their file names."""
    keys = {"numDisks": str(len(names))}
    for number, (node, name) in enumerate(names.items()):
        keys[f"disk{number}.fileName"] = name
        keys[f"disk{number}.node"] = node
    return keys


def put_snapshot(
    config: Vmx,
    listed: Vmsd,
    name: str,
    description: str,
    facts: str,
    only: set[str] | None = None,
) -> None:
    """Put one delta more above each disk that a snapshot covers, list it, and save all."""
    covered = [
        disk
        for disk in config.disks()
        if not disk.is_independent
        and read_chain(disk.path)[-1].create_type != "vmfsPassthroughRawDeviceMap"
        and (only is None or disk.node in only)
    ]
    path = config.path
    state_file = path.with_name(f"{path.stem}-Snapshot{listed.last_uid + 1}.vmsn")
    state_file.write_bytes(b"\xd0\xbe\xd2\xbe" + facts.encode() + path.read_bytes())
    names = {disk.node: disk.file_name for disk in covered}
    for disk in covered:
        # The delta lies beside its parent, so it is named the way the parent is.
        delta = create_delta(disk.path)
        is_absolute = Path(disk.file_name).is_absolute()
        config.set(f"{disk.node}.fileName", str(delta) if is_absolute else delta.name)
    listed.add(name, description, state_file.name, name_disks(names))
    listed.save()
    config.save()


def check_snapshot_can_be(
    config: Vmx, listed: Vmsd, name: str, power: str | None, memory: str
) -> None:
    if not name or re.search(r"[%/\x00-\x1f]", name):
        # The rule for "%" is documented; the text of the fault was not found.
        refuse_with_fault(f"The name {name} is invalid.")
    if config.shares_a_bus():
        # The fault is known by its name only.
        refuse_with_fault("SnapshotIncompatibleDeviceInVm")
    if memory == "1" and any(disk.is_independent for disk in config.disks()):
        refuse_with_fault(
            "Cannot take a memory snapshot, since the virtual machine is configured with "
            "independent disks."
        )
    if power == "suspended" and listed.entries:
        refuse_with_fault(
            "Snapshot not taken since the state of the virtual machine has not changed since "
            "the last snapshot operation."
        )
