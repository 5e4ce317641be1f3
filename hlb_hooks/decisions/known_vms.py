"""Which VMs somebody means by a name or a path, registered here or not. Pure."""

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hlb_hooks.base.text import escape
from hlb_hooks.decisions.selection import Inventory, ListedVm
from hlb_hooks.effects.found_runs import FoundRun

# More lines than a screen has help nobody; --json has them all.
SHOWN_BACKUPS = 5


@dataclass(frozen=True)
class KnownBackup:
    """A run that has protected a VM. ``is_read``: the client's own log says that it was read."""

    run: str
    job: str
    begun: datetime
    is_read: bool


def find_known(
    text: str, listed: Sequence[ListedVm], runs: Iterable[FoundRun], names: Mapping[str, str]
) -> list[str]:
    """Give the .vmx paths that ``text`` means: a display name, a folder's name, or a path.

    ``names``: the display names that the newest runs knew, by path. Those that are registered
    come first.
    """
    found = dict.fromkeys(Inventory(listed).find_exactly(text))
    for vmx in _list_paths(runs, names):
        if text in {vmx, escape(vmx), _name_folder(vmx), names.get(vmx)}:
            found.setdefault(vmx)
    return list(found)


def list_backups(vmx: str, runs: Iterable[FoundRun]) -> list[KnownBackup]:
    """Give the runs that have protected the VM at ``vmx``, the newest first."""
    backups = []
    for entry in runs:
        digest = entry.digest
        is_read = any(vm.vmx == vmx for vm in digest.read)
        if is_read or any(vm.vmx == vmx for vm in digest.unread):
            backups.append(KnownBackup(digest.name, digest.job, digest.begun, is_read))
    return sorted(backups, key=lambda backup: backup.begun, reverse=True)


def _list_paths(runs: Iterable[FoundRun], names: Mapping[str, str]) -> Iterable[str]:
    yield from names
    for entry in runs:
        digest = entry.digest
        for vm in (*digest.read, *digest.unread):
            yield vm.vmx


def _name_folder(vmx: str) -> str:
    return posixpath.basename(posixpath.dirname(vmx))
