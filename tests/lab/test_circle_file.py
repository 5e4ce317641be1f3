"""One file comes back from inside a disk: the restored flat file is mounted, and not written to."""

import os
import subprocess
from pathlib import Path

import pytest
from circle_kit import MIB, skip_without
from lab_kit import find_vm, make_lab, run

from hlb_hooks.entry.hook_scripts import render
from hlb_hooks.lab.client.store import hash_file
from hlb_hooks.lab.sample_vms import SampleDisk, SampleVm

HOOKS = ("--run-at-start=initial_backup", "--run-at-end=initial_umount")
SECTOR_BYTES = 512
FIRST_SECTOR = 2048
DISK_BYTES = 16 * MIB


def write_file_system(disk: Path, folder: Path) -> None:
    """Put a partition into ``disk`` with the files of ``folder`` in it."""
    partition = disk.with_name("partition")
    with partition.open("wb") as file:
        file.truncate(DISK_BYTES - FIRST_SECTOR * SECTOR_BYTES)
    subprocess.run(["mkfs.ext4", "-q", "-d", folder, partition], check=True)
    with disk.open("r+b") as file:
        file.seek(FIRST_SECTOR * SECTOR_BYTES)
        file.write(partition.read_bytes())
    partition.unlink()


def test_a_file_is_read_from_a_restored_disk(tmp_path: Path) -> None:
    skip_without("mkfs.ext4", "e2fsprogs")
    if os.geteuid() != 0 or not Path("/dev/loop-control").exists():
        pytest.skip("needs root and loop devices")
    content = tmp_path / "content"
    content.mkdir()
    (content / "letter.txt").write_text("the one that was deleted\n")
    vm = SampleVm("office", disks=(SampleDisk(DISK_BYTES),), power="off")
    lab = make_lab(tmp_path / "lab", [vm], render_hook=render)
    folder = find_vm(lab, "office").folder
    write_file_system(folder / "office-flat.vmdk", content)
    (lab.sysdir / "hlb/targets").write_text("office\n")
    backup = run(lab.programs / "avtar", "--create", "--label=gold", *HOOKS, lab.volumes)
    assert "ready=1 failed=0 open=0 exit=0" in backup.stdout

    target, mounted = tmp_path / "back", tmp_path / "mounted"
    mounted.mkdir()
    done = run(lab.programs / "avtar", "-x", f"--target={target}", folder)
    assert done.exit_code == 0, done.stdout
    flat = target / "office" / "office-flat.vmdk"
    before = hash_file(flat)
    options = f"ro,noload,loop,offset={FIRST_SECTOR * SECTOR_BYTES}"
    subprocess.run(["mount", "-o", options, flat, mounted], check=True)
    try:
        assert (mounted / "letter.txt").read_text() == "the one that was deleted\n"
    finally:
        subprocess.run(["umount", mounted], check=True)
    assert hash_file(flat) == before == hash_file(folder / "office-flat.vmdk")
