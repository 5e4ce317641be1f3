"""Rules: what administrators do to VMs while backups run."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import machine_checks
from hypothesis import strategies as st
from machine_base import VMS, MachineBase, step
from machine_host import MachineHost

from hlb_hooks.lab.host import operate
from hlb_hooks.lab.host.hosts import move_vm
from hlb_hooks.lab.host.registry import HostFault

_FEWEST_VMS = 3


class AdministratorRules(MachineBase):
    """What people do with their VMs. The host refuses it while a task is under way."""

    def __init__(self) -> None:
        super().__init__()
        self._names_given = 0

    @step(vm=VMS)
    def take_snapshot(self, vm: int) -> bool:
        """A snapshot that is not ours."""
        name = self._make_name("before patch")

        def take(host: MachineHost, vmx: Path) -> None:
            operate.take_snapshot(host.lab, vmx, name)
            self.model.note_taken(self.site, vmx, name)

        return self._operate(vm, take)

    @step(vm=VMS, is_ours=st.booleans(), is_first=st.booleans())
    def delete_snapshot(self, vm: int, is_ours: bool, is_first: bool) -> bool:
        """One snapshot, by its name: ours, or one of the administrator's."""

        def delete(host: MachineHost, vmx: Path) -> None:
            names = machine_checks.list_ours(vmx) if is_ours else machine_checks.list_foreign(vmx)
            if not names:
                raise HostFault("there is none")
            name = names[0 if is_first else -1]
            operate.delete_snapshot(host.lab, vmx, name)
            if not is_ours:
                self.model.list_foreign(vmx).remove(name)

        return self._operate(vm, delete)

    @step(vm=VMS)
    def delete_all_snapshots(self, vm: int) -> bool:
        """All of them, ours too."""

        def delete(host: MachineHost, vmx: Path) -> None:
            if not machine_checks.read_snapshot_names(vmx):
                raise HostFault("there is none")
            operate.delete_all_snapshots(host.lab, vmx)
            self.model.list_foreign(vmx).clear()

        return self._operate(vm, delete)

    @step(vm=VMS, power=st.sampled_from(("on", "off", "suspended", "stuck")))
    def change_power(self, vm: int, power: str) -> bool:
        """Power a VM on or off, suspend it, or have it ask a question."""
        return self._operate(vm, lambda host, vmx: operate.change_power(host.lab, vmx, power))

    @step(vm=VMS)
    def answer_question(self, vm: int) -> bool:
        """Answer what a VM asks."""
        return self._operate(vm, lambda host, vmx: operate.answer_question(host.lab, vmx))

    @step(vm=VMS)
    def rename_display(self, vm: int) -> bool:
        """Give a VM another display name."""
        name = self._make_name("renamed")
        return self._operate(vm, lambda host, vmx: operate.rename_display(host.lab, vmx, name))

    @step(vm=VMS)
    def move_to_other_datastore(self, vm: int) -> bool:
        """Switch a VM off, and move it, its snapshots with it."""

        def move(host: MachineHost, vmx: Path) -> None:
            with suppress_fault():
                operate.change_power(host.lab, vmx, "off")
            here = vmx.parent.parent
            there = next(entry for entry in self.site.list_datastores() if entry != here)
            self.model.note_moved(vmx, operate.move_to_datastore(host.lab, vmx, there))

        return self._operate(vm, move)

    @step(vm=VMS)
    def unregister(self, vm: int) -> bool:
        """Switch a VM off, and let its host forget it."""

        def forget(host: MachineHost, vmx: Path) -> None:
            with suppress_fault():
                operate.change_power(host.lab, vmx, "off")
            operate.unregister(host.lab, vmx)

        return self._operate(vm, forget)

    @step(host=st.integers(0, 1), vm=VMS, is_on=st.booleans())
    def register(self, host: int, vm: int, is_on: bool) -> bool:
        """Let a host know a VM that no host knows."""
        chosen = self.pick_host(host)
        unknown = self.list_unknown()
        if chosen is None or not unknown:
            return False
        # A merge that died half-way leaves a VM that is known, and that no host would start.
        with suppress_fault():
            operate.register(chosen.lab, unknown[vm % len(unknown)], "on" if is_on else "off")
        return True

    @step(vm=VMS)
    def delete_vm(self, vm: int) -> bool:
        """Switch a VM off and delete it, as long as there are some left."""

        def delete(host: MachineHost, vmx: Path) -> None:
            if len(machine_checks.list_vmx_files(self.site)) <= _FEWEST_VMS:
                raise HostFault("it is needed")
            with suppress_fault():
                operate.change_power(host.lab, vmx, "off")
            operate.delete_vm(host.lab, vmx)
            self.model.list_foreign(vmx).clear()

        return self._operate(vm, delete)

    @step(vm=VMS)
    def move_to_other_host(self, vm: int) -> bool:
        """A vMotion: away, or back."""

        def move(host: MachineHost, vmx: Path) -> None:
            for other in self.site.living:
                if other is not host:
                    move_vm(host.lab, other.lab, vmx)
                    return
            raise HostFault("there is no other host")

        return self._operate(vm, move)

    def list_unknown(self) -> list[Path]:
        """Give the VMs that no host knows, not even one that is off."""
        known = {vm.config for _, vm in self.site.list_vms()}
        return [vmx for vmx in machine_checks.list_vmx_files(self.site) if vmx not in known]

    def _operate(self, vm: int, deed: Callable[[MachineHost, Path], object]) -> bool:
        """Do something to a VM; False when there is none, or the host refuses it."""
        picked = self.pick_vm(vm)
        if picked is None:
            return False
        host, chosen = picked
        try:
            deed(host, chosen.config)
        except HostFault:
            return False
        return True

    def _make_name(self, beginning: str) -> str:
        self._names_given += 1
        return f"{beginning} {self._names_given}"


@contextmanager
def suppress_fault() -> Iterator[None]:
    """Let a host refuse: what follows is refused then, or needs it not."""
    try:
        yield
    except HostFault:
        return
