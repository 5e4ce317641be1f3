"""A VM that is somewhere else when its snapshot is to go, or nowhere any more."""

import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hook_kit import Site
from hook_watching import wait_until
from rehearsing import run_hlb
from two_hosts_kit import age_claim, find_records, lose_host, read_claim, removals

from hlb_hooks.effects.records import Flag, encode_record, make_record


def settle_elsewhere(site: Site, vmx: str, folder: Path) -> str:
    """Put a VM's folder there, and register it anew."""
    site.host.unregister(vmx)
    shutil.move(Path(vmx).parent, folder)
    moved = str(folder / Path(vmx).name)
    site.host.register(moved, "on")
    return moved


def to_another_datastore(site: Site, vmx: str) -> str:
    return settle_elsewhere(site, vmx, (site.host.volumes / "store (1)").resolve() / "moved")


def to_another_folder(site: Site, vmx: str) -> str:
    return settle_elsewhere(site, vmx, Path(vmx).parent.with_name("renamed"))


@pytest.mark.parametrize("go", [to_another_datastore, to_another_folder])
def test_a_vm_that_was_moved_between_the_hooks_is_found_by_our_snapshot_s_name(
    site: Site, go: Callable[[Site, str], str]
) -> None:
    vmx, other = site.add_vms(2)
    with site.avtar() as avtar:
        avtar.wait_started()
        name = site.host.snapshots(vmx)[0]
        moved = go(site, vmx)
        story = avtar.finish()
    assert story.ended.exit_code == 0, story.ended.stdout
    assert story.ended.flags(vmx) == ["OK_snap", "OK_umount"]
    assert story.ended.flags(other) == ["OK_snap", "OK_umount"]
    assert find_records(site, "MOVED")[0]["to"] == moved
    assert sorted(removals(site)) == sorted([moved, other])
    assert name not in site.host.snapshots(moved)
    assert site.leftovers() == []
    site.wait_settled()


