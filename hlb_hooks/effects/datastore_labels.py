"""The names of a datastore: the host speaks of its UUID, and people of its label, a link to it."""

import os
from collections.abc import Iterable

from hlb_hooks.effects.effect_kind import reads
from hlb_hooks.effects.vm_files import datastore_of


@reads
def find_labels(paths: Iterable[str]) -> dict[str, list[str]]:
    """Give the labels (links) of each datastore folder that ``paths`` lie on, both as paths."""
    labels: dict[str, list[str]] = {}
    roots = {os.path.dirname(datastore_of(path)) for path in paths}
    for root in sorted(roots):
        try:
            entries = sorted(os.scandir(root), key=lambda entry: entry.name)
        except OSError:
            continue  # no folder of datastores: then there are no labels in it either
        for entry in entries:
            if entry.is_symlink():
                labels.setdefault(os.path.realpath(entry.path), []).append(entry.path)
    return labels


@reads
def list_aliases(path: str, labels: dict[str, list[str]]) -> tuple[str, ...]:
    """Give ``path`` as it is through each label of its datastore."""
    datastore = datastore_of(path)
    if not path.startswith(datastore + "/"):
        return ()
    inside = path[len(datastore) :]
    return tuple(label + inside for label in labels.get(datastore, ()))
