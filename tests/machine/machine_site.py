"""The place the machine plays on: hosts over one lab's datastores, and the guests that write."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

from machine_host import MachineHost, Program

from hlb_hooks.base import clock
from hlb_hooks.effects.run_story import Run
from hlb_hooks.entry.hook_scripts import render
from hlb_hooks.lab.create import create_lab
from hlb_hooks.lab.host.guests import Guests
from hlb_hooks.lab.host.hosts import add_host, move_vm
from hlb_hooks.lab.host.registry import RegisteredVm, read_registry
from hlb_hooks.lab.layout import LabSettings
from hlb_hooks.lab.sample_vms import KIB, SampleDisk, SampleVm

PATIENCE_SECONDS = 60.0
OLD_UPTIME_SECONDS = 31 * 60.0
"""The uptime of a host whose wait after the boot is over."""
_PAUSE_SECONDS = 0.005
_DISK_BYTES = 64 * KIB
_VM_COUNT = 5


class MachineSite:
    """The hosts, the datastores they share, and the guests that write there."""

    def __init__(self, root: Path, host_count: int) -> None:
        self.root = root
        samples = [
            SampleVm(f"vm{number}", disks=(SampleDisk(_DISK_BYTES),), datastore=number % 2)
            for number in range(_VM_COUNT)
        ]
        labs = [create_lab(root / "esx1", LabSettings(), samples, render)]
        labs += [
            add_host(labs[0], root / f"esx{number}", f"esx{number}", render)
            for number in range(2, host_count + 1)
        ]
        for vm in read_registry(labs[0])[_VM_COUNT - host_count + 1 :]:
            move_vm(labs[0], labs[-1], vm.config)
        self.hosts = [
            MachineHost(lab.folder.name, lab, root / f"of-{lab.folder.name}") for lab in labs
        ]
        self.guests = {host.name: Guests(host.lab, seed=2009) for host in self.hosts}
        for host in self.hosts:
            host.folder.mkdir()
            host.write_config()
            (host.lab.sysdir / "hlb" / "targets").write_text("*\n", "utf-8")
            host.boot(OLD_UPTIME_SECONDS)

    @property
    def living(self) -> list[MachineHost]:
        return [host for host in self.hosts if host.booted is not None]

    @property
    def datastores(self) -> Path:
        return self.hosts[0].lab.volumes

    def list_vms(self) -> list[tuple[MachineHost, RegisteredVm]]:
        """Give every registration of a VM, with the host that has it."""
        return [(host, vm) for host in self.hosts for vm in read_registry(host.lab)]

    @property
    def fallen(self) -> list[MachineHost]:
        return [host for host in self.hosts if host.booted is None]

    def list_datastores(self) -> list[Path]:
        return sorted(entry for entry in self.datastores.iterdir() if not entry.is_symlink())

    def list_registrations(self, vmx: Path) -> list[MachineHost]:
        """Give the hosts that are up and know a VM."""
        known = [(host, read_registry(host.lab)) for host in self.living]
        return [host for host, vms in known if any(vm.config == vmx for vm in vms)]

    def age_claims(self) -> int:
        """Let two hours pass for the claims that no guard and no client keeps fresh; count them."""
        kept = {
            entry.run.name
            for host in self.living
            if host.list_guards() or host.avtars
            for entry in host.find_runs().runs
        }
        paths = [path for store in self.list_datastores() for path in store.glob("*/*.hlb-claim")]
        return sum(_age_claim(path, kept) for path in paths)

    def let_guests_write(self) -> None:
        """Write a block to a disk of every VM that runs."""
        for host in self.living:
            for vm in read_registry(host.lab):
                if vm.power == "on":
                    self.guests[host.name].write_once(vm)

    def wait_until(
        self, question: Callable[[], bool], what: str, limit_seconds: float = PATIENCE_SECONDS
    ) -> None:
        """Let the guests write until ``question`` is answered with yes."""
        deadline = time.monotonic() + limit_seconds
        while not question():
            if time.monotonic() > deadline:
                running = [f"{host.name}: {host.list_processes()}" for host in self.living]
                raise AssertionError(f"waited {limit_seconds:g} s in vain: {what}; {running}")
            self.let_guests_write()
            time.sleep(_PAUSE_SECONDS)

    def let_pass(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        """Let the guests write for ``seconds``, or until ``until`` is answered with yes."""
        deadline = time.monotonic() + seconds
        self.wait_until(lambda: until() or time.monotonic() >= deadline, "the time to pass")

    def wait_for(self, host: MachineHost, program: Program) -> None:
        """Wait until a program has ended."""

        def is_over() -> bool:
            host.update_programs()
            return program.is_over

        self.wait_until(is_over, f"the end of {program.name} on {host.name}")

    def wait_started(self, host: MachineHost, avtar: Program) -> None:
        """Wait until an avtar's start hook is over, or the avtar."""

        def is_started() -> bool:
            host.update_programs()
            return avtar.is_over or avtar.has_started()

        self.wait_until(is_started, f"the start hook's end on {host.name}")

    def list_runs(self) -> Iterator[tuple[MachineHost, Run]]:
        """Give every run that a state file tells of."""
        for host in self.hosts:
            found = host.find_runs()
            assert not found.errors, [error.message for error in found.errors]
            for entry in found.runs:
                yield host, entry.run

    def end(self) -> None:
        """End everything that runs."""
        for host in self.living:
            host.die()


def _age_claim(path: Path, kept: set[str]) -> bool:
    """Set a claim's time back by three hours, unless it is of a run that is ``kept`` fresh."""
    lines = path.read_text("utf-8").splitlines()
    fields = dict(line.split("=", 1) for line in lines if "=" in line)
    if fields.get("run") in kept or "time" not in fields:
        return False
    then = clock.parse_utc(fields["time"]) - timedelta(hours=3)
    aged = [f"time={clock.format_utc(then)}" if x.startswith("time=") else x for x in lines]
    path.write_text("".join(f"{line}\n" for line in aged), "utf-8")
    return True
