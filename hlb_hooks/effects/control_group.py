"""Leaving the control group of the backup client's service.

Where systemd runs the client, stopping its service kills every process of its control group,
whatever session it is in. A console of ESX 4 has no control groups, and nothing is done there.
"""

import contextlib
import os
from pathlib import Path

from hlb_hooks.effects.effect_kind import changes

_NAME = "hlb-guard"
_MOUNTS = Path("/sys/fs/cgroup")


@changes
def leave_control_group() -> None:
    """Move this process to a group of our own in the hierarchy that systemd kills by.

    That is the unified one, or, with version 1, the one named ``systemd``. Where it cannot be
    done the guard stays where it is: it still survives everything but the service's stop.
    """
    for root in (_MOUNTS, _MOUNTS / "unified", _MOUNTS / "systemd"):
        members = root / _NAME / "cgroup.procs"
        if not (root / "cgroup.procs").exists():
            continue
        with contextlib.suppress(OSError):
            members.parent.mkdir(exist_ok=True)
            members.write_text(str(os.getpid()), "ascii")
