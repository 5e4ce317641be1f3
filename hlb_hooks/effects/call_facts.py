"""How this process was called: by whom, with what, and into which surroundings."""

import os
import re
import resource
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hlb_hooks.base.masking import mask_arguments, mask_environment
from hlb_hooks.effects import processes
from hlb_hooks.effects.effect_kind import reads

_STATUS = re.compile(r"^(Umask|SigBlk|SigIgn|Groups):\s*(.*)$", re.MULTILINE)


@reads
def describe_call(arguments: Sequence[str], environment: Mapping[str, str]) -> dict[str, Any]:
    """Give all that a hook can learn of its call. Secrets are masked."""
    return {
        "arguments": mask_arguments(arguments),
        "environment": mask_environment(environment),
        "folder": _read_link("/proc/self/cwd"),
        "user": os.getuid(),
        "group": os.getgid(),
        "process": os.getpid(),
        "process_group": os.getpgrp(),
        "session": os.getsid(0),
        "status": dict(_STATUS.findall(Path("/proc/self/status").read_text("ascii", "replace"))),
        "descriptors": _list_descriptors(),
        "open_files": list(resource.getrlimit(resource.RLIMIT_NOFILE)),
        "control_group": processes.read_text_head("/proc/self/cgroup", 4096),
        "ancestors": _list_ancestors(),
    }


def _list_ancestors() -> list[dict[str, Any]]:
    ancestors = []
    for identity in processes.list_ancestors():
        facts = processes.read_process(identity.pid)
        names = processes.read_process_names(facts) if facts else ()
        words = mask_arguments(processes.read_arguments(identity.pid))
        ancestors.append({"pid": identity.pid, "names": list(names), "arguments": words})
    return ancestors


def _list_descriptors() -> dict[str, str]:
    folder = "/proc/self/fd"
    return {
        name: target
        for name in sorted(os.listdir(folder), key=int)
        # The one that lists the folder is gone by now.
        if (target := _read_link(f"{folder}/{name}"))
    }


def _read_link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""
