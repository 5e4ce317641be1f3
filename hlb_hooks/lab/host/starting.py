"""How a host starts a VM: it checks the files, completes the configuration, and locks them."""

import secrets
from pathlib import Path

from hlb_hooks.lab.files import FILE_MODE, hold_lock, write_file
from hlb_hooks.lab.host.identity import complete_identity, make_location
from hlb_hooks.lab.host.power import check_power_change, put_in_power
from hlb_hooks.lab.host.power_checks import check_startable, read_configuration
from hlb_hooks.lab.host.registry import RegisteredVm
from hlb_hooks.lab.host.shadows import add_missing_shadows
from hlb_hooks.lab.layout import Lab
from hlb_hooks.vmfiles.vmx import Vmx

_NVRAM_BYTES = 8684


def start_vm(lab: Lab, vm: RegisteredVm) -> None:
    """Start a VM, or let it go on where it was suspended. Whoever calls is its one task.

    Raise HostFault for a VM in another state, and for one that cannot be started from its files.
    """
    check_power_change(vm, "on")
    # One after the other, all hosts: two VMs may have a disk in common.
    with hold_lock(lab.hostd / "locks" / "starting"):
        check_startable(lab, vm)
        with lab.hold_vm(vm.config):
            vmx = read_configuration(vm)
            before = vmx.to_bytes()
            _settle(lab, vm, vmx)
            if vmx.to_bytes() != before:
                write_file(vm.config, vmx.to_bytes())
        add_missing_shadows(lab, vm)
        put_in_power(lab, vm, "on")


def _settle(lab: Lab, vm: RegisteredVm, vmx: Vmx) -> None:
    """Let the .vmx say what it says of a VM that runs here, and make a .nvram that is missing."""
    vmx.set("uuid.location", make_location(lab.read_settings().host_id, vm.config))
    complete_identity(vmx)
    swap = vmx.get("sched.swap.derivedName")
    if not swap or Path(swap).parent != vm.folder:
        name = f"{vm.config.stem}-{secrets.token_hex(4)}.vswp"
        vmx.set("sched.swap.derivedName", str(vm.folder / name))
    nvram = vm.folder / (vmx.get("nvram") or f"{vm.config.stem}.nvram")
    if not nvram.exists():
        write_file(nvram, bytes(_NVRAM_BYTES), FILE_MODE)
