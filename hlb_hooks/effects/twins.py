"""Other places where a VM's configuration lies: moved, restored, or a copy."""

import glob
import os

from hlb_hooks.effects.effect_kind import reads

_VOLUMES = "/vmfs/volumes/"


@reads
def find_twins(vmx: str) -> tuple[str, ...]:
    """Give the .vmx of the same folder and name on other datastores, by real paths."""
    head, mark, tail = vmx.rpartition(_VOLUMES)
    _, _, inside = tail.partition("/")
    if not mark or not inside:
        return ()
    pattern = os.path.join(glob.escape(head + mark), "*", glob.escape(inside))
    # A datastore has its label besides its id.
    found = {os.path.realpath(path) for path in glob.glob(pattern)}
    return tuple(sorted(found - {os.path.realpath(vmx)}))
