"""How a host starts a VM: it checks the files, completes the configuration, and locks them."""

import secrets
from pathlib import Path

from hlb_hooks.lab.files import FILE_MODE, hold_lock, write_file
from hlb_hooks.lab.host.identity import choose_effect, make_location, settle_identity
from hlb_hooks.lab.host.power import check_power_change, put_in_power
from hlb_hooks.lab.host.power_checks import check_startable, read_configuration
from hlb_hooks.lab.host.questions import Effect, ask, make_uuid_question
from hlb_hooks.lab.host.registry import RegisteredVm
from hlb_hooks.lab.host.shadows import add_missing_shadows
from hlb_hooks.lab.layout import Lab
from hlb_hooks.vmfiles.vmx import Vmx

_NVRAM_BYTES = 8684


def start_vm(lab: Lab, vm: RegisteredVm, *, is_made_to_ask: bool = False) -> bool:
    """Start a VM, or let it go on where it was suspended. Whoever calls is its one task.

    Give False when it does not run yet, as it asks whether it was moved or copied: because its
    ``uuid.location`` is of another place and nobody answered beforehand, or ``is_made_to_ask``.
    Raise HostFault for a VM in another state, and for one that cannot be started from its files.
    """
    check_power_change(vm, "on")
    settings = lab.read_settings()
    # One after the other, all hosts: two VMs may have a disk in common.
    with hold_lock(lab.hostd / "locks" / "starting"):
        check_startable(lab, vm)
        effect = choose_effect(
            settings, read_configuration(vm), make_location(settings.host_id, vm.config)
        )
        if is_made_to_ask or effect is None:
            ask(lab, vm, make_uuid_question(settings))
            return False
        finish_start(lab, vm, effect)
        return True


def finish_start(lab: Lab, vm: RegisteredVm, effect: Effect) -> None:
    """Let a VM run whose files are in order, with the UUIDs that it is to have."""
    location = make_location(lab.read_settings().host_id, vm.config)
    with lab.hold_vm(vm.config):
        vmx = read_configuration(vm)
        before = vmx.to_bytes()
        settle_identity(vmx, location, effect)
        _settle_files(vm, vmx)
        if vmx.to_bytes() != before:
            write_file(vm.config, vmx.to_bytes())
    add_missing_shadows(lab, vm)
    put_in_power(lab, vm, "on")


def _settle_files(vm: RegisteredVm, vmx: Vmx) -> None:
    """Let the .vmx name a swap file of the VM's own, and make a .nvram that is missing."""
    swap = vmx.get("sched.swap.derivedName")
    if not swap or Path(swap).parent != vm.folder:
        name = f"{vm.config.stem}-{secrets.token_hex(4)}.vswp"
        vmx.set("sched.swap.derivedName", str(vm.folder / name))
    nvram = vm.folder / (vmx.get("nvram") or f"{vm.config.stem}.nvram")
    if not nvram.exists():
        write_file(nvram, bytes(_NVRAM_BYTES), FILE_MODE)
