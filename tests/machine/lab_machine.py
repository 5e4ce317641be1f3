"""The state machine: whatever can happen to hosts and their backups, in any order and length."""

from hypothesis import strategies as st
from hypothesis.stateful import initialize
from machine_admin_rules import AdministratorRules
from machine_backup_rules import HOSTS, BackupRules
from machine_base import step
from machine_host_rules import HostRules


class LabMachine(BackupRules, AdministratorRules, HostRules):
    """All rules together."""

    @initialize(hosts=st.sets(HOSTS).map(sorted))
    def begin(self, hosts: list[int]) -> None:
        """On some hosts a backup is under way from the beginning: most steps are dull without."""
        for host in hosts:
            self.begin_backup(host=host)

    @step(avtars_end=st.booleans(), waits_for_guards=st.booleans())
    def peace(self, avtars_end: bool, waits_for_guards: bool) -> bool:
        """Everything ends, each host reaps once, and nothing of ours is left."""
        self.make_peace(avtars_end=avtars_end, waits_for_guards=waits_for_guards)
        return True
