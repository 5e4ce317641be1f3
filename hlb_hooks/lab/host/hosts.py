"""Two hosts and more on one datastore: made, moved between, dead, and booted again.

Each has a folder of its own with its registry, its client and its hooks; the VMs, their locks and
tasks are the same for all, under the same paths.
"""

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from hlb_hooks.base.errors import UsageError
from hlb_hooks.lab.client_files import install_client
from hlb_hooks.lab.create import start_folder
from hlb_hooks.lab.files import make_folder
from hlb_hooks.lab.host.neighbours import (
    down_file,
    enter_host,
    find_runner,
    is_host_down,
    list_hosts,
    mark_host_down,
)
from hlb_hooks.lab.host.operate import work_on
from hlb_hooks.lab.host.outage import end_restart, note_restart
from hlb_hooks.lab.host.processes import find_host_processes, find_program, kill_all
from hlb_hooks.lab.host.registry import HostFault, RegisteredVm, change_registry, read_registry
from hlb_hooks.lab.layout import SHARED_FOLDERS, Lab
from hlb_hooks.lab.programs import install_programs

_ROUNDS = 100


def add_host(first: Lab, folder: Path, name: str, render_hook: Callable[[str, str], str]) -> Lab:
    """Make a host called ``name`` in ``folder`` on the datastores of ``first``, with no VM.

    It speaks the dialect of the first and has its settings. Raise UsageError for a folder in use,
    and for a name that another host of these datastores has.
    """
    names = {host.read_settings().host_name for host in list_hosts(first)}
    if name in names or not name or "/" in name or name.startswith("."):
        raise UsageError(
            f"a second host cannot be called {name!r}",
            next_step=f"choose a name of its own, and none of: {', '.join(sorted(names))}",
        )
    lab = start_folder(folder, replace(first.read_settings(), host_name=name))
    (lab.folder / "vmfs").symlink_to(first.volumes.parent)
    make_folder(lab.hostd)
    for shared in SHARED_FOLDERS:
        (lab.hostd / shared).symlink_to((first.hostd / shared).resolve())
    enter_host(lab)
    install_programs(lab)
    install_client(lab, render_hook)
    change_registry(lab, lambda _: [])
    return lab


def move_vm(source: Lab, target: Lab, config: Path) -> None:
    """Move a VM from host to host as vMotion does: power kept, files where they are.

    Raise HostFault while a task of the VM is under way, and when it waits for an answer.
    """
    _check_neighbours(source, target)
    if is_host_down(target):
        raise HostFault("The host is not responding.")
    with work_on(source, config) as vm, source.hold_vm(config):
        change_registry(target, lambda vms: [*_without(vms, config), vm])
        change_registry(source, lambda vms: _without(vms, config))


def kill_host(lab: Lab) -> list[int]:
    """Let the host die: every process that works for it is killed. Give their numbers.

    None of them has a chance to do anything about it; its VMs run nowhere then, and nothing is
    locked by it. The guests are killed between two writes: what they wrote has to be known.
    """
    mark_host_down(lab)
    guests = set(find_program(lab.hostd / "lab-guests"))
    killed: set[int] = set()
    for _ in range(_ROUNDS):
        # What was started while the others were being looked for is found the next time.
        found = set(find_host_processes(lab)) - guests - killed
        if not found:
            break
        kill_all(sorted(found))
        killed |= found
    with contextlib.ExitStack() as held:
        for vm in sorted(read_registry(lab), key=lambda vm: vm.key):
            held.enter_context(lab.hold_vm(vm.config))
        kill_all(sorted(guests))
    return sorted(killed | guests)


def fail_over(dead: Lab, survivor: Lab) -> list[Path]:
    """Start at ``survivor`` every VM that ran on the dead host, and give their .vmx files.

    The dead host's own list keeps them. Raise UsageError when that host is not dead.
    """
    _check_neighbours(dead, survivor)
    if not is_host_down(dead) or is_host_down(survivor):
        raise UsageError(
            f"only from a host that is down to one that is up: {dead.folder} to {survivor.folder}",
            next_step=f"let it die first: hlb lab host {dead.folder} kill",
        )
    taken = []
    for vm in read_registry(dead):
        if not vm.keeps_files_locked or not vm.config.exists():
            continue
        with survivor.hold_vm(vm.config):
            if find_runner(survivor, vm.config) is None:
                _start_at(survivor, vm)
                taken.append(vm.config)
    return taken


def boot_host(lab: Lab) -> None:
    """Switch a dead host on: no process runs, and every VM of its list that ran is off.

    The list may hold VMs that another host has by now, until ``drop_stale_registrations``.
    """

    def switch_off(vms: list[RegisteredVm]) -> list[RegisteredVm]:
        return [replace(vm, power="off") if vm.keeps_files_locked else vm for vm in vms]

    change_registry(lab, switch_off)
    end_restart(lab)
    down_file(lab).unlink(missing_ok=True)


def drop_stale_registrations(lab: Lab, others: Iterable[Lab]) -> list[Path]:
    """Let the host forget the VMs that do not run on it and that one of ``others`` knows."""
    known = {vm.config for other in others for vm in read_registry(other)}
    dropped = [
        vm.config for vm in read_registry(lab) if vm.config in known and not vm.keeps_files_locked
    ]
    change_registry(lab, lambda vms: [vm for vm in vms if vm.config not in dropped])
    return dropped


def restart_hostd(lab: Lab, seconds: float) -> None:
    """Restart the management daemon: for ``seconds`` no client reaches it, nor do those waiting.

    Its tasks go on, unless the lab's settings say that they die. Gives back at once.
    """
    note_restart(lab, seconds)
    if lab.read_settings().hostd_restart_kills_tasks:
        kill_all(find_program(lab.hostd / "hostd-task"))


def _start_at(lab: Lab, vm: RegisteredVm) -> None:
    change_registry(lab, lambda vms: [*_without(vms, vm.config), replace(vm, power="on")])


def _without(vms: list[RegisteredVm], config: Path) -> list[RegisteredVm]:
    return [vm for vm in vms if vm.config != config]


def _check_neighbours(first: Lab, second: Lab) -> None:
    if first.folder == second.folder or first.volumes != second.volumes:
        raise UsageError(
            f"{first.folder} and {second.folder} are not two hosts on one datastore",
            next_step="make a second host with: hlb lab create DIR --hosts 2",
        )
