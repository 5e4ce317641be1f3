"""The VMs the host knows: hostd's own list, with the power state of each."""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from hlb_hooks.lab.files import hold_lock, write_file
from hlb_hooks.lab.layout import Lab, make_key


class HostFault(Exception):  # noqa: N818  the API's own word for what a host answers
    """The host refuses; the message is what stands in its answer."""


LOCKING_POWER_STATES = ("on", "stuck")
"""A VM that waits for an answer runs all the same: its files stay locked."""


@dataclass(frozen=True)
class RegisteredVm:
    """One VM of the host: its configuration file, its power state, and whether it is a template.

    ``power`` is one of ``on``, ``off``, ``suspended`` and ``stuck``: what ``getstate`` prints.
    """

    config: Path
    power: str
    is_template: bool = False

    @property
    def folder(self) -> Path:
        """The VM's own folder."""
        return self.config.parent

    @property
    def key(self) -> str:
        """A short name for files of the lab's own."""
        return make_key(self.config)

    @property
    def keeps_files_locked(self) -> bool:
        """Whether the host has the VM's disks open."""
        return self.power in LOCKING_POWER_STATES


def read_registry(lab: Lab) -> list[RegisteredVm]:
    """Give the registered VMs, in the host's order."""
    try:
        entries = json.loads(_registry_file(lab).read_text("utf-8"))
    except FileNotFoundError:
        return []
    return [
        RegisteredVm(
            config=Path(entry["config"]), power=entry["power"], is_template=entry["is_template"]
        )
        for entry in entries
    ]


def find_vm(lab: Lab, argument: str) -> RegisteredVm | None:
    """Give the VM a command line names, or None.

    The path is compared as it is written, or as seen from the working directory: that much is
    known to work on a service console. A datastore's label in it is not resolved.
    """
    wanted = Path(os.path.normpath(Path.cwd() / argument))
    return next((vm for vm in read_registry(lab) if vm.config == wanted), None)


def find_registered(lab: Lab, config: Path) -> RegisteredVm:
    """Give the VM of that configuration file. Raise HostFault when this host does not know it."""
    for vm in read_registry(lab):
        if vm.config == config:
            return vm
    raise HostFault("The object has already been deleted or has not been completely created")


def change_registry(
    lab: Lab, change: Callable[[list[RegisteredVm]], list[RegisteredVm]]
) -> list[RegisteredVm]:
    """Replace the list by what ``change`` makes of it, one caller at a time; give the new one."""
    with hold_lock(lab.hostd / "registry.lock"):
        vms = change(read_registry(lab))
        # ASCII throughout: a path's bytes that are not UTF-8 travel as escaped surrogates.
        entries = [{**asdict(vm), "config": str(vm.config)} for vm in vms]
        write_file(_registry_file(lab), json.dumps(entries, indent=1).encode("ascii") + b"\n")
        return vms


def set_power(lab: Lab, config: Path, power: str) -> None:
    """Note the power state of a VM that this host knows."""

    def change(vms: list[RegisteredVm]) -> list[RegisteredVm]:
        return [replace(vm, power=power) if vm.config == config else vm for vm in vms]

    change_registry(lab, change)


def _registry_file(lab: Lab) -> Path:
    return lab.hostd / "registry.json"
