"""Letting a host know a VM, and letting it forget one."""

import contextlib
from dataclasses import replace
from pathlib import Path

from hlb_hooks.base.errors import VmFileError
from hlb_hooks.lab.host.neighbours import list_all_vms
from hlb_hooks.lab.host.power import is_suspended_on_disk
from hlb_hooks.lab.host.power_checks import read_configuration
from hlb_hooks.lab.host.refusals import ALREADY_EXISTS, NOT_FOUND, WRONG_STATE
from hlb_hooks.lab.host.registry import HostFault, RegisteredVm, change_registry
from hlb_hooks.lab.host.shadows import renew_shadows
from hlb_hooks.lab.layout import Lab

_TEMPLATE_SUFFIX = ".vmtx"


def register_vm(lab: Lab, config: Path) -> None:
    """Let the host know a VM whose files are there, under their path without symbolic links.

    It is as its files say: one that was suspended when it was forgotten still is. What its disks
    hold counts as written by its guest. Raise HostFault for a file that is not there, is no .vmx,
    or lies on no datastore, and for a VM that the host knows.
    """
    config = config.resolve()
    if not config.is_relative_to(lab.volumes) or not config.is_file():
        raise HostFault(NOT_FOUND)
    vm = RegisteredVm(config, "off", is_template=config.suffix == _TEMPLATE_SUFFIX)
    try:
        read_configuration(vm)
    except HostFault as fault:
        # The console was seen to say one thing of a file that is missing and of one it cannot use.
        raise HostFault(NOT_FOUND) from fault
    if is_suspended_on_disk(vm):
        vm = replace(vm, power="suspended")
    says_fault = lab.read_settings().register_twice == "fault"

    def add(vms: list[RegisteredVm]) -> list[RegisteredVm]:
        for number, each in enumerate(vms, 1):
            if each.config == config:
                # The number is the VM's own in the host's list.
                words = f"The specified key, name, or identifier '{number}' already exists."
                raise HostFault(words if says_fault else ALREADY_EXISTS)
        return [*vms, vm]

    is_new = all(each.config != config for each in list_all_vms(lab))
    change_registry(lab, add)
    if is_new:
        # What is wrong with its disks is said when it is to be started.
        with contextlib.suppress(OSError, VmFileError):
            renew_shadows(lab, vm)


def forget_vm(lab: Lab, vm: RegisteredVm) -> None:
    """Let the host forget a VM; its files stay. Raise HostFault for one that runs."""
    if vm.keeps_files_locked:
        raise HostFault(WRONG_STATE)
    change_registry(lab, lambda vms: [each for each in vms if each.config != vm.config])
