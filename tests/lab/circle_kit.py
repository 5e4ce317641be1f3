"""The whole circle: hooks, a backup client, the VM's folder gone, its files back, a VM again."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from lab_kit import find_vm, make_lab
from mount_kit import LIBRARIES, no_mount_left, serve, skip_unless_possible

from hlb_hooks.entry.hook_scripts import render
from hlb_hooks.lab.client.store import hash_file
from hlb_hooks.lab.evidence import Instant, list_instants, list_lost_disks, list_open_snapshots
from hlb_hooks.lab.host import operate
from hlb_hooks.lab.host.guests import start_guests, stop_guests
from hlb_hooks.lab.layout import Lab
from hlb_hooks.lab.sample_vms import SampleDisk, SampleVm

MIB = 1024 * 1024
VMS = [
    SampleVm("wro215ts", disks=(SampleDisk(2 * MIB), SampleDisk(MIB))),
    SampleVm("sql server (2)", disks=(SampleDisk(MIB), SampleDisk(65536, is_elsewhere=True))),
    SampleVm("it's", disks=(SampleDisk(MIB),), datastore=1),
    SampleVm("off", disks=(SampleDisk(65536),), power="off"),
    SampleVm("laptop", disks=(SampleDisk(65536),), power="suspended"),
]
NAMES = [vm.directory for vm in VMS]
HLB = Path(sys.executable).parent / "hlb"
# What a dataset leaves out: swap files, and what is locked or empty while a snapshot is open.
LEFT_OUT = ("*.vswp", "*-delta.vmdk")


@dataclass(frozen=True)
class Circle:
    """A lab with guests that write, and its host folder mounted as a client on the host sees it."""

    lab: Lab
    folder: Path
    mounted: Path

    @property
    def scripts(self) -> Path:
        return self.lab.sysdir / "scripts"

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "HLB_CONFIG": str(self.lab.sysdir / "hlb/hlb.toml")}

    def write_program(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    def run(self, *command: str | Path) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="backslashreplace",
            cwd=self.folder,
            check=False,
        )

    def list_base_files(self) -> list[Path]:
        """Give the data files of the running VMs' disks, as the mount shows them."""
        files = []
        for name in ("wro215ts", "sql server (2)", "it's"):
            folder = find_vm(self.lab, name).folder.relative_to(self.lab.folder)
            files += sorted((self.mounted / folder).glob("*-flat.vmdk"))
        return files

    def list_vm_folders(self) -> list[Path]:
        """Give every folder that holds something of a VM, relative to the folder of volumes."""
        found = {find_vm(self.lab, name).folder for name in NAMES}
        for name in NAMES:
            found |= {path.parent for path in self.list_data_files(name)}
        return sorted(path.relative_to(self.lab.volumes) for path in found)

    def read_instant(self, name: str) -> Instant:
        (instant,) = list_instants(self.lab, find_vm(self.lab, name))
        return instant

    def list_data_files(self, name: str) -> list[Path]:
        return [disk.data_files[-1] for disk in self.read_instant(name).disks]


@contextlib.contextmanager
def make_circle(folder: Path, owner: str) -> Iterator[Circle]:
    """Make the lab and mount it; ``owner`` is the name of the process whose run it will be."""
    skip_unless_possible()
    lab = make_lab(folder / "lab", VMS, render_hook=render)
    (lab.sysdir / "hlb/targets").write_text("".join(f"{name}\n" for name in NAMES))
    configuration = lab.sysdir / "hlb/hlb.toml"
    text = configuration.read_text()
    configuration.write_text(text.replace("[run]\n", f'[run]\nowner = ["{owner}"]\n'))
    start_guests(lab)
    try:
        mounted = folder / "mounted"
        with no_mount_left(folder), serve(lab, mounted, LIBRARIES[-1]):
            yield Circle(lab, folder, mounted)
    finally:
        stop_guests(lab)


def check_backup(circle: Circle) -> dict[str, Instant]:
    """See that each VM had one snapshot, now gone, and that no guest lost a write."""
    assert list_open_snapshots(circle.lab) == {}
    for name in NAMES:
        assert list_lost_disks(circle.lab, find_vm(circle.lab, name)) == []
    return {name: circle.read_instant(name) for name in NAMES}


def destroy_all(circle: Circle) -> None:
    """Lose every VM: its registration, its folder, and its disks elsewhere."""
    stop_guests(circle.lab)
    for name in NAMES:
        vm = find_vm(circle.lab, name)
        folders = {vm.folder, *(path.parent for path in circle.list_data_files(name))}
        if vm.power != "off":
            operate.change_power(circle.lab, vm.config, "off")
        operate.delete_vm(circle.lab, vm.config)
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
            assert not folder.exists()


def restore_all(circle: Circle, instants: dict[str, Instant]) -> None:
    """Make VMs of what was put back, by the documented command, and compare every byte."""
    for name, instant in instants.items():
        folder = instant.config.parent
        done = circle.run(HLB, "restore", folder, "--register", "--power-on")
        assert done.returncode == 0, done.stdout + done.stderr
        for disk in instant.disks:
            assert hash_file(disk.data_files[-1]) == disk.sha256, (name, disk.node)
        state = circle.run(circle.lab.programs / "vmware-cmd", instant.config, "getstate")
        assert state.stdout.strip() == "getstate() = on"
        again = circle.run(HLB, "restore", folder, "--register", "--power-on")
        assert again.returncode == 0, again.stdout
    start_guests(circle.lab)  # each of them finds its disks and writes on
    stop_guests(circle.lab)
    for name in NAMES:
        assert list_lost_disks(circle.lab, find_vm(circle.lab, name)) == []


def skip_without(program: str, package: str) -> str:
    """Give where a client is, or skip, naming the Debian package it is in."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"needs the package {package}")
    return found
