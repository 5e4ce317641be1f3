"""Two datasets at once: two avtars on one client, each with its own log, cache and lock file."""

from pathlib import Path

import pytest
from avtar_kit import HOOKS, WAITING_HOOK, is_running, read_pid, start_avtar
from lab_kit import find_vm, make_lab, make_python_hooks, run_vmware_cmd

from hlb_hooks.lab.client.store import Store
from hlb_hooks.lab.evidence import list_instants
from hlb_hooks.lab.host.disks import read_vm_disks
from hlb_hooks.lab.host.guests import start_guests, stop_guests
from hlb_hooks.lab.layout import Lab
from hlb_hooks.lab.sample_vms import SampleDisk, SampleVm

DISK = SampleDisk(4 * 1024 * 1024)
VMS = [SampleVm("gold", disks=(DISK,)), SampleVm("silver", disks=(DISK, DISK))]
LABELS = ("gold", "silver")


def make_waiting_lab(folder: Path) -> Lab:
    hooks = make_python_hooks({"initial_backup": WAITING_HOOK})
    return make_lab(folder / "lab", VMS, render_hook=hooks)


def test_the_hooks_of_two_datasets_run_side_by_side_and_both_backups_are_right(
    tmp_path: Path,
) -> None:
    lab = make_waiting_lab(tmp_path)
    start_guests(lab)
    try:
        for label in LABELS:
            run_vmware_cmd(
                lab, find_vm(lab, label).config, "createsnapshot", "HLB-a", "x", "1", "0"
            )
        logs = {label: lab.vardir / f"clientlogs/{label}.log" for label in LABELS}
        words = {
            label: (
                "--create",
                f"--label={label}",
                f"--logfile={logs[label]}",
                "--lab-read-delay=0.02",
                *HOOKS,
                find_vm(lab, label).folder,
            )
            for label in LABELS
        }
        with (
            start_avtar(lab, tmp_path / "gold", *words["gold"]) as gold,
            start_avtar(lab, tmp_path / "silver", *words["silver"]) as silver,
        ):
            hooks = [read_pid(tmp_path / label / "initial_backup") for label in LABELS]
            assert all(is_running(pid) for pid in hooks)
            for label in LABELS:
                (tmp_path / label / "go").touch()
            for avtar, label in ((gold, "gold"), (silver, "silver")):
                outcome = avtar.finish()
                assert outcome.exit_code == 0
                assert outcome.stdout == logs[label].read_text()
                assert f'lock file "{lab.vardir}/{label}_avtar.lck"' in outcome.stdout
    finally:
        stop_guests(lab)
    backups = {backup.label: backup for backup in Store(lab.store).list_backups()}
    assert sorted(backups) == ["gold", "silver"]
    assert sorted(backup.number for backup in backups.values()) == [1, 2]
    for label in LABELS:
        stored = {file.path: file.sha256 for file in backups[label].files}
        (instant,) = list_instants(lab, find_vm(lab, label))
        for disk in instant.disks:
            assert stored[str(disk.data_files[-1])] == disk.sha256
        assert (lab.vardir / f"{label}_f_cache.dat").exists()
        assert not (lab.vardir / f"{label}_avtar.lck").exists()
    assert len(read_vm_disks(find_vm(lab, "silver"))) == 2


@pytest.mark.parametrize(("collision", "exit_code"), [("fail", 157), ("wait", 0)])
def test_of_one_dataset_the_second_avtar_fails_or_waits_after_its_start_hook(
    tmp_path: Path, collision: str, exit_code: int
) -> None:
    lab = make_lab(tmp_path / "lab", VMS)
    folder = find_vm(lab, "gold").folder
    words = ("--create", "--label=x", *HOOKS, folder)
    with start_avtar(lab, tmp_path / "first", "--lab-read-delay=60", *words) as first:
        first.wait_for_log("Loading cache files")
        second_words = (f"--lab-lock-collision={collision}", *words)
        with start_avtar(lab, tmp_path / "second", *second_words) as second:
            second.wait_for_log("Creating process lock file")
            if collision == "wait":
                first.process.terminate()
                first.finish()
            outcome = second.finish()
    assert outcome.exit_code == exit_code
    assert "Back from run-at-start, exit code 0" in outcome.stdout
    assert "Back from run-at-end, exit code 0" in outcome.stdout
    said = f'Process lock file "{lab.vardir}/x_avtar.lck" belongs to another avtar'
    assert (said in outcome.stdout) == (collision == "fail")
    assert len(Store(lab.store).list_backups()) == (collision == "wait")


def test_the_lock_file_of_an_avtar_that_was_killed_stops_nobody(tmp_path: Path) -> None:
    lab = make_lab(tmp_path / "lab", VMS)
    words = ("--create", "--label=x", find_vm(lab, "gold").folder)
    with start_avtar(lab, tmp_path / "first", "--lab-read-delay=60", *words) as first:
        first.wait_for_log("Loading cache files")
        first.process.kill()
        first.finish()
    assert (lab.vardir / "x_avtar.lck").read_text() == f"{first.pid}\n"
    with start_avtar(lab, tmp_path / "second", *words) as second:
        assert second.finish().exit_code == 0


def test_a_label_of_any_characters_makes_a_file_name(tmp_path: Path) -> None:
    lab = make_lab(tmp_path / "lab", VMS)
    words = ("--create", "--label=../a b#1", find_vm(lab, "gold").folder)
    with start_avtar(lab, tmp_path / "run", *words) as avtar:
        assert f'"{lab.vardir}/..-a-b-1_avtar.lck"' in avtar.finish().stdout
