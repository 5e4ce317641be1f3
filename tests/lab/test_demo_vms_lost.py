"""Whichever VM of the demo's lab is lost: one sequence of commands brings it back, or says why not.

Brought back are those that a backup can have: the documents name the sequence.
"""

import shutil

import pytest
from circle_kit import HLB
from lab_kit import find_vm, make_lab, run

from hlb_hooks.entry.hook_scripts import render
from hlb_hooks.lab.client.store import hash_file
from hlb_hooks.lab.evidence import list_instants
from hlb_hooks.lab.host import operate
from hlb_hooks.lab.host.guests import start_guests, stop_guests
from hlb_hooks.lab.layout import Lab
from hlb_hooks.lab.sample_vms import ODD_VMS, SampleVm

HOOKS = ("--run-at-start=initial_backup", "--run-at-end=initial_umount")
# What the VM's case asks for, as the command's own next step says it.
OPTIONS = {
    "mailstore": ("--without-disk", "scsi0:1"),
    "branch-scratch": ("--without-disk", "scsi0:1"),
    "patchday": ("--drop-snapshots",),
}
# Its bus is shared, so it takes no snapshot, and its disk was locked: there is no backup of it.
NOT_BACKED_UP = {"cluster-node-a"}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    made = make_lab(tmp_path_factory.mktemp("demo") / "lab", len(ODD_VMS), render_hook=render)
    (made.sysdir / "hlb/targets").write_text("*\n")
    start_guests(made)
    try:
        backup = run(made.programs / "avtar", "--create", "--label=gold", *HOOKS, made.volumes)
    finally:
        stop_guests(made)
    assert "**REPORT**" in backup.stdout
    return made


@pytest.mark.parametrize("sample", ODD_VMS, ids=lambda sample: sample.directory)
def test_it_comes_back_as_it_was_at_its_snapshot(lab: Lab, sample: SampleVm) -> None:
    vm = find_vm(lab, sample.directory)
    instants = list_instants(lab, vm)
    disks = instants[-1].disks if instants else ()
    folders = {vm.folder, *(disk.data_files[-1].parent for disk in disks)}
    if vm.power != "off":
        operate.change_power(lab, vm.config, "off")
    operate.delete_vm(lab, vm.config)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    run(lab.programs / "avtar", "-x", *folders)

    starts = () if sample.is_template else ("--power-on",)
    command = [lab.programs / "hlb", "restore", str(vm.folder), "--register", *starts]
    done = run(*command)
    if sample.directory in NOT_BACKED_UP:
        assert done.exit_code != 0
        assert f"{sample.directory}-flat.vmdk is missing" in done.stdout
        return
    options = OPTIONS.get(sample.directory, ())
    if options:
        assert done.exit_code == 1
        assert " ".join(options) in done.stdout
        done = run(*command, *options)
    assert done.exit_code == 0, done.stdout
    compared = 0
    for disk in disks:
        if disk.is_covered:
            assert hash_file(disk.data_files[-1]) == disk.sha256
            compared += 1
    assert compared or sample.is_template
    restored = find_vm(lab, sample.directory)
    assert restored.power == ("off" if sample.is_template else "on")


def test_the_labs_own_hlb_is_the_one_that_is_installed(lab: Lab) -> None:
    assert run(lab.programs / "hlb", "--version").stdout == run(HLB, "--version").stdout
