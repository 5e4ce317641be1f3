"""The hooks around a client that is not avtar: tar, reading a mounted lab as it would a host."""

import hashlib
import json
import os
import subprocess
import tarfile
from pathlib import Path

import pytest
from lab_kit import find_vm, make_lab
from mount_kit import LIBRARIES, no_mount_left, serve, skip_unless_possible

from hlb_hooks.entry.hook_scripts import render
from hlb_hooks.lab.evidence import list_instants, list_lost_disks, list_open_snapshots
from hlb_hooks.lab.host.guests import start_guests, stop_guests
from hlb_hooks.lab.sample_vms import SampleDisk, SampleVm

DISK = SampleDisk(1024 * 1024)
VMS = [
    SampleVm("wro215ts", disks=(DISK, DISK)),
    SampleVm("far", disks=(SampleDisk(65536, is_elsewhere=True),)),
    SampleVm("off", disks=(DISK,), power="off"),
]


@pytest.mark.parametrize("library", LIBRARIES or ["no library"])
def test_a_whole_cycle_of_the_hooks_with_tar_as_the_client(tmp_path: Path, library: str) -> None:
    skip_unless_possible()
    lab = make_lab(tmp_path / "lab", VMS, render_hook=render)
    (lab.sysdir / "hlb/targets").write_text("wro215ts\nfar\n")
    mounted, archive = tmp_path / "mounted", tmp_path / "backup.tar"
    # By its name the hooks know whose run it is.
    client = tmp_path / "avtar-tar"
    client.write_text(
        "#!/bin/sh\n"
        f"scripts='{lab.sysdir}/scripts'\n"
        '"$scripts/initial_backup" || exit 10\n'
        f"tar -cf '{archive}' --exclude='*.vswp' --exclude='*-delta.vmdk' "
        f"-C '{mounted}/vmfs' volumes || exit 20\n"
        '"$scripts/initial_umount" || exit 30\n'
    )
    client.chmod(0o755)
    start_guests(lab)
    try:
        with no_mount_left(tmp_path), serve(lab, mounted, library):
            done = subprocess.run(
                [client],
                env={**os.environ, "HLB_CONFIG": str(lab.sysdir / "hlb/hlb.toml")},
                capture_output=True,
                text=True,
                check=False,
            )
    finally:
        stop_guests(lab)
    assert done.returncode == 0, done.stdout + done.stderr
    with tarfile.open(archive) as packed:
        stored = {
            str(lab.volumes.parent / member.name): hashlib.sha256(content.read()).hexdigest()
            for member in packed
            if (content := packed.extractfile(member)) is not None and member.isfile()
        }
    for name, disk_count in (("wro215ts", 2), ("far", 1)):
        (instant,) = list_instants(lab, find_vm(lab, name))
        assert len(instant.disks) == disk_count
        for disk in instant.disks:
            assert stored[str(disk.data_files[-1])] == disk.sha256
        assert list_lost_disks(lab, find_vm(lab, name)) == []
    assert list_open_snapshots(lab) == {}
    summary = [line for line in done.stdout.splitlines() if line.startswith("HLB ")]
    assert json.dumps(summary).count("chosen=2 ready=2 failed=0") == 2
