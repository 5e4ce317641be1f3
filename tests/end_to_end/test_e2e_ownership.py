"""Only what was made here is removed here; whatever else happens to a VM is said."""

import re
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hook_kit import Site

ADMIN = "before the update"


def removals(site: Site) -> list[str]:
    return [vmx for vmx, action in site.changing_calls() if action == "removesnapshots"]


def test_a_vm_with_the_administrators_snapshot_is_left_out_and_named(site: Site) -> None:
    taken, free = site.add_vms(2)
    site.host.take_admin_snapshot(taken, ADMIN)
    before = Path(taken).with_suffix(".vmsd").read_bytes()
    story = site.back_up()
    assert story.start.exit_code == 0
    assert story.start.flags(taken) == ["LEFT_OUT"]
    assert ADMIN in story.start.words(taken)
    assert "next step: " in story.start.words(taken)
    # Failures first.
    assert next(iter(story.start.report)).endswith("/vm1")
    assert story.start.counts == {"chosen": 2, "ready": 1, "failed": 1, "open": 1}
    assert story.ended.exit_code == 1
    assert story.ended.flags(taken) == ["LEFT_OUT"]
    assert story.ended.flags(free) == ["OK_snap", "OK_umount"]
    assert Path(taken).with_suffix(".vmsd").read_bytes() == before
    assert {vmx for vmx, _ in site.changing_calls()} == {free}


def test_when_every_vm_has_a_foreign_snapshot_the_start_hook_fails(site: Site) -> None:
    vmxs = site.add_vms(2)
    for vmx in vmxs:
        site.host.take_admin_snapshot(vmx, ADMIN)
    story = site.back_up()
    assert (story.start.exit_code, story.ended.exit_code) == (1, 1)
    assert site.changing_calls() == []
    site.wait_settled()


@pytest.mark.parametrize(
    "name", ["HLB-default-20260101T000000Z-deadbeef", "HLB-", "HLB-other", "hlb-default"]
)
def test_a_snapshot_called_like_ours_that_nobody_recorded_is_left_alone(
    site: Site, name: str
) -> None:
    (vmx,) = site.add_vms(1)
    site.host.take_admin_snapshot(vmx, name)
    story = site.back_up()
    assert story.start.flags(vmx) == ["LEFT_OUT"]
    assert name in story.start.words(vmx)
    assert site.host.snapshots(vmx) == [name]
    assert site.changing_calls() == []


