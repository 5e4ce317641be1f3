"""The set of effects a step works with: the real one, or the one that only rehearses.

The entry point picks; no step and no function below is told which it has.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hlb_hooks.base import clock
from hlb_hooks.base.config import Config
from hlb_hooks.base.names import make_run_name
from hlb_hooks.base.speech import MuteSpeaker, RehearsalSpeaker, Speaker
from hlb_hooks.effects.commands import CommandRunner
from hlb_hooks.effects.guard_process import Guards, GuardStarter, RehearsedGuards
from hlb_hooks.effects.metrics_file import Metrics, MetricsFile, RehearsedMetrics
from hlb_hooks.effects.rehearsed_snapshots import RehearsedSnapshots
from hlb_hooks.effects.rehearsed_store import RehearsedStateFolder
from hlb_hooks.effects.report_files import RehearsedReports, ReportFiles, Reports
from hlb_hooks.effects.run_store import RunStore, StateFolder
from hlb_hooks.effects.snapshot_work import Snapshots
from hlb_hooks.effects.snapshots import HostSnapshots
from hlb_hooks.effects.vmware_cmd import VmwareCmd
from hlb_hooks.effects.vmware_power import RehearsedPower, VmPower, VmwarePower

if TYPE_CHECKING:
    from hlb_hooks.effects.restore_work import RestoreWork

DRY_RUN = "dry-run"


@dataclass(frozen=True)
class HostEffects:
    """One run's dealings with the hypervisor: the driver's readings, and the changes."""

    driver: VmwareCmd
    snapshots: Snapshots
    power: VmPower


@dataclass(frozen=True)
class Effects:
    """Whether the world may be changed, and everything made accordingly."""

    may_change: bool
    speaker: Speaker
    guards: Guards

    def name_run(self, job: str) -> str:
        """Give a new run's name; a rehearsal has none, and nobody must take it for a run."""
        return make_run_name(job, clock.read_utc_now()) if self.may_change else DRY_RUN

    def open_store(self, state_dir: str) -> RunStore:
        """Give the state folder."""
        return StateFolder(state_dir) if self.may_change else RehearsedStateFolder(state_dir)

    def open_host(self, config: Config, run: str) -> HostEffects:
        """Give the host as ``config`` reaches it, for the run's name."""
        snapshot = config.snapshot
        program = config.host.vmware_cmd
        runner = CommandRunner(run=run, may_change=self.may_change)
        driver = VmwareCmd(
            program=program,
            runner=runner,
            command_timeout_seconds=config.host.command_timeout_seconds,
            create_timeout_seconds=snapshot.create_timeout_seconds,
            remove_timeout_seconds=snapshot.remove_timeout_seconds,
        )
        if not self.may_change:
            return HostEffects(
                driver,
                RehearsedSnapshots(program, self.speaker),
                RehearsedPower(program, self.speaker),
            )
        return HostEffects(
            driver,
            HostSnapshots(driver, snapshot.settle_timeout_seconds, snapshot.remove_timeout_seconds),
            VmwarePower(program, runner, config.host.power_timeout_seconds),
        )

    def open_metrics(self) -> Metrics:
        """Give what publishes the metrics."""
        return MetricsFile() if self.may_change else RehearsedMetrics()

    def open_reports(self) -> Reports:
        """Give what leaves reports behind."""
        return ReportFiles() if self.may_change else RehearsedReports()

    def open_restore(self) -> "RestoreWork":
        """Give what changes the files of a VM that was put back."""
        # The hooks, which have a backup waiting, restore nothing.
        from hlb_hooks.effects.restore_work import FolderWork, RehearsedFolderWork

        return FolderWork() if self.may_change else RehearsedFolderWork(self.speaker)


def make_mute_effects(language: str) -> Effects:
    """Give the read-only set for who wants a document: it says nothing of what it does."""
    speaker = MuteSpeaker(language)
    return Effects(may_change=False, speaker=speaker, guards=RehearsedGuards(speaker))


def make_effects(language: str, *, may_change: bool) -> Effects:
    """Give the real set, or the read-only one, speaking ``language``."""
    speaker = Speaker(language) if may_change else RehearsalSpeaker(language)
    guards = GuardStarter() if may_change else RehearsedGuards(speaker)
    return Effects(may_change, speaker, guards)
