"""Two processes that an inert hook leaves behind: beside it, and in a session of its own."""

import subprocess
import sys

from hlb_hooks.effects.effect_kind import changes
from hlb_hooks.effects.processes import ProcessIdentity

WATCHER_MODULE = "hlb_hooks.entry.probe_watcher"
KINDS = ("child", "detached")
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C", "LC_ALL": "C", "HOME": "/"}


@changes
def start_watchers(record_path: str, hook: ProcessIdentity, client: ProcessIdentity) -> None:
    """Start both. What they hold of this process is nothing: a pipe's end would keep avtar."""
    for kind in KINDS:
        subprocess.Popen(  # noqa: S603  our own program
            [
                *(sys.executable, "-I", "-m", WATCHER_MODULE, "--record", record_path),
                *("--kind", kind, "--hook", _write(hook), "--client", _write(client)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=_ENVIRONMENT,
            start_new_session=kind == "detached",
        )


def read_identity(text: str) -> ProcessIdentity:
    """Read what a watcher is told of a process. Raise ValueError."""
    pid, ticks, boot_id = text.split(":", 2)
    return ProcessIdentity(int(pid), int(ticks), boot_id)


def _write(identity: ProcessIdentity) -> str:
    return f"{identity.pid}:{identity.start_ticks}:{identity.boot_id}"
