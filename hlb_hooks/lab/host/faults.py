"""Faults and latency to order: kept in the lab, and read at each command.

A fault hits the commands of one action on one VM, or those that patterns name, as often as was
said. Several may hit one command: their delays and effects add up, and the first that has an
answer of its own gives it.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from hlb_hooks.base.errors import UsageError
from hlb_hooks.lab.files import hold_lock, write_file
from hlb_hooks.lab.layout import Lab

_CREATION = ("createsnapshot",)
_REMOVAL = ("removesnapshots",)
_SNAPSHOT_ACTIONS = (*_CREATION, *_REMOVAL)
SERVER_ACTIONS = ("register", "unregister")
POWER_ACTIONS = ("start", "stop", "reset", "suspend")
TASK_ACTIONS = (*_SNAPSHOT_ACTIONS, *SERVER_ACTIONS, *POWER_ACTIONS, "answer")
"""What the host does in a task of its own."""
BACKUP_ACTIONS = ("-l", "getstate", "hassnapshot", *_SNAPSHOT_ACTIONS)
"""Those of a backup; a restore has the others."""
ACTIONS = ("-l", "getstate", "hassnapshot", "getconfigfile", "getuptime", "getid", *TASK_ACTIONS)

KINDS: Mapping[str, tuple[str, ...]] = {
    "delay": ACTIONS,
    "slow_task": TASK_ACTIONS,
    "hang": ACTIONS,
    "timeout": ACTIONS,
    "timeout_late": ACTIONS,
    "timeout_nothing": ACTIONS,
    "lie": TASK_ACTIONS,
    "error_with_effect": TASK_ACTIONS,
    "refuse": ACTIONS,
    "done_early": _REMOVAL,
    "garbage": ACTIONS,
    "garbage_nothing": ACTIONS,
    "silence": ACTIONS,
    "silence_nothing": ACTIONS,
    "management_down": ACTIONS,
    "quiesce_fails": _CREATION,
    "helper_left": _REMOVAL,
    "helper_hidden": _REMOVAL,
    "no_space": (*_CREATION, "start"),
    "question": (*_SNAPSHOT_ACTIONS, "start"),
}
"""Every kind, and the actions that it can hit.

``delay``: the client waits before it does anything. ``slow_task``: the host's task takes longer.
``hang``: the client never comes back, and nothing is done. ``timeout``: the client says that it
timed out while the task goes on; ``timeout_late``: the task begins only later;
``timeout_nothing``: it never does. ``lie``: said to be done, and nothing is.
``error_with_effect``: done, and a fault is said. ``refuse``: a fault and nothing else.
``done_early``: said to be done when the entry is gone, while the disks are still to be merged.
``garbage``: an answer nobody can read, ``silence``: none at all, each after doing what was asked,
or not (``_nothing``). ``management_down``: the daemon cannot be reached. ``quiesce_fails``: only a
snapshot that asks for quiescing fails. ``helper_left``: a removal on a running VM leaves its helper
snapshot behind, in the .vmsd too or not (``helper_hidden``). ``no_space``: a snapshot, or a start,
is refused for lack of space. ``question``: the running VM asks one when the task begins, which
waits for the answer.
"""


@dataclass(frozen=True)
class Fault:
    """One fault: of a kind of ``KINDS``, for an action and a VM, and for how many commands.

    ``action`` and ``vm`` are shell patterns, ``vm`` of the path of the .vmx or of the name of its
    folder; ``-l`` is of no VM and only hit by a ``vm`` that is ``*``. ``times`` None: until it is
    cleared. ``seconds`` is how long, where the kind takes time; ``text`` what is said, where the
    kind says something. Raise UsageError for what cannot be.
    """

    kind: str
    action: str = "*"
    vm: str = "*"
    times: int | None = None
    seconds: float = 0.0
    text: str = ""

    def __post_init__(self) -> None:
        """Refuse a kind that there is not, an action it never hits, and impossible numbers."""
        if self.kind not in KINDS:
            raise UsageError(
                f"there is no fault {self.kind!r}", next_step=f"take one of: {', '.join(KINDS)}"
            )
        if not any(_matches(action, self.action) for action in KINDS[self.kind]):
            raise UsageError(
                f"a fault {self.kind!r} never hits the action {self.action!r}",
                next_step=f"it hits: {', '.join(KINDS[self.kind])}",
            )
        if self.times is not None and self.times < 1:
            raise UsageError(f"a fault hits at least 1 command, and not {self.times}")
        if not 0 <= self.seconds < float("inf"):
            raise UsageError(f"a fault takes 0 seconds or more, and not {self.seconds}")

    def hits(self, action: str, vm_path: str, *, quiesce: bool = False) -> bool:
        """Tell whether the fault is for a command of ``action`` on the VM of that .vmx."""
        if self.kind == "quiesce_fails" and not quiesce:
            return False
        if action not in KINDS[self.kind] or not _matches(action, self.action):
            return False
        names = (vm_path, Path(vm_path).parent.name)
        return self.vm == "*" or any(_matches(name, self.vm) for name in names)


def add_fault(lab: Lab, fault: Fault) -> None:
    """Order a fault; those that were ordered before come first."""
    with hold_lock(_lock_file(lab)):
        _write(lab, [*list_faults(lab), fault])


def clear_faults(lab: Lab) -> None:
    """Call off every fault."""
    with hold_lock(_lock_file(lab)):
        _write(lab, [])


def list_faults(lab: Lab) -> list[Fault]:
    """Give the faults that are still to hit, with the number of times that is left."""
    try:
        data = _faults_file(lab).read_bytes()
    except FileNotFoundError:
        return []
    return [Fault(**entry) for entry in json.loads(data)]


def take_faults(lab: Lab, action: str, vm_path: str, *, quiesce: bool = False) -> list[Fault]:
    """Give the faults that hit this command, and count it."""
    # A host that works is the usual case, and then nothing is locked or written.
    if not any(fault.hits(action, vm_path, quiesce=quiesce) for fault in list_faults(lab)):
        return []
    with hold_lock(_lock_file(lab)):
        faults = list_faults(lab)
        hitting = [fault for fault in faults if fault.hits(action, vm_path, quiesce=quiesce)]
        left = [_count_down(fault) if fault in hitting else fault for fault in faults]
        _write(lab, [fault for fault in left if fault is not None])
        return hitting


def _count_down(fault: Fault) -> Fault | None:
    if fault.times is None:
        return fault
    return None if fault.times == 1 else Fault(**{**asdict(fault), "times": fault.times - 1})


def _matches(name: str, pattern: str) -> bool:
    if pattern == "*" or name == pattern:
        return True
    # Imported only by a command that some fault may hit: vmware-cmd has to start quickly.
    from fnmatch import fnmatchcase

    return fnmatchcase(name, pattern)


def _write(lab: Lab, faults: list[Fault]) -> None:
    data = json.dumps([asdict(fault) for fault in faults], indent=1)
    write_file(_faults_file(lab), data.encode("ascii") + b"\n")


def _faults_file(lab: Lab) -> Path:
    return lab.hostd / "faults.json"


def _lock_file(lab: Lab) -> Path:
    return lab.hostd / "faults.lock"
