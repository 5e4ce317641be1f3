"""Power states of the lab's VMs, with the files that come and go with them."""

from pathlib import Path

from hlb_hooks.lab.files import FILE_MODE, write_file
from hlb_hooks.lab.host.disks import read_vmx
from hlb_hooks.lab.host.questions import ask, drop_question, make_space_question
from hlb_hooks.lab.host.refusals import WRONG_STATE
from hlb_hooks.lab.host.registry import LOCKING_POWER_STATES, HostFault, RegisteredVm, set_power
from hlb_hooks.lab.layout import Lab

POWER_STATES = ("on", "off", "suspended", "stuck")
_FORMER_STATES = {
    "on": {"off", "suspended"},
    "off": {"on", "suspended", "stuck"},
    "suspended": {"on"},
    "stuck": {"on"},
}
_STATE_BYTES = 64 * 1024


def check_power_change(vm: RegisteredVm, power: str) -> None:
    """Raise HostFault when a VM cannot come into ``power`` from where it is."""
    if vm.power not in _FORMER_STATES[power] or (vm.is_template and power != "off"):
        raise HostFault(WRONG_STATE)


def put_in_power(lab: Lab, vm: RegisteredVm, power: str) -> None:
    """Bring a VM into ``power``: swap, lock and suspend files, the .vmx, and what the host notes.

    Whoever calls is its one task; it is held here.
    """
    with lab.hold_vm(vm.config):
        _set_state_file(vm, f"{vm.config.stem}.vmss" if power == "suspended" else "")
        for path in _list_lock_files(lab, vm):
            if power in LOCKING_POWER_STATES:
                write_file(path, bytes(_STATE_BYTES if path.suffix == ".vswp" else 0), FILE_MODE)
            else:
                path.unlink(missing_ok=True)
        if power == "stuck":
            ask(lab, vm, make_space_question(lab.read_settings(), vm))
        else:
            set_power(lab, vm.config, power)
            drop_question(lab, vm)


def is_suspended_on_disk(vm: RegisteredVm) -> bool:
    """Tell whether the VM's own files say that it is suspended."""
    return bool(read_vmx(vm).get("checkpoint.vmState"))


def _set_state_file(vm: RegisteredVm, name: str) -> None:
    vmx = read_vmx(vm)
    former = vmx.get("checkpoint.vmState") or ""
    if former == name:
        return
    vmx.set("checkpoint.vmState", name)
    write_file(vm.config, vmx.to_bytes())
    if name:
        write_file(vm.folder / name, bytes(_STATE_BYTES), FILE_MODE)
    else:
        (vm.folder / former).unlink(missing_ok=True)


def _list_lock_files(lab: Lab, vm: RegisteredVm) -> list[Path]:
    swap = read_vmx(vm).get("sched.swap.derivedName")
    # Of a copy that was never started it is another VM's.
    files = [Path(swap)] if swap and Path(swap).parent == vm.folder else []
    # Seen on ESXi; the console of the 2009 talk shows none.
    if lab.read_settings().dialect == "vcli":
        files.append(vm.config.with_name(f"{vm.config.name}.lck"))
    return files
