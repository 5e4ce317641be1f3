"""The VM may move: the host where it is registered now removes exactly our snapshot."""

import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from conftest import SiteMaker
from hook_kit import Site
from hook_watching import kill_guards, picture, wait_until
from two_hosts_kit import (
    abandon_claim,
    age_claim,
    command_apart,
    delete_newest_snapshot,
    find_records,
    join_host,
    lose_host,
    move,
    read_claim,
    reap,
    reap_command,
    reap_in_vain,
    removals,
)

ADMIN = "before upgrade"


@pytest.fixture
def other(make_site: SiteMaker, site: Site) -> Site:
    """Give a second host that shares the datastores of ``site``."""
    return join_host(make_site(), site)


def lose_vm(site: Site, other: Site) -> str:
    """Leave a VM of a host that died with its snapshot open; the other host has it now."""
    (vmx,) = site.add_vms(1)
    lose_host(site)
    move(vmx, site, other)
    return vmx


def claim_file(vmx: str) -> Path:
    return Path(vmx).with_suffix(".hlb-claim")


def test_after_a_vmotion_the_other_host_removes_it_and_this_one_closes_its_run(
    site: Site, other: Site
) -> None:
    vmx, stays = site.add_vms(2)
    with site.avtar() as avtar:
        avtar.wait_started()
        before = site.host.disk_bytes(vmx)
        move(vmx, site, other)
        other.host.write_guest(vmx, "scsi0:0", 0, b"written meanwhile")
        story = avtar.finish()
    name = site.host.snapshots(vmx)[0]
    assert story.ended.exit_code == 4
    assert story.ended.flags(vmx) == ["OK_snap", "FAILED_umount"]
    assert "hlb reap on the host where it is registered now" in story.ended.words(vmx)
    assert name in story.ended.words(vmx)
    assert story.ended.flags(stays) == ["OK_snap", "OK_umount"]
    assert (read_claim(vmx)["released"], read_claim(vmx)["host"]) == ("1", "esx1")
    # The guard of the first host is alive and tries on; it does not keep the claim for itself.
    done = reap(other)
    assert done.exit_code == 0, done.stdout
    assert f"snapshot {name} of run {site.run_name}, made on host esx1: adopted" in done.stdout
    assert done.flags(vmx) == ["OK_umount"]
    assert site.host.snapshots(vmx) == []
    assert site.leftovers() == []
    assert other.host.disk_bytes(vmx) == b"written meanwhile" + before[17:]
    assert removals(other) == [vmx]
    assert [record["snapshot"] for record in find_records(other, "OK_umount")] == [name]
    assert find_records(other, "ADOPTED")[0]["run"] == site.run_name
    site.wait_settled()
    assert site.flags(vmx)[-1] == "OK_umount"
    assert "TORN" not in site.flags(vmx)


def test_without_its_guard_the_first_host_s_reap_closes_the_run(site: Site, other: Site) -> None:
    (vmx,) = site.add_vms(1)
    with site.avtar() as avtar:
        avtar.wait_started()
        move(vmx, site, other)
        avtar.finish()
        kill_guards(site.root)
    assert reap(other).exit_code == 0
    done = reap(site)
    assert done.exit_code == 0, done.stdout
    assert site.flags(vmx)[-1] == "OK_umount"
    assert site.is_settled()
    assert removals(other) == [vmx]
    assert site.leftovers() == []


def test_a_dead_host_s_claim_is_left_alone_while_it_is_fresh_and_then_adopted(
    site: Site, other: Site
) -> None:
    vmx = lose_vm(site, other)
    age_claim(vmx, timedelta(hours=1, minutes=55))
    reap_in_vain(site, other)
    abandon_claim(vmx)
    # Just booted, it leaves the VM alone: its own host may be starting again too.
    reap_in_vain(site, other, up_seconds=60)
    planned = reap_in_vain(site, other, "--dry-run")
    (adopts,) = [line for line in planned.lines if line.startswith("WOULD adopt ")]
    assert vmx in adopts
    assert other.host.snapshots(vmx)[0] in adopts
    assert f"WOULD run: {other.host.vmware_cmd} {vmx} removesnapshots" in planned.stdout
    assert removals(site, other) == []
    done = reap(other)
    assert done.exit_code == 0, done.stdout
    assert removals(site, other) == [vmx]
    assert site.leftovers() == []
    assert other.is_settled()
    # When the first host is up again it finds nothing of its own any more.
    assert reap(site).exit_code == 0
    assert site.is_settled()
    assert removals(site) == []


def test_an_administrator_s_snapshot_beside_ours_is_named_and_both_stay_until_it_is_gone(
    site: Site, other: Site
) -> None:
    vmx = lose_vm(site, other)
    other.host.take_admin_snapshot(vmx, ADMIN)
    ours = other.host.snapshots(vmx)[0]
    abandon_claim(vmx)
    for _ in range(2):
        done = reap(other)
        assert done.exit_code == 4, done.stdout
        assert ADMIN in done.words(vmx)
        assert ours in done.words(vmx)
        assert other.host.snapshots(vmx) == [ours, ADMIN]
    delete_newest_snapshot(vmx)
    assert reap(other).exit_code == 0
    assert removals(other) == [vmx]
    assert site.leftovers() == []
    assert len(other.state_files()) == 1


