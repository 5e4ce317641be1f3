"""Whether the host's management daemon answers: not on a host that is off, nor in a restart."""

import time

from hlb_hooks.lab.files import write_file
from hlb_hooks.lab.layout import Lab


def is_management_down(lab: Lab) -> bool:
    """Tell whether no client can reach the daemon now."""
    if (lab.hostd / "down").exists():
        return True
    try:
        until = float((lab.hostd / "restarting").read_text("ascii"))
    except FileNotFoundError:
        return False
    return time.time() < until


def note_restart(lab: Lab, seconds: float) -> None:
    """Let the daemon be away for ``seconds`` from now."""
    # The time of day: processes of two hosts may have monotonic clocks of their own.
    write_file(lab.hostd / "restarting", repr(time.time() + seconds).encode("ascii"))


def end_restart(lab: Lab) -> None:
    """Let the daemon be there again."""
    (lab.hostd / "restarting").unlink(missing_ok=True)