def test_a_moved_vm_that_bears_another_s_snapshot_too_is_left_alone(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    with site.avtar() as avtar:
        avtar.wait_started()
        moved = to_another_folder(site, vmx)
        site.host.take_admin_snapshot(moved, "by hand")
        story = avtar.finish()
    assert story.ended.exit_code == 4
    assert "by hand" in story.ended.words(vmx)
    assert removals(site) == []
    assert len(site.host.snapshots(moved)) == 2
    site.may_leave_guards = True


def test_a_copy_that_bears_our_snapshot_is_no_move(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    with site.avtar() as avtar:
        avtar.wait_started()
        folder = Path(vmx).parent.with_name("copy")
        shutil.copytree(Path(vmx).parent, folder)
        copy = str(folder / Path(vmx).name)
        site.host.register(copy)
        story = avtar.finish()
    assert story.ended.flags(vmx) == ["OK_snap", "OK_umount"]
    assert removals(site) == [vmx]
    assert len(site.host.snapshots(copy)) == 1


def test_of_two_vms_that_both_bear_our_snapshot_none_is_taken_for_the_moved_one(
    site: Site,
) -> None:
    (vmx,) = site.add_vms(1)
    with site.avtar() as avtar:
        avtar.wait_started()
        folder = Path(vmx).parent.with_name("copy")
        shutil.copytree(Path(vmx).parent, folder)
        site.host.register(str(folder / Path(vmx).name))
        moved = to_another_folder(site, vmx)
        story = avtar.finish()
    assert story.ended.exit_code == 4, story.ended.stdout
    for place in (str(folder), moved):
        assert place in story.ended.words(vmx)
    assert removals(site) == []
    # The administrator takes the copy out, and there is no question any more.
    site.host.unregister(str(folder / Path(vmx).name))
    site.wait_settled()
    assert removals(site) == [moved]


def test_a_vm_registered_nowhere_is_recorded_shown_tried_again_and_removed_when_it_is_back(
    site: Site,
) -> None:
    (vmx,) = site.add_vms(1)
    with site.avtar() as avtar:
        avtar.wait_started()
        site.host.unregister(vmx)
        story = avtar.finish()
    name = site.host.snapshots(vmx)[0]
    assert story.ended.exit_code == 4
    assert "registered nowhere, it waits here" in story.ended.words(vmx)
    asked = len(removals(site))
    wait_until(lambda: len(removals(site)) > asked, "the guard's next try")
    status = run_hlb(site, "status")
    assert status.exit_code == 4
    assert f"{vmx}: it is not registered" in status.stdout
    assert name in status.stdout
    site.host.register(vmx, "on")
    site.wait_settled()
    assert site.host.snapshots(vmx) == []
    assert site.leftovers() == []
    assert "TORN" not in site.flags(vmx)
    assert run_hlb(site, "status").exit_code == 0


def test_a_vm_that_was_deleted_is_recorded_and_named(site: Site) -> None:
    vmx, other = site.add_vms(2)
    with site.avtar() as avtar:
        avtar.wait_started()
        site.host.unregister(vmx)
        shutil.rmtree(Path(vmx).parent)
        story = avtar.finish()
    assert story.ended.exit_code == 4
    assert story.ended.flags(vmx) == ["OK_snap", "FAILED_umount"]
    assert vmx in story.ended.words(vmx)
    assert "next step: " in story.ended.words(vmx)
    assert story.ended.flags(other) == ["OK_snap", "OK_umount"]
    status = run_hlb(site, "status")
    assert status.exit_code == 4
    assert f"{vmx}: " in status.stdout
    site.may_leave_guards = True


def test_a_guard_refreshes_the_claim_of_what_it_keeps(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    lose_host(site)
    age_claim(vmx, timedelta(minutes=30))
    old = read_claim(vmx)
    with site.flat_path(vmx).open("rb"):
        # The next start hook posts a guard for it, which may not act while the disk is read.
        site.back_up()
        assert read_claim(vmx)["time"] > old["time"]
        assert {**read_claim(vmx), "time": ""} == {**old, "time": ""}
    site.wait_settled()
    assert site.leftovers() == []


def lose_merge(site: Site, vmx: str, boot_id: str) -> None:
    """Leave what there is when the host has taken the entry out and has not merged."""
    lose_host(site)
    Path(vmx).with_suffix(".vmsd").write_bytes(b"")
    name = find_records(site, "OK_snap")[0]["snapshot"]
    with site.state_file.open("ab") as file:
        asked = make_record(Flag.INTENT_UMOUNT, vmx, snapshot=name, boot_id=boot_id)
        file.write(encode_record(asked))


def test_a_merge_that_died_with_its_host_is_for_a_person(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    lose_merge(site, vmx, "an earlier boot")
    done = run_hlb(site, "reap")
    assert done.exit_code == 4
    assert done.flags(vmx) == ["OK_snap", "FAILED_umount"]
    assert "started anew" in done.words(vmx)
    assert "make and remove a snapshot by hand" in done.words(vmx)
    assert "make and remove a snapshot by hand" in run_hlb(site, "status").stdout
    assert removals(site) == []
    # The person does it, and our claim goes with it.
    Path(vmx).with_suffix(".vmsd").write_bytes(b"")
    top, base = site.host.disk_chain(vmx)
    Path(vmx).write_text(Path(vmx).read_text("utf-8").replace(top.name, base.name), "utf-8")
    for file in Path(vmx).parent.glob("*-000001*"):
        file.unlink()
    for file in Path(vmx).parent.glob("*.vmsn"):
        file.unlink()
    assert run_hlb(site, "reap").exit_code == 0
    assert site.flags(vmx)[-1] == "OK_umount"
    assert site.leftovers() == []


def test_a_merge_that_is_under_way_in_this_boot_is_one(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    lose_merge(site, vmx, Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip())
    done = run_hlb(site, "reap")
    assert done.exit_code == 4
    assert done.flags(vmx) == ["OK_snap", "MERGING"]
    assert os.path.exists(Path(vmx).with_suffix(".hlb-claim"))
