"""Rules: what happens to a whole host, to its files, and to the answers it gives."""

import machine_checks
from hypothesis import strategies as st
from machine_backup_rules import HOSTS
from machine_base import VMS, MachineBase, step
from machine_site import OLD_UPTIME_SECONDS

from hlb_hooks.lab.host.faults import (
    BACKUP_ACTIONS,
    KINDS,
    Fault,
    add_fault,
    clear_faults,
    list_faults,
)
from hlb_hooks.lab.host.hosts import drop_stale_registrations, fail_over, restart_hostd

_MOST_FAULTS = 2
# 0 is for ever, where a kind waits for somebody; the longest outlasts every limit of the hooks.
_SECONDS = (0.0, 0.1, 0.4, 0.8, 6.0)


class HostRules(MachineBase):
    """Boots and deaths, and what goes wrong with a host's own files and answers."""

    @step(host=HOSTS, is_long_ago=st.booleans())
    def reboot(self, host: int, is_long_ago: bool) -> bool:
        """Everything that runs ends at once; the clock starts anew, or is 31 minutes on."""
        chosen = self.pick_host(host)
        if chosen is None:
            return False
        chosen.die()
        chosen.boot(OLD_UPTIME_SECONDS if is_long_ago else 1.0)
        return True

    @step(host=HOSTS, fails_over=st.booleans())
    def let_host_die(self, host: int, fails_over: bool) -> bool:
        """A host is gone, and the other one starts its VMs, or does not."""
        if len(self.site.living) <= 1:
            return False
        chosen = self.site.living[host]
        chosen.die()
        if fails_over:
            fail_over(chosen.lab, self.site.living[0].lab)
        return True

    @step(is_tidy=st.booleans(), is_long_ago=st.booleans())
    def bring_back(self, is_tidy: bool, is_long_ago: bool) -> bool:
        """The dead host is switched on; it may still list what the other has by now."""
        if not self.site.fallen:
            return False
        chosen = self.site.fallen[0]
        chosen.boot(OLD_UPTIME_SECONDS if is_long_ago else 1.0)
        if is_tidy:
            others = [each.lab for each in self.site.hosts if each is not chosen]
            drop_stale_registrations(chosen.lab, others)
        return True

    @step(host=HOSTS)
    def let_half_an_hour_pass(self, host: int) -> bool:
        """The wait after a boot is over for whatever begins from now on."""
        chosen = self.pick_host(host)
        if chosen is None or chosen.up.uptime_seconds >= OLD_UPTIME_SECONDS:
            return False
        chosen.up.let_time_pass(OLD_UPTIME_SECONDS)
        return True

    @step()
    def let_claims_grow_stale(self) -> bool:
        """Two hours pass for the claims that no guard and no client keeps fresh."""
        return self.site.age_claims() > 0

    @step(host=HOSTS)
    def break_config(self, host: int) -> bool:
        """Somebody makes a mistake in hlb.toml."""
        chosen = self.pick_host(host)
        if chosen is None or chosen.is_config_broken:
            return False
        chosen.break_config()
        return True

    @step(host=HOSTS)
    def make_state_read_only(self, host: int) -> bool:
        """The disk of the state folder goes read-only."""
        chosen = self.pick_host(host)
        if chosen is None or chosen.is_state_read_only:
            return False
        chosen.set_state_read_only(is_read_only=True)
        return True

    @step()
    def mend(self) -> bool:
        """All of that is mended."""
        if not any(host.is_config_broken or host.is_state_read_only for host in self.site.living):
            return False
        for host in self.site.living:
            host.mend()
        return True

    @step(
        host=HOSTS,
        kind=st.sampled_from(sorted(KINDS)),
        times=st.integers(1, 3),
        seconds=st.sampled_from(_SECONDS),
        vm=st.one_of(st.none(), VMS),
        action=st.sampled_from(("*", *BACKUP_ACTIONS)),
    )
    def add_fault(
        self, host: int, kind: str, times: int, seconds: float, vm: int | None, action: str
    ) -> bool:
        """The host's next answers are lies, late, or none."""
        chosen = self.pick_host(host)
        if chosen is None or len(list_faults(chosen.lab)) >= _MOST_FAULTS:
            return False
        vms = machine_checks.list_vmx_files(self.site)
        pattern = "*" if vm is None else vms[vm % len(vms)].parent.name
        if action not in KINDS[kind]:
            action = "*"
        add_fault(chosen.lab, Fault(kind, action, pattern, times, seconds))
        return True

    @step()
    def clear_faults(self) -> bool:
        """The hosts behave again."""
        if not any(list_faults(host.lab) for host in self.site.living):
            return False
        for host in self.site.living:
            clear_faults(host.lab)
        return True

    @step(host=HOSTS, seconds=st.sampled_from(_SECONDS[1:]))
    def restart_hostd(self, host: int, seconds: float) -> bool:
        """The management daemon is away for a while."""
        chosen = self.pick_host(host)
        if chosen is None:
            return False
        restart_hostd(chosen.lab, seconds)
        return True
