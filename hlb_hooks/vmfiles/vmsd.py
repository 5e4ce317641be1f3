"""A VM's list of snapshots: ``.vmsd``.

The shape of the file is known from real ones of ESX 3 to 8 (Xen Orchestra, virtuallyhyper.com) and
from a mover's field notes: a VM that never had a snapshot has an empty file, after the last one
was deleted the counter is left, with ``numSnapshots`` gone or "0". The host may write the number
anywhere in the file. Everything that does not add up is an error here and never "no snapshots",
for upon "only ours" follows a command that removes them all.
"""

import functools
import re
from dataclasses import dataclass

from hlb_hooks.base.errors import VmFileError
from hlb_hooks.base.text import escape
from hlb_hooks.vmfiles.dictionary import VM_ENCODING_KEYS, Dictionary, Kind
from hlb_hooks.vmfiles.vmsd_entry import Snapshot, read_number, read_snapshot

__all__ = ["MAX_VMSD_BYTES", "Snapshot", "Vmsd"]

MAX_VMSD_BYTES = 4 * 1024 * 1024

_KIND = Kind(".vmsd", MAX_VMSD_BYTES, VM_ENCODING_KEYS)
_ENTRY_KEY = re.compile(r"snapshot(0|[1-9][0-9]{0,5})\.(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Vmsd:
    """What a ``.vmsd`` says: the snapshots in the order of their index, and the two counters.

    ``last_uid`` is the number given last, ``current_uid`` the snapshot that the VM runs on top of;
    both are None where the file does not say.
    """

    snapshots: tuple[Snapshot, ...]
    last_uid: int | None
    current_uid: int | None

    @classmethod
    def parse(cls, data: bytes, path: str) -> "Vmsd":
        """Read a ``.vmsd``; ``path`` is for messages.

        Raise VmFileError when it is too large (4 MiB), binary or garbled, when its number of
        snapshots is not the number it lists, when it was cut short, or its tree is none.
        """
        return _parse(data, path)


@functools.lru_cache(maxsize=64)  # see vmdk
def _parse(data: bytes, path: str) -> Vmsd:
    dictionary = Dictionary.parse(data, path, _KIND)
    try:
        return _read(dictionary)
    except VmFileError as error:
        raise VmFileError(
            f"{escape(path)}: {error.message}",
            next_step="compare the file with the host's own list of this VM's snapshots",
        ) from error


def _read(dictionary: Dictionary) -> Vmsd:
    for number, _body in dictionary.garbled_lines():
        raise VmFileError(f'line {number} is not of the form key = "value"')
    for key in dictionary.duplicates():
        raise VmFileError(f"{escape(key)} is there twice, with different values")
    if dictionary.get("config.version") is not None:
        raise VmFileError("this is a .vmx, not a .vmsd")

    snapshots = tuple(
        read_snapshot(f"snapshot{index}", values)
        for index, values in sorted(_collect_entries(dictionary).items())
    )
    vmsd = Vmsd(
        snapshots=snapshots,
        last_uid=read_number("snapshot.lastUID", dictionary.get("snapshot.lastUID") or None),
        # 0 stands for none: uids start at 1.
        current_uid=read_number("snapshot.current", dictionary.get("snapshot.current") or None)
        or None,
    )
    _check_count(vmsd, dictionary.get("snapshot.numSnapshots"))
    _check_tree(snapshots)
    return vmsd


def _collect_entries(dictionary: Dictionary) -> dict[int, dict[str, str]]:
    entries: dict[int, dict[str, str]] = {}
    for key, value in dictionary.pairs().items():
        match = _ENTRY_KEY.fullmatch(key)
        if match is not None:
            entries.setdefault(int(match[1]), {})[match[2]] = value
    return entries


def _check_count(vmsd: Vmsd, said: str | None) -> None:
    listed = len(vmsd.snapshots)
    if said is not None:
        if read_number("snapshot.numSnapshots", said) != listed:
            raise VmFileError(f'snapshot.numSnapshots is "{escape(said)}", but {listed} are listed')
    elif listed or vmsd.current_uid is not None:
        # The host writes no number only when there is nothing left. Without it, nobody can tell
        # a whole list from the beginning of a longer one.
        raise VmFileError("it was cut short: there is no snapshot.numSnapshots")


def _check_tree(snapshots: tuple[Snapshot, ...]) -> None:
    parents = {snapshot.uid: snapshot.parent_uid for snapshot in snapshots}
    if len(parents) != len(snapshots):
        raise VmFileError("two of the snapshots have the same uid")
    settled: set[int] = set()
    for uid in parents:
        trail: set[int] = set()
        step: int | None = uid
        while step is not None and step not in settled:
            if step not in parents:
                raise VmFileError(f"uid {step} is named as a parent, but it is not listed")
            if step in trail:
                raise VmFileError(f"the snapshot of uid {step} is its own ancestor")
            trail.add(step)
            step = parents[step]
        settled.update(trail)
