"""The names of a datastore: the host speaks of its UUID, and people of its label, a link to it."""

import os
from collections.abc import Iterable

from hlb_hooks.effects.effect_kind import reads
from hlb_hooks.effects.vm_files import datastore_of, volume_of


@reads
def find_labels(paths: Iterable[str]) -> dict[str, list[str]]:
    """Give the labels (links) of each datastore folder that ``paths`` lie on, both as paths."""
    labels: dict[str, list[str]] = {}
    # One path of each: following links is a call for every folder on the way.
    one_of_each = {volume_of(path): path for path in paths}
    roots = {os.path.dirname(datastore_of(path)) for path in one_of_each.values()}
    for root in sorted(roots):
        try:
            entries = sorted(os.scandir(root), key=lambda entry: entry.name)
        except OSError:
            continue  # no folder of datastores: then there are no labels in it either
        for entry in entries:
            if entry.is_symlink():
                labels.setdefault(os.path.realpath(entry.path), []).append(entry.path)
    return labels


def list_aliases(path: str, labels: dict[str, list[str]]) -> tuple[str, ...]:
    """Give ``path`` as it is through each label of its datastore; none for one through a label."""
    datastore = volume_of(path)
    inside = path[len(datastore) :]
    return tuple(label + inside for label in labels.get(datastore, ()))
