"""Snapshots that come too late, copies of VMs, and what else stood in the way of an end."""

import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from hook_kit import Site
from hook_watching import kill_guards, picture, wait_until
from two_hosts_kit import abandon_claim, reap, removals

from hlb_hooks.base import clock

# After the last look of the guard, which comes 1, 2 and 4 seconds apart.
LATE_SECONDS = 9


def test_a_snapshot_that_comes_after_the_run_has_ended_is_reaped(site: Site) -> None:
    site.configure(snapshot={"create_timeout_seconds": 1, "settle_timeout_seconds": 1})
    timed_out = {"command": "createsnapshot", "exit_code": 7, "text": "VMControl error -7: Timeout"}
    site.host.configure(fail=[{**timed_out, "effect": "later", "later_seconds": LATE_SECONDS}])
    (vmx,) = site.add_vms(1)
    story = site.back_up()
    assert story.start.flags(vmx) == ["FAILED_snap"]
    wait_until(site.is_settled, "the run's end, while the host is still at it")
    wait_until(lambda: site.host.snapshots(vmx), "the late snapshot")
    assert removals(site) == []
    done = reap(site)
    assert done.exit_code == 0, done.stdout
    assert site.leftovers() == []
    assert removals(site) == [vmx]


def test_a_copy_out_of_a_backup_is_never_merged(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    aside = site.root / "what the client read"
    with site.avtar() as avtar:
        avtar.wait_started()
        shutil.copytree(Path(vmx).parent, aside)
        avtar.finish()
    site.wait_settled()
    shutil.rmtree(Path(vmx).parent)
    shutil.copytree(aside, Path(vmx).parent)
    before = picture(Path(vmx).parent)
    calls = removals(site)
    done = reap(site)
    assert done.exit_code == 4
    assert "a copy of a VM as it was under snapshot HLB-" in done.stdout
    assert "next step: put its disks back on their bases" in done.stdout
    assert picture(Path(vmx).parent) == before
    assert removals(site) == calls


def test_a_copy_of_a_time_whose_state_files_were_deleted_is_never_merged(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    aside = site.root / "what the client read"
    with site.avtar() as avtar:
        avtar.wait_started()
        shutil.copytree(Path(vmx).parent, aside)
        avtar.finish()
    site.wait_settled()
    # As after [run] keep_days: the run that knew the snapshot is gone, and the day it was is not.
    site.state_file.unlink()
    tomorrow = clock.format_utc(clock.read_utc_now() + timedelta(days=1))
    (site.state_dir / "forgotten-until").write_text(tomorrow, "ascii")
    shutil.rmtree(Path(vmx).parent)
    shutil.copytree(aside, Path(vmx).parent)
    abandon_claim(vmx)
    before = picture(Path(vmx).parent)
    calls = removals(site)
    done = reap(site)
    assert done.exit_code == 4
    assert "of a time whose state files were deleted ([run] keep_days)" in done.stdout
    assert picture(Path(vmx).parent) == before
    assert removals(site) == calls
    # What was made since is adopted as ever.
    (site.state_dir / "forgotten-until").write_text("2020-01-01T00:00:00Z", "ascii")
    assert reap(site).exit_code == 0
    assert removals(site) != calls


def test_a_copy_beside_the_original_on_a_host_without_its_state_is_left_alone(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    with site.avtar() as avtar:
        avtar.wait_started()
        copy = Path(vmx).parent.with_name("copy")
        shutil.copytree(Path(vmx).parent, copy)
        avtar.finish()
    site.wait_settled()
    site.state_file.unlink()
    twin = copy / Path(vmx).name
    site.host.register(str(twin))
    claim = twin.with_suffix(".hlb-claim")
    text = claim.read_text("utf-8")
    stamp = text.partition("time=")[2].strip()
    claim.write_text(text.replace(stamp, "2020-01-01T00:00:00Z"), "utf-8")
    before = picture(copy)
    assert reap(site).exit_code == 4
    assert picture(copy) == before


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_a_claim_that_cannot_be_read_keeps_no_snapshot_open(site: Site, kind: str) -> None:
    (vmx,) = site.add_vms(1)
    claim = Path(vmx).with_suffix(".hlb-claim")
    with site.avtar() as avtar:
        avtar.wait_started()
        claim.unlink()
        claim.mkdir() if kind == "folder" else os.mkfifo(claim)
        story = avtar.finish()
    assert story.ended.flags(vmx) == ["OK_snap", "OK_umount"]
    assert site.host.snapshots(vmx) == []
    assert "claim could not be removed" in story.ended.words(vmx)


def test_a_run_whose_guard_is_gone_gets_another_from_the_reaper_while_its_client_lives(
    site: Site,
) -> None:
    (vmx,) = site.add_vms(1)
    with site.avtar() as avtar:
        avtar.wait_started()
        kill_guards(site.root)
        done = reap(site, is_apart=False)
        assert done.exit_code == 0, done.stdout
        assert len(site.guards()) == 1
        assert site.host.snapshots(vmx)
        assert reap(site, is_apart=False).exit_code == 0
        assert len(site.guards()) == 1
        avtar.kill()
    site.wait_settled()
    assert site.leftovers() == []


def test_a_folder_that_takes_no_claim_is_rehearsed_as_it_then_fails(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    folder = Path(vmx).parent
    rehearsed = site.run_read_only(folder, "initial_backup", "--dry-run", "--lease", "1h")
    real = site.run_read_only(folder, "initial_backup", "--lease", "1h")
    assert (rehearsed.exit_code, real.exit_code) == (1, 1), rehearsed.stdout
    assert rehearsed.flags(vmx) == real.flags(vmx) == ["FAILED_snap"]
    assert site.run("initial_umount", "--run", site.run_name).exit_code == 1


def test_an_old_restore_in_a_log_that_many_write_to_makes_no_backup_a_restore(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    log = site.root / "avtar.log"
    line = "2026-01-01 00:00:00 avtar Info <5551>: Command Line: avtar {} /vmfs/volumes\n"
    log.write_text(line.format("-x") + line.format("-c"), "utf-8")
    story = site.back_up(f"--logfile={log}")
    assert story.start.flags(vmx) == ["OK_snap"]


def test_a_vm_that_came_from_another_place_is_moved_or_restored_and_a_person_must_say(
    site: Site,
) -> None:
    (vmx,) = site.add_vms(1)
    with site.avtar() as avtar:
        avtar.wait_started()
        there = Path(vmx).parent.with_name("elsewhere")
        shutil.copytree(Path(vmx).parent, there)
        avtar.finish()
    site.wait_settled()
    site.state_file.unlink()
    site.host.unregister(vmx)
    shutil.rmtree(Path(vmx).parent)
    moved = there / Path(vmx).name
    site.host.register(str(moved))
    claim = moved.with_suffix(".hlb-claim")
    stamp = claim.read_text("utf-8").partition("time=")[2].strip()
    claim.write_text(claim.read_text("utf-8").replace(stamp, "2020-01-01T00:00:00Z"), "utf-8")
    before = picture(there)
    done = reap(site)
    assert done.exit_code == 4
    assert "if the VM was moved, remove that snapshot by its name" in done.stdout
    assert picture(there) == before
