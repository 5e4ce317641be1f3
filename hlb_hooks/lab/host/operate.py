"""What an administrator does with the VMs of a host, apart from any backup.

Each is refused, by HostFault with the words of the host, where a real host would: while another
task of the VM is under way, when the VM waits for an answer or runs on another host, and in the
wrong power state. The disks stay what their guests wrote, and the shadows with them.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from hlb_hooks.lab.files import write_file
from hlb_hooks.lab.host.answering import answer_pending
from hlb_hooks.lab.host.disks import read_vmx
from hlb_hooks.lab.host.neighbours import is_host_down
from hlb_hooks.lab.host.power import POWER_STATES, check_power_change, put_in_power
from hlb_hooks.lab.host.refusals import NOT_FOUND, WRONG_STATE
from hlb_hooks.lab.host.registration import forget_vm, register_vm
from hlb_hooks.lab.host.registry import (
    HostFault,
    RegisteredVm,
    find_registered,
)
from hlb_hooks.lab.host.relocation import delete_files, move_files
from hlb_hooks.lab.host.removal import Manner, remove_snapshot, remove_snapshots
from hlb_hooks.lab.host.snapshots import create_snapshot
from hlb_hooks.lab.host.starting import start_vm
from hlb_hooks.lab.host.task_turn import hold_task, refuse_unworkable
from hlb_hooks.lab.layout import Lab

__all__ = [
    "HostFault",
    "answer_question",
    "change_power",
    "delete_all_snapshots",
    "delete_snapshot",
    "delete_vm",
    "move_to_datastore",
    "register",
    "rename_display",
    "take_snapshot",
    "unregister",
]


def take_snapshot(
    lab: Lab,
    config: Path,
    name: str,
    description: str = "",
    quiesce: bool = False,  # noqa: FBT001, FBT002  in the order of the command
    memory: bool = False,  # noqa: FBT001, FBT002  in the order of the command
) -> None:
    """Make a snapshot. Raise HostFault."""
    with work_on(lab, config) as vm:
        create_snapshot(lab, vm, name, description, quiesce=quiesce, memory=memory)


def delete_snapshot(lab: Lab, config: Path, name: str) -> None:
    """Delete the first snapshot of that name and no other. Raise HostFault."""
    with work_on(lab, config) as vm:
        remove_snapshot(lab, vm, name, _choose_manner(lab))


def delete_all_snapshots(lab: Lab, config: Path) -> None:
    """Delete every snapshot of a VM, whoever made it. Raise HostFault."""
    with work_on(lab, config) as vm:
        remove_snapshots(lab, vm, _choose_manner(lab))


def change_power(lab: Lab, config: Path, power: str) -> None:
    """Bring a VM into ``on``, ``off``, ``suspended`` or ``stuck``. Raise HostFault.

    ``stuck``: the running VM asks a question. One that is stuck can only be switched off, or
    answered with ``answer_question``; and so it is after ``on`` when it asks whether it was moved.
    """
    if power not in POWER_STATES:
        raise ValueError(f"power is one of {', '.join(POWER_STATES)}, and not {power!r}")
    with work_on(lab, config, may_be_stuck=power == "off") as vm:
        if power == "on":
            start_vm(lab, vm)
        else:
            check_power_change(vm, power)
            put_in_power(lab, vm, power)


def answer_question(lab: Lab, config: Path, number: int | None = None) -> None:
    """Answer what the VM asks with the choice of that number, or with the default.

    A task that waits for the answer goes on. Raise HostFault.
    """
    _find(lab, config)
    answer_pending(lab, config, number)


def unregister(lab: Lab, config: Path) -> None:
    """Let the host forget a VM that does not run; its files stay. Raise HostFault."""
    with work_on(lab, config, needs_files=False) as vm:
        forget_vm(lab, vm)


def register(lab: Lab, config: Path, power: str = "off") -> None:
    """Let the host know a VM whose files are there, and bring it into ``power``. Raise HostFault.

    With ``off`` it is as its files say: a VM that was suspended when it was forgotten still is.
    """
    _refuse_down(lab)
    register_vm(lab, config)
    if power != "off":
        change_power(lab, config.resolve(), power)


def rename_display(lab: Lab, config: Path, name: str) -> None:
    """Give a VM another display name; its files keep theirs. Raise HostFault."""
    with work_on(lab, config) as vm, lab.hold_vm(config):
        vmx = read_vmx(vm)
        vmx.set("displayName", name)
        write_file(config, vmx.to_bytes())


def move_to_datastore(lab: Lab, config: Path, datastore_folder: Path) -> Path:
    """Move the folder of a VM that does not run to another datastore; give its new .vmx.

    Its registration follows, on this host. Disks that lie elsewhere stay. Raise HostFault.
    """
    datastore = datastore_folder.resolve()
    with work_on(lab, config) as vm:
        _refuse_running(vm)
        if datastore.parent != lab.volumes or not datastore.is_dir():
            raise HostFault(NOT_FOUND)
        if datastore == vm.folder.parent:
            raise HostFault("vim.fault.NotSupported")
        return move_files(lab, vm, datastore)


def delete_vm(lab: Lab, config: Path) -> None:
    """Delete a VM that does not run, with its disks. What no host made stays. Raise HostFault."""
    with work_on(lab, config, needs_files=False) as vm:
        _refuse_running(vm)
        delete_files(lab, vm)
        forget_vm(lab, vm)


@contextlib.contextmanager
def work_on(
    lab: Lab, config: Path, *, may_be_stuck: bool = False, needs_files: bool = True
) -> Iterator[RegisteredVm]:
    """Be the one task of a VM of this host while the block runs. Raise HostFault."""
    with hold_task(lab, _find(lab, config)):
        vm = find_registered(lab, config)
        if not (may_be_stuck and vm.power == "stuck"):
            refuse_unworkable(lab, vm)
        if needs_files and not vm.config.exists():
            # A stale registration: the files went with another host's. The API's words for that.
            raise HostFault(f"Unable to access file {vm.config}")
        yield vm


def _find(lab: Lab, config: Path) -> RegisteredVm:
    _refuse_down(lab)
    return find_registered(lab, config)


def _refuse_down(lab: Lab) -> None:
    if is_host_down(lab):
        raise HostFault("The host is not responding.")


def _refuse_running(vm: RegisteredVm) -> None:
    if vm.keeps_files_locked:
        raise HostFault(WRONG_STATE)


def _choose_manner(lab: Lab) -> Manner:
    return Manner(helper="merged" if lab.read_settings().shows_helper else "none")
