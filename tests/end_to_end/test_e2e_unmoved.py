"""A data file that a client's file cache will take for unchanged is pointed out."""

import os
from pathlib import Path

from hook_kit import Site
from rehearsing import rehearse


def unmoved_notes(words: str) -> list[str]:
    return [line for line in words.splitlines() if "same size and mtime as at run" in line]


def test_a_vm_that_ran_and_whose_data_file_has_not_moved_is_named_with_path_and_run(
    site: Site,
) -> None:
    still = site.host.add_vm("still", disks=[bytes(512), bytes(512)])
    written, touched, off, stopped = (
        site.host.add_vm(name) for name in ("written", "touched", "off", "stopped")
    )
    site.host.set_power(off, "off")
    first = site.back_up().start
    first_run = site.run_name
    vmxs = [still, written, touched, off, stopped]
    assert all(unmoved_notes(first.words(vmx)) == [] for vmx in vmxs)

    site.host.write_guest(still, "scsi0:1", 0, b"new")
    site.host.write_guest(written, "scsi0:0", 0, b"new")
    os.utime(site.flat_path(touched), ns=(1, 1))
    site.host.set_power(stopped, "off")
    new = site.host.add_vm("new")
    site.wait_settled()
    planned = rehearse(site, "initial_backup", "--owner-pid", str(os.getpid()))
    second = site.back_up().start
    path = Path(still).with_name("still-flat.vmdk")
    for outcome in (planned, second):
        (note,) = unmoved_notes(outcome.words(still))
        assert f"{path}: same size and mtime as at run {first_run}" in note
        # It ran at the last run and may have written until it was stopped.
        assert len(unmoved_notes(outcome.words(stopped))) == 1
        for vmx in (written, touched, off, new):
            assert unmoved_notes(outcome.words(vmx)) == [], vmx
        # It decides nothing.
        assert outcome.flags(still) == ["OK_snap"]

    second_run = max(site.state_files()).stem
    third = site.back_up().start
    notes = unmoved_notes(third.words(still))
    assert len(notes) == 2
    assert all(f"as at run {second_run}" in note for note in notes)
    # Off at both.
    assert unmoved_notes(third.words(stopped)) == []


def test_the_last_run_that_read_the_vm_is_the_one_that_counts(site: Site) -> None:
    vmx, other = site.add_vms(2)
    site.back_up()
    read_by = site.run_name
    site.choose("vm2")
    site.back_up()
    site.choose("*")
    site.host.take_admin_snapshot(vmx, "by hand")
    site.back_up()
    site.host.remove_admin_snapshots(vmx)
    words = site.back_up().start
    assert f"as at run {read_by}" in unmoved_notes(words.words(vmx))[0]
    assert f"as at run {read_by}" not in words.words(other)


def test_a_run_whose_snapshot_was_never_made_read_nothing(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    refused = {"exit_code": 231, "text": "no", "command": "createsnapshot"}
    site.host.configure(fail=[refused])
    assert site.back_up().start.flags(vmx) == ["FAILED_snap"]
    site.host.configure(fail=[])
    assert unmoved_notes(site.back_up().start.words(vmx)) == []