def test_a_delta_that_no_snapshot_accounts_for_is_left_alone(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    site.host.take_admin_snapshot(vmx, ADMIN)
    Path(vmx).with_suffix(".vmsd").write_bytes(b"")
    story = site.back_up()
    assert story.start.flags(vmx) == ["LEFT_OUT"]
    assert "vm1-000001.vmdk" in story.start.words(vmx)
    assert site.changing_calls() == []


def test_a_snapshot_the_administrator_takes_meanwhile_saves_ours_from_removal(site: Site) -> None:
    vmx, other = site.add_vms(2)
    with site.avtar() as avtar:
        avtar.wait_started()
        site.host.take_admin_snapshot(vmx, ADMIN)
        story = avtar.finish()
    assert story.ended.flags(vmx) == ["OK_snap", "FAILED_umount"]
    assert ADMIN in story.ended.words(vmx)
    assert "next step: remove HLB-" in story.ended.words(vmx)
    assert story.ended.flags(other) == ["OK_snap", "OK_umount"]
    # What was read is good, and a snapshot of ours is still open.
    assert story.ended.exit_code == 4
    assert story.ended.counts == {"chosen": 2, "ready": 2, "failed": 0, "open": 1}
    assert f"pid {site.guards()[0]}" in story.ended.stdout
    assert [name[:4] for name in site.host.snapshots(vmx)] == ["HLB-", ADMIN[:4]]
    assert removals(site) == [other]
    # The guard tries again and again, and never asks for all.
    time.sleep(2.5)
    assert removals(site) == [other]
    site.host.remove_admin_snapshots(vmx)
    site.wait_settled()
    assert removals(site) == [other]
    assert site.leftovers() == []


def test_a_snapshot_the_administrator_takes_just_before_ours_is_never_removed(site: Site) -> None:
    site.host.configure(latency_seconds={"getstate": 1})
    (vmx,) = site.add_vms(1)
    with site.avtar() as avtar:
        site.wait_for_call("getstate")
        # The hook has looked at the files already, and found nothing.
        site.host.take_admin_snapshot(vmx, ADMIN)
        avtar.wait_started()
        story = avtar.finish()
    # The base is as old as the administrator's snapshot: reading it is no backup of today.
    assert "OK_snap" not in story.start.flags(vmx)
    assert story.start.counts["ready"] == 0
    assert story.ended.exit_code == 1
    assert story.ended.words(vmx)
    assert removals(site) == []
    assert ADMIN in site.host.snapshots(vmx)
    site.may_leave_guards = True


def test_ours_removed_by_the_administrator_meanwhile_is_torn(site: Site) -> None:
    vmx, other = site.add_vms(2)
    with site.avtar() as avtar:
        avtar.wait_started()
        site.host.remove_admin_snapshots(vmx)
        story = avtar.finish()
    assert story.ended.flags(vmx)[:2] == ["OK_snap", "TORN"]
    assert "gone before we removed it" in story.ended.words(vmx)
    assert "next step: " in story.ended.words(vmx)
    assert story.ended.exit_code == 1
    assert story.ended.counts == {"chosen": 2, "ready": 1, "failed": 1, "open": 0}
    assert removals(site) == [other]
    assert site.leftovers() == []
    site.wait_settled()


def test_ours_exchanged_for_another_snapshot_is_torn_and_the_other_kept(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    with site.avtar() as avtar:
        avtar.wait_started()
        site.host.remove_admin_snapshots(vmx)
        site.host.take_admin_snapshot(vmx, ADMIN)
        story = avtar.finish()
    assert "TORN" in story.ended.flags(vmx)
    assert story.ended.exit_code == 1
    assert removals(site) == []
    assert site.host.snapshots(vmx) == [ADMIN]
    site.may_leave_guards = True


def change_content_id(site: Site, vmx: str) -> None:
    descriptor = Path(vmx).with_suffix(".vmdk")
    text = descriptor.read_text()
    descriptor.write_text(re.sub(r"(?m)^CID=\w+$", "CID=0badc0de", text))


def change_size(site: Site, vmx: str) -> None:
    with site.flat_path(vmx).open("ab") as file:
        file.write(bytes(512))


@pytest.mark.parametrize("change", [change_content_id, change_size])
def test_a_base_file_that_changed_while_it_was_open_is_torn(site: Site, change: object) -> None:
    vmx, other = site.add_vms(2)
    with site.avtar() as avtar:
        avtar.wait_started()
        assert callable(change)
        change(site, vmx)
        story = avtar.finish()
    assert story.ended.flags(vmx) == ["OK_snap", "TORN", "OK_umount"]
    assert "changed while the snapshot was open" in story.ended.words(vmx)
    assert "next step: " in story.ended.words(vmx)
    assert story.ended.flags(other) == ["OK_snap", "OK_umount"]
    assert story.ended.exit_code == 1
    assert site.leftovers() == []


def test_a_vm_that_left_the_host_is_said_and_removed_when_it_is_back(site: Site) -> None:
    vmx, _ = site.add_vms(2)
    with site.avtar() as avtar:
        avtar.wait_started()
        site.host.unregister(vmx)
        story = avtar.finish()
    assert story.ended.flags(vmx) == ["OK_snap", "FAILED_umount"]
    # The words of one of the two dialects, or of ours.
    assert re.search("not registered|No virtual machine found", story.ended.words(vmx))
    assert story.ended.exit_code == 4
    assert len(site.host.snapshots(vmx)) == 1
    site.host.register(vmx, "on")
    site.wait_settled()
    assert site.host.snapshots(vmx) == []
    assert site.leftovers() == []


def test_another_hosts_claim_is_respected(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    claim = Path(vmx).with_suffix(".hlb-claim")
    run = "default-20260101T000000Z-00000000"
    text = f"host=esx2\nboot_id=b\nrun={run}\nsnapshot=HLB-x\ntime={stamp}\n"
    claim.write_text(text)
    story = site.back_up()
    assert story.start.flags(vmx) == ["LEFT_OUT"]
    assert "esx2" in story.start.words(vmx)
    assert claim.read_text() == text
    assert site.changing_calls() == []


@pytest.mark.parametrize("helper", ["merged"])
def test_a_helper_delta_that_is_merged_too_leaves_nothing(site: Site, helper: str) -> None:
    site.host.configure(helper=helper)
    (vmx,) = site.add_vms(1)
    story = site.back_up()
    assert story.ended.flags(vmx) == ["OK_snap", "OK_umount"]
    assert site.leftovers() == []


@pytest.mark.parametrize("helper", ["left", "hidden"])
def test_a_helper_delta_that_stays_is_not_taken_for_done(site: Site, helper: str) -> None:
    site.configure(snapshot={"remove_timeout_seconds": 2})
    site.host.configure(helper=helper)
    (vmx,) = site.add_vms(1)
    story = site.back_up()
    flags = story.ended.flags(vmx)
    assert flags in (["OK_snap", "FAILED_umount"], ["OK_snap", "MERGING"])
    assert story.ended.exit_code == 4
    assert story.ended.words(vmx)
    # Ours is gone already: nobody must be sent to remove it.
    assert "remove HLB-" not in story.ended.words(vmx)
    site.may_leave_guards = True


@pytest.mark.parametrize("leaves", ["counter", "zero", "empty", "absent"])
def test_whatever_the_host_leaves_of_the_vmsd_the_next_run_takes_it_for_none(
    site: Site, leaves: str
) -> None:
    site.host.configure(vmsd_after_removal=leaves)
    site.add_vms(2)
    for _ in range(2):
        assert site.back_up().ended.counts == {"chosen": 2, "ready": 2, "failed": 0, "open": 0}
