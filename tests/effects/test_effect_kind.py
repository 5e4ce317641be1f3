"""Every effect says whether it reads or changes the world, where it is defined."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator

import pytest

import hlb_hooks.effects
from hlb_hooks.effects.effect_kind import EffectKind, changes, declared_kind, reads

MODULES = sorted(module.name for module in pkgutil.iter_modules(hlb_hooks.effects.__path__))
# They look at their arguments alone, let go of what they hold, or only put things together; a
# command has its kind as a value. Whatever else an effect's module offers declares its kind.
PURE = {
    "bundle.Effects.name_run",
    "bundle.Effects.open_host",
    "bundle.Effects.open_metrics",
    "bundle.Effects.open_reports",
    "bundle.Effects.open_restore",
    "bundle.Effects.open_store",
    "bundle.make_effects",
    "bundle.make_mute_effects",
    "claims.Claim.from_bytes",
    "claims.Claim.to_bytes",
    "claims.claim_path",
    "claims.saved_vmx_path",
    "client_scripts.is_probe",
    "commands.CommandRunner.converse",
    "commands.CommandRunner.prepare",
    "commands.CommandRunner.run",
    "datastore_labels.list_aliases",
    "effect_kind.changes",
    "effect_kind.declared_kind",
    "effect_kind.reads",
    "journal.Journal.close",
    "journal.MemoryJournal.close",
    "journal.WrittenJournal.close",
    "journal.keep_in_memory",
    "owner.LeaseOwner.describe",
    "owner.LeaseOwner.to_details",
    "owner.ProcessOwner.describe",
    "owner.ProcessOwner.to_details",
    "owner.owner_from_details",
    "owner_log.OwnerLog.to_details",
    "owner_log.find_log_path",
    "owner_log.owner_log_from_details",
    "probe_watchers.read_identity",
    "records.decode_records",
    "records.encode_record",
    "records.make_record",
    "restore_work.RestoreWork.edit",
    "restore_work.RestoreWork.put_aside",
    "restore_work.RestoreWork.replace",
    "restored_disks.cannot_read",
    "restored_disks.resolve_or_nothing",
    "restored_folder.RestoredFolder.find_below",
    "restored_folder.RestoredFolder.holds",
    "restored_folder.RestoredFolder.is_kept",
    "restored_folder.RestoredFolder.shorten",
    "run_digest.RunDigest.may_have_closed",
    "run_digest.digest_run",
    "run_digest.is_closed",
    "run_digest.name_folder",
    "run_store.cannot_write",
    "run_store.state_path",
    "run_story.Run.apply",
    "run_story.tell_run",
    "snapshot_work.may_remove",
    "state_file.StateFile.close",
    "terminal.Terminal.take",
    "terminal.Terminal.talk",
    "vm_files.datastore_of",
    "vm_files.volume_of",
    "vm_files.working_folder",
    "vm_story.Attempt.apply",
    "vm_story.VmStory.apply",
    "vm_story.decode_disks",
    "vm_story.encode_disks",
    "vmware_answers.raise_if_refused",
    "vmware_answers.read_done",
    "vmware_answers.read_has_snapshot",
    "vmware_answers.read_inventory",
    "vmware_answers.read_power_state",
    "vmware_answers.read_refusal",
    "vmware_power.VmPower.answer",
    "vmware_power.VmPower.register",
    "vmware_power.VmPower.start",
    "vmware_question.read_question",
}
CHANGES = {
    "claim_turns.taking_turn",
    "claims.adopt_claim",
    "claims.refresh_claim",
    "claims.remove_claim",
    "claims.take_claim",
    "control_group.leave_control_group",
    "forgetting.forget_run",
    "guard_process.GuardStarter.start",
    "guard_process.GuardStarter.wait_until_ready",
    "guard_process.Guards.start",
    "guard_process.Guards.wait_until_ready",
    "guard_process.RehearsedGuards.start",
    "guard_process.RehearsedGuards.wait_until_ready",
    "guard_process.say_ready",
    "holds.write_holds",
    "journal.Journal.end",
    "journal.Journal.note",
    "journal.Journal.record",
    "journal.MemoryJournal.end",
    "journal.MemoryJournal.note",
    "journal.MemoryJournal.record",
    "journal.WrittenJournal.end",
    "journal.WrittenJournal.note",
    "journal.WrittenJournal.record",
    "metrics_file.Metrics.publish",
    "metrics_file.MetricsFile.publish",
    "metrics_file.RehearsedMetrics.publish",
    "output_file.write_output_file",
    "probe_records.ProbeRecord.note",
    "probe_records.write_settings",
    "probe_scripts.install_probe",
    "probe_scripts.remove_probe",
    "probe_watchers.start_watchers",
    "reap_trace.write_reap_trace",
    "rehearsed_snapshots.RehearsedSnapshots.adopt_claim",
    "rehearsed_snapshots.RehearsedSnapshots.drop_claim",
    "rehearsed_snapshots.RehearsedSnapshots.make",
    "rehearsed_snapshots.RehearsedSnapshots.refresh_claim",
    "rehearsed_snapshots.RehearsedSnapshots.remove",
    "rehearsed_store.RehearsedStateFolder.begin",
    "rehearsed_store.RehearsedStateFolder.beginning",
    "rehearsed_store.RehearsedStateFolder.forget",
    "rehearsed_store.RehearsedStateFolder.note_reap",
    "rehearsed_store.RehearsedStateFolder.save_holds",
    "rehearsed_store.RehearsedStateFolder.save_index",
    "rehearsed_store.RehearsedStateFolder.take_over",
    "rehearsed_store.RehearsedStateFolder.tidying",
    "published_files.publish_file",
    "report_files.RehearsedReports.drop",
    "report_files.RehearsedReports.leave",
    "report_files.ReportFiles.drop",
    "report_files.ReportFiles.leave",
    "report_files.Reports.drop",
    "report_files.Reports.leave",
    "replaced_files.replace_file",
    "replaced_files.sync_folder",
    "restore_work.FolderWork.edit",
    "restore_work.FolderWork.put_aside",
    "restore_work.FolderWork.replace",
    "restore_work.RehearsedFolderWork.edit",
    "restore_work.RehearsedFolderWork.put_aside",
    "restore_work.RehearsedFolderWork.replace",
    "run_index.write_index",
    "run_store.RunStore.begin",
    "run_store.RunStore.beginning",
    "run_store.RunStore.forget",
    "run_store.RunStore.note_reap",
    "run_store.RunStore.save_holds",
    "run_store.RunStore.save_index",
    "run_store.RunStore.take_over",
    "run_store.RunStore.tidying",
    "run_store.StateFolder.begin",
    "run_store.StateFolder.beginning",
    "run_store.StateFolder.forget",
    "run_store.StateFolder.note_reap",
    "run_store.StateFolder.save_holds",
    "run_store.StateFolder.save_index",
    "run_store.StateFolder.take_over",
    "run_store.StateFolder.tidying",
    "snapshot_work.Snapshots.adopt_claim",
    "snapshot_work.Snapshots.drop_claim",
    "snapshot_work.Snapshots.make",
    "snapshot_work.Snapshots.refresh_claim",
    "snapshot_work.Snapshots.remove",
    "snapshots.HostSnapshots.adopt_claim",
    "snapshots.HostSnapshots.drop_claim",
    "snapshots.HostSnapshots.make",
    "snapshots.HostSnapshots.refresh_claim",
    "snapshots.HostSnapshots.remove",
    "state_file.StateFile.append",
    "state_file.StateFile.create",
    "state_file.StateFile.drop_interrupted_write",
    "state_file.StateFile.lock_or_raise",
    "state_file.StateFile.unlock",
    "vmware_cmd.VmwareCmd.create_snapshot",
    "vmware_cmd.VmwareCmd.remove_all_snapshots",
    "vmware_power.RehearsedPower.answer",
    "vmware_power.RehearsedPower.register",
    "vmware_power.RehearsedPower.start",
    "vmware_power.VmwarePower.answer",
    "vmware_power.VmwarePower.register",
    "vmware_power.VmwarePower.start",
}


def list_effects() -> Iterator[tuple[str, Callable[..., object]]]:
    """Give each public function and method of the effects, with its name."""
    for module_name in MODULES:
        module = importlib.import_module(f"hlb_hooks.effects.{module_name}")
        for name, value in vars(module).items():
            if name.startswith("_") or getattr(value, "__module__", "") != module.__name__:
                continue
            if inspect.isfunction(value):
                yield f"{module_name}.{name}", value
            elif inspect.isclass(value) and not issubclass(value, BaseException):
                for method_name, method in vars(value).items():
                    function = getattr(method, "__func__", method)
                    if not method_name.startswith("_") and inspect.isfunction(function):
                        yield f"{module_name}.{name}.{method_name}", function


EFFECTS = dict(list_effects())


def test_every_effect_is_declared() -> None:
    undeclared = {name for name, effect in EFFECTS.items() if declared_kind(effect) is None}
    assert sorted(undeclared) == sorted(PURE)


def test_what_changes_the_world_is_known_by_name() -> None:
    found = {
        name for name, effect in EFFECTS.items() if declared_kind(effect) is EffectKind.CHANGES
    }
    assert sorted(found) == sorted(CHANGES)


@pytest.mark.parametrize("real", ["HostSnapshots", "StateFolder", "GuardStarter", "WrittenJournal"])
def test_a_rehearsal_declares_what_the_real_thing_does(real: str) -> None:
    rehearsed = {
        "HostSnapshots": "RehearsedSnapshots",
        "StateFolder": "RehearsedStateFolder",
        "GuardStarter": "RehearsedGuards",
        "WrittenJournal": "MemoryJournal",
    }[real]

    def kinds_of(name: str) -> dict[str, EffectKind | None]:
        return {
            key.rpartition(".")[2]: declared_kind(effect)
            for key, effect in EFFECTS.items()
            if key.split(".")[1] == name
        }

    assert kinds_of(real) == kinds_of(rehearsed) != {}


def test_a_declaration_leaves_the_function_as_it_is() -> None:
    def double(number: int) -> int:
        return number * 2

    assert declared_kind(double) is None
    assert reads(double) is double
    assert declared_kind(double) is EffectKind.READS
    assert declared_kind(changes(double)) is EffectKind.CHANGES
    assert double(2) == 4
