"""``hlb restore`` where the original runs on another host: nothing but its locks tells."""

import errno
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_kit import find_vm, make_lab, run
from mount_kit import LIBRARIES, no_mount_left, serve, skip_unless_possible

from hlb_hooks.base.clock import read_utc_now
from hlb_hooks.effects.claims import Claim, claim_path, saved_vmx_path
from hlb_hooks.lab.host.operate import take_snapshot
from hlb_hooks.lab.sample_vms import SampleDisk, SampleVm

HLB = Path(sys.executable).parent / "hlb"
SNAPSHOT = "HLB-default-20261007T010000Z-0a1b2c3d"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """The folder of a VM that runs, with our snapshot open, as another host sees it."""
    skip_unless_possible()
    lab = make_lab(tmp_path / "lab", [SampleVm("web", disks=(SampleDisk(65536),) * 2)])
    config = find_vm(lab, "web").config
    before = config.read_bytes()
    take_snapshot(lab, config, SNAPSHOT)
    mounted = tmp_path / "mounted"
    seen = mounted / "vmfs" / config.relative_to(lab.volumes.parent)
    claim = Claim("other", "boot", "run", SNAPSHOT, read_utc_now(), vmx=str(seen))
    Path(claim_path(str(config))).write_bytes(claim.to_bytes())
    Path(saved_vmx_path(str(config))).write_bytes(before)
    with no_mount_left(tmp_path), serve(lab, mounted, LIBRARIES[0]):
        yield seen.parent


def restore(tmp_path: Path, folder: Path, *options: str) -> tuple[int, str]:
    """Run it on a host that has no VM registered."""
    program = tmp_path / "vmware-cmd"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    config = tmp_path / "hlb.toml"
    config.write_text(f'[host]\nvmware_cmd = "{program}"\n')
    config.chmod(0o600)
    done = run(HLB, "restore", "--config", config, folder, *options)
    assert "Traceback" not in done.stderr
    return done.exit_code, done.stdout


def copy_readable(folder: Path, target: Path) -> list[str]:
    """Copy what a client can read; give the names of the rest."""
    target.mkdir()
    locked = []
    for path in folder.iterdir():
        try:
            shutil.copy2(path, target)
        except OSError as error:
            assert error.errno == errno.EBUSY
            (target / path.name).unlink(missing_ok=True)
            locked.append(path.name)
    return locked


@pytest.mark.parametrize("options", [(), ("--uuid", "keep"), ("--uuid", "create")])
def test_a_folder_that_a_running_vm_has_files_locked_in_is_left_alone(
    tmp_path: Path, folder: Path, options: tuple[str, ...]
) -> None:
    names = sorted(path.name for path in folder.iterdir())
    text = (folder / "web.vmx").read_bytes()
    for more in (("--dry-run",), ()):
        exit_code, said = restore(tmp_path, folder, *options, *more)
        assert exit_code == 1, said
        assert "web-000001-delta.vmdk is locked" in said
    assert sorted(path.name for path in folder.iterdir()) == names
    assert (folder / "web.vmx").read_bytes() == text


def test_a_copy_does_not_keep_the_identity_of_an_original_that_runs(
    tmp_path: Path, folder: Path
) -> None:
    copy = tmp_path / "copy"
    assert "web-000001-delta.vmdk" in copy_readable(folder, copy)
    exit_code, said = restore(tmp_path, copy, "--uuid", "keep")
    assert exit_code == 1
    assert "the original runs, here or on another host" in said
    exit_code, said = restore(tmp_path, copy, "--uuid", "create")
    assert exit_code == 0, said
    assert (copy / "web-flat.vmdk").read_bytes() == (folder / "web-flat.vmdk").read_bytes()
