"""`hlb dataset` with a client that goes by it: what a restore wants is read, what is locked not."""

import json
from pathlib import Path

import pytest
from lab_kit import Outcome, find_vm, make_lab, run, run_avtar

from hlb_hooks.entry.hook_scripts import render
from hlb_hooks.lab.client.store import Store
from hlb_hooks.lab.host.registry import read_registry
from hlb_hooks.lab.layout import Lab
from hlb_hooks.lab.sample_vms import ODD_VMS, SampleDisk, SampleVm

SMALL = SampleDisk(65536)
# Base disks that are called almost, or just, like what belongs to a snapshot.
NAMES = [
    *("web-1", "web-123456", "web-server-delta", "store-000001-delta", "x-ctk", "door.lck"),
    *("a [b] #*-000002-sesparse", "swap.vswp"),
]
TRAPS = [SampleVm(name, disks=(SMALL, SMALL)) for name in NAMES]
ELSEWHERE = SampleVm("far", disks=(SMALL, SampleDisk(65536, is_elsewhere=True)))


def make(folder: Path, vms: list[SampleVm]) -> Lab:
    lab = make_lab(folder / "lab", vms, render_hook=render)
    write_targets(lab, "*")
    return lab


def write_targets(lab: Lab, *targets: str) -> None:
    (lab.sysdir / "hlb" / "targets").write_text("".join(f"{each}\n" for each in targets))


def ask(lab: Lab, *words: str) -> Outcome:
    return run(lab.programs / "hlb", "dataset", *words)


def back_up(lab: Lab, *words: str) -> tuple[str, set[str]]:
    """Back up by what `hlb dataset --flags` says; give the log and the paths that were stored."""
    flags = lab.folder / "flags"
    flags.write_text(ask(lab, "--flags", *words).stdout)
    done = run_avtar(lab, "--create", f"--flagfile={flags}")
    stored = Store(lab.store).find_backup(None).files
    return done.stdout, {file.path for file in stored}


def test_every_disk_of_the_inventory_is_read_whatever_it_is_called(tmp_path: Path) -> None:
    lab = make(tmp_path, TRAPS)
    disks = {str(path) for path in lab.volumes.rglob("*.vmdk") if not path.is_symlink()}
    assert len(disks) == 4 * len(TRAPS)
    log, stored = back_up(lab)
    assert f"ready={len(TRAPS)} failed=0 open=0 exit=0" in log
    assert disks - stored == set()
    for vm in read_registry(lab):
        assert {str(vm.config), f"{vm.config}.hlb"} <= stored


def test_nothing_that_is_locked_is_tried(tmp_path: Path) -> None:
    lab = make(tmp_path, [vm for vm in ODD_VMS if vm.directory in {"wro215ts", "it's", "web+app"}])
    log, stored = back_up(lab)
    assert "code 16" not in log
    assert any(path.endswith("-000001.vmdk") for path in stored)
    assert not any(path.endswith(("-delta.vmdk", ".vswp")) for path in stored)


def test_the_check_names_how_many_vms_it_looked_at(tmp_path: Path) -> None:
    lab = make(tmp_path, TRAPS[:3])
    told = ask(lab)
    assert told.exit_code == 0
    assert "checked against the files of 3 VMs of this host" in told.stdout
    assert "run-at-start = initial_backup\n" in told.stdout
    assert f"\n    {lab.volumes.resolve()}\n" in told.stdout


def test_several_datasets_on_one_host_each_read_their_own_vms(tmp_path: Path) -> None:
    lab = make(tmp_path, [*TRAPS[:2], ELSEWHERE])
    write_targets(lab, "far")
    _, stored = back_up(lab, "--folders")
    folders = {Path(path).parent.name for path in stored}
    assert "far" in folders
    assert not folders & {"web-1", "web-123456"}
    assert any(path.endswith("far_1-flat.vmdk") for path in stored)


def test_a_vm_whose_files_cannot_be_read_is_named(tmp_path: Path) -> None:
    lab = make(tmp_path, TRAPS[:2])
    vm = find_vm(lab, "web-1")
    vm.config.write_bytes(b"\0 no configuration")
    told = ask(lab)
    assert told.exit_code == 1
    assert "warning: " in told.stdout
    assert str(vm.config) in told.stdout
    assert json.loads(ask(lab, "--json").stdout)["problems"] != []


def test_for_programs_it_says_the_same_as_json(tmp_path: Path) -> None:
    lab = make(tmp_path, [SampleVm("x-ctk", disks=(SMALL,))])
    told = json.loads(ask(lab, "--json").stdout)
    rescued = str(find_vm(lab, "x-ctk").folder.resolve() / "x-ctk.vmdk")
    assert (told["format"], told["version"], told["job"]) == ("hlb-dataset", 1, "default")
    assert told["includes"] == told["rescued"] == [rescued]
    assert told["options"]["run-at-end"] == "initial_umount"


@pytest.mark.parametrize("words", [("no-such-job",), ("--flags", "--json")])
def test_what_cannot_be_answered_is_refused(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert ask(make(tmp_path, []), *words).exit_code == 2


def test_asking_changes_nothing(tmp_path: Path) -> None:
    lab = make(tmp_path, TRAPS[:1])
    before = {path: path.lstat().st_mtime_ns for path in lab.folder.rglob("*")}
    ask(lab)
    assert {path: path.lstat().st_mtime_ns for path in lab.folder.rglob("*")} == before