@pytest.mark.parametrize("name", [ADMIN, "HLB-", "HLB-default", "HLB-default-20260101T000000Z-XY"])
def test_a_claim_that_names_another_s_snapshot_removes_nothing(
    site: Site, other: Site, name: str
) -> None:
    (vmx,) = site.add_vms(1)
    move(vmx, site, other)
    other.host.take_admin_snapshot(vmx, name)
    run = "default-20260101T000000Z-00000000"
    claim_file(vmx).write_text(
        f"host=esx1\nboot_id=b\nrun={run}\nsnapshot={name}\nreleased=1\n"
        "time=2026-01-01T00:00:00Z\n",
        "utf-8",
    )
    before = picture(Path(vmx).parent)
    done = reap(other)
    assert done.exit_code == 4, done.stdout
    assert name in done.stdout
    assert "next step: " in done.stdout
    assert removals(other) == []
    assert picture(Path(vmx).parent) == before


def kill_reap_while_the_host_removes(other: Site, vmx: str) -> None:
    # Its own children only: the host's work goes on when a client of it is killed.
    command = [*command_apart(is_apart=False), *reap_command(other)]
    killed = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    with other.host.holding("task"), killed:
        wait_until(lambda: removals(other), "the host's being asked")
        killed.kill()
    wait_until(lambda: not other.host.snapshots(vmx), "the end of the host's own work")


def before_its_claim(other: Site, vmx: str, claim: bytes) -> None:
    """Leave what a kill does between the record of the adoption and the claim's change."""
    lines = other.state_file.read_bytes().splitlines(keepends=True)
    kept = next(number for number, line in enumerate(lines) if b"\tHANDED_OVER\t" in line)
    other.state_file.write_bytes(b"".join(lines[: kept + 1]))
    claim_file(vmx).write_bytes(claim)


def after_its_removal(_other: Site, _vmx: str, _claim: bytes) -> None:
    """Leave it: the host has been asked, and has done it."""


def amid_a_record(other: Site, _vmx: str, _claim: bytes) -> None:
    data = other.state_file.read_bytes()
    assert data.splitlines()[-1].split(b"\t")[1] == b"INTENT_umount"
    other.state_file.write_bytes(data[:-10])


@pytest.mark.parametrize("leave", [before_its_claim, after_its_removal, amid_a_record])
def test_when_the_reap_is_killed_the_next_one_settles(
    site: Site, other: Site, leave: Callable[[Site, str, bytes], None]
) -> None:
    vmx = lose_vm(site, other)
    abandon_claim(vmx)
    claim = claim_file(vmx).read_bytes()
    kill_reap_while_the_host_removes(other, vmx)
    leave(other, vmx, claim)
    done = reap(other)
    assert done.exit_code == 0, done.stdout
    assert other.is_settled()
    assert site.leftovers() == []
    assert removals(other) == [vmx]


def test_where_no_state_can_be_written_it_is_removed_all_the_same(site: Site, other: Site) -> None:
    vmx = lose_vm(site, other)
    abandon_claim(vmx)
    done = reap(other, read_only=other.state_dir)
    assert str(other.state_dir) in done.stdout
    assert "Read-only file system" in done.stdout
    assert done.flags(vmx) == ["OK_umount"]
    assert site.leftovers() == []
    assert other.state_files() == []


def test_what_could_neither_be_recorded_nor_removed_is_not_forgotten(
    site: Site, other: Site
) -> None:
    vmx = lose_vm(site, other)
    other.host.take_admin_snapshot(vmx, ADMIN)
    abandon_claim(vmx)
    for _ in range(2):
        done = reap(other, read_only=other.state_dir)
        assert done.exit_code == 4, done.stdout
        assert ADMIN in done.words(vmx)


def test_a_host_that_has_never_run_a_backup_records_what_it_adopts(site: Site, other: Site) -> None:
    vmx = lose_vm(site, other)
    other.host.take_admin_snapshot(vmx, ADMIN)
    abandon_claim(vmx)
    other.state_dir.rmdir()
    assert [reap(other).exit_code for _ in range(2)] == [4, 4]
    assert len(find_records(other, "ADOPTED")) == 1


def test_a_host_that_lost_its_own_state_adopts_its_own_snapshot(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    lose_host(site)
    site.state_file.unlink()
    site.configure(host={"name": "esx1"})
    assert reap(site).exit_code == 0
    assert site.host.snapshots(vmx)
    abandon_claim(vmx)
    assert reap(site).exit_code == 0
    assert site.leftovers() == []
    assert removals(site) == [vmx]


def test_a_damaged_state_may_know_the_run_so_its_claim_is_not_adopted(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    lose_host(site)
    lines = site.state_file.read_bytes().splitlines(keepends=True)
    site.state_file.write_bytes(b"".join([*lines[:4], b"damaged\n", *lines[4:]]))
    abandon_claim(vmx)
    before = picture(Path(vmx).parent)
    done = reap(site)
    assert done.exit_code == 1, done.stdout
    assert picture(Path(vmx).parent) == before


def test_a_claim_whose_snapshot_is_gone_already_is_swept(site: Site, other: Site) -> None:
    vmx = lose_vm(site, other)
    other.host.remove_admin_snapshots(vmx)
    abandon_claim(vmx)
    done = reap(other)
    assert done.exit_code == 0, done.stdout
    assert site.leftovers() == []
    assert removals(other) == []
    assert other.state_files() == []


def test_a_start_hook_on_the_other_host_leaves_the_vm_out_and_names_the_first(
    site: Site, other: Site
) -> None:
    vmx = lose_vm(site, other)
    story = other.back_up()
    assert story.start.flags(vmx) == ["LEFT_OUT"]
    assert "esx1" in story.start.words(vmx)
    assert site.run_name in story.start.words(vmx)
    other.wait_settled()
    assert removals(other) == []
    abandon_claim(vmx)
    assert reap(other).exit_code == 0
    assert other.back_up().ended.flags(vmx) == ["OK_snap", "OK_umount"]
