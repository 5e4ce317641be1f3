"""Peace: every fault is over, everybody has ended, and one ``hlb reap`` has run on each host."""

import signal
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import machine_checks
from machine_host import CREATE_TIMEOUT_SECONDS, SETTLE_TIMEOUT_SECONDS, MachineHost
from machine_model import Model
from machine_site import OLD_UPTIME_SECONDS, PATIENCE_SECONDS, MachineSite

from hlb_hooks.base import clock
from hlb_hooks.effects.claims import read_claim
from hlb_hooks.effects.vm_story import AttemptState, VmStory
from hlb_hooks.lab.host import operate
from hlb_hooks.lab.host.disks import read_vm_disks
from hlb_hooks.lab.host.faults import clear_faults
from hlb_hooks.lab.host.hosts import drop_stale_registrations
from hlb_hooks.lab.host.outage import end_restart
from hlb_hooks.lab.host.registry import HostFault, RegisteredVm, read_registry
from hlb_hooks.lab.layout import Lab

_MARGIN_SECONDS = 1.5
_GUARD_LIMIT_SECONDS = 90.0
# Where a VM has left its host, one reap lets go of it, the next takes it, the third hears of it.
_ROUNDS = 3


class Peace:
    """Bringing a site to rest, and what must hold then."""

    def __init__(self, site: MachineSite, model: Model) -> None:
        self._site = site
        self._model = model

    def make(self, *, avtars_end: bool, waits_for_guards: bool) -> None:
        """Let everything end: avtars by themselves or by a kill, guards too."""
        site = self._site
        for host in site.living:
            host.mend()
            clear_faults(host.lab)
            end_restart(host.lab)
            drop_stale_registrations(host.lab, [each.lab for each in site.living if each != host])
        for host in site.living:
            self._end_programs(host, avtars_end=avtars_end)
        for host in site.living:
            self._wait_until(self._has_no_tasks, host, "the tasks")
            self._end_guards(host, waits_for_guards=waits_for_guards)
        self._let_intents_age()
        for host in site.living:
            self._consolidate(host)
            if host.up.uptime_seconds < OLD_UPTIME_SECONDS:
                host.up.let_time_pass(OLD_UPTIME_SECONDS)
        for _ in range(_ROUNDS):
            for host in site.living:
                site.wait_for(host, host.start_hlb("reap"))
            if not any(run.unsettled_vms for _, run in site.list_runs()):
                return
            site.age_claims()

    def check(self) -> None:
        """Nothing of ours is left, but where it cannot be taken away."""
        recorded = {
            name
            for _, run in self._site.list_runs()
            for vm in run.unsettled_vms
            for name in vm.attempts
        }
        for vmx in machine_checks.list_vmx_files(self._site):
            ours = machine_checks.list_ours(vmx)
            if ours and self._is_excused(vmx):
                assert set(ours) <= recorded, f"{vmx}: nobody will ever remove {ours}"
            elif self._site.list_registrations(vmx):
                assert not ours, f"{vmx}: after a reap there is still {ours}"
                found = list_leftovers(vmx)
                assert not found, f"after a reap there are still {found}"
        for host in self._site.living:
            runs = [entry.run for entry in host.find_runs().runs]
            for run in runs:
                excused = [vm for vm in run.unsettled_vms if self._is_excused(Path(vm.place))]
                assert run.is_ended or excused, (
                    f"{host.name}: after a reap run {run.name} has not ended: "
                    f"{[(vm.place, vm.flags, vm.troubles) for vm in run.unsettled_vms]}"
                )
            self._check_status(host, [vm for run in runs for vm in run.open_vms])

    def _check_status(self, host: MachineHost, open_vms: list[VmStory]) -> None:
        """Whoever asks is told what is open still, and that somebody has to do something."""
        program = host.start_hlb("status")
        self._site.wait_for(host, program)
        said = program.output.read_text("utf-8").partition("last success of each VM")[0]
        for vm in open_vms:
            assert vm.place in said, f"hlb status does not speak of {vm.place}:\n{said}"
        assert program.exit_code == (4 if open_vms else 0), said

    def _is_excused(self, vmx: Path) -> bool:
        """Whether what is left on a VM has to wait for a person."""
        hosts = self._site.list_registrations(vmx)
        if not vmx.exists() or not hosts:
            return True
        return bool(machine_checks.list_foreign(vmx)) or looks_like_copy(vmx, hosts)

    def _end_programs(self, host: MachineHost, *, avtars_end: bool) -> None:
        for avtar in host.avtars:
            assert avtar.barrier is not None
            (avtar.barrier / "continue").touch()
            if not avtars_end:
                host.up.send_signal(avtar.pid, signal.SIGKILL)

        def has_ended(host: MachineHost) -> bool:
            host.update_programs()
            return not host.running and not host.list_hooks()

        self._wait_until(has_ended, host, "the programs")

    def _end_guards(self, host: MachineHost, *, waits_for_guards: bool) -> None:
        """Let the guards finish, but those that have to wait for the clock or for a person."""

        def has_finished(host: MachineHost) -> bool:
            return not host.list_guards() or self._needs_others(host)

        if waits_for_guards and host.up.uptime_seconds >= OLD_UPTIME_SECONDS:
            self._wait_until(has_finished, host, "the guards", _GUARD_LIMIT_SECONDS)
        for guard in host.list_guards():
            host.up.send_signal(guard.pid, signal.SIGKILL)
        self._wait_until(lambda host: not host.list_guards(), host, "the guards that were killed")

    def _wait_until(
        self,
        question: Callable[[MachineHost], bool],
        host: MachineHost,
        who: str,
        limit_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """Wait for the end of ``who`` on a host, and answer what its VMs ask meanwhile."""

        def is_over() -> bool:
            self._answer_questions()
            return question(host)

        self._site.wait_until(is_over, f"the end of {who} on {host.name}", limit_seconds)

    def _answer_questions(self) -> None:
        for host in self._site.living:
            for vm in read_registry(host.lab):
                if vm.power == "stuck":
                    with suppress(HostFault):
                        operate.answer_question(host.lab, vm.config)

    @staticmethod
    def _has_no_tasks(host: MachineHost) -> bool:
        return not host.list_processes("hostd-task")

    def _needs_others(self, host: MachineHost) -> bool:
        """Whether a run of the host waits for a person, or for the host that has its VM now."""
        places = [
            Path(vm.place) for entry in host.find_runs().runs for vm in entry.run.unsettled_vms
        ]
        return any(
            self._is_excused(place)
            or has_stray_deltas(host.lab, place)
            or host not in self._site.list_registrations(place)
            for place in places
        )

    def _consolidate(self, host: MachineHost) -> None:
        """Do what the report asks a person for: merge deltas that no list of snapshots explains."""
        for vm in read_registry(host.lab):
            if has_stray_deltas(host.lab, vm.config):
                operate.take_snapshot(host.lab, vm.config, "to consolidate")
                operate.delete_all_snapshots(host.lab, vm.config)
                self._model.list_foreign(vm.config).clear()

    def _let_intents_age(self) -> None:
        """Wait until a snapshot that was asked for and is not there can come no more."""
        patience = CREATE_TIMEOUT_SECONDS + SETTLE_TIMEOUT_SECONDS + _MARGIN_SECONDS
        intents = [
            attempt.intended
            for _, run in self._site.list_runs()
            for vm in run.vms.values()
            for attempt in vm.attempts.values()
            if attempt.state is AttemptState.UNCLEAR
        ]
        if intents:
            ripe = max(intents) + timedelta(seconds=patience)
            self._site.let_pass((ripe - clock.read_utc_now()).total_seconds())


def looks_like_copy(vmx: Path, hosts: list[MachineHost]) -> bool:
    """Whether another host's VM has come to ``hosts`` under another path: moved, or restored."""
    claim = read_claim(str(vmx))
    if claim is None or not claim.vmx or Path(claim.vmx) == vmx:
        return False
    return claim.host not in {host.name for host in hosts}


def has_stray_deltas(lab: Lab, vmx: Path) -> bool:
    """Whether a disk of a VM has a delta that the .vmsd does not explain, or only by a helper."""
    with lab.hold_vm(vmx):
        if not vmx.exists():
            return False
        names = machine_checks.read_snapshot_names(vmx)
        chains = [disk.link_paths for disk in read_vm_disks(RegisteredVm(vmx, "off"))]
    is_helped = any(name.startswith(machine_checks.HELPER) for name in names)
    return is_helped or any(len(chain) - 1 > len(names) for chain in chains)


def list_leftovers(vmx: Path) -> list[str]:
    """Name what is left of ours on a VM that bears no snapshot of ours any more."""
    shapes = ["*.hlb*"]
    if not machine_checks.list_foreign(vmx):
        shapes += ["*-delta.vmdk", "*-[0-9][0-9][0-9][0-9][0-9][0-9].vmdk", "*.vmsn"]
    return sorted(str(path) for shape in shapes for path in vmx.parent.glob(shape))
