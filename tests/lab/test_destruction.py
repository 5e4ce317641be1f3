"""A VM is lost, comes back from the store, and is compared with what it was at its snapshot."""

import argparse
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_kit import find_vm, make_lab, run_avtar, run_vmware_cmd
from power_kit import SMALL, copy_vm, set_keys

from hlb_hooks.base.errors import HostError, UsageError, VmFileError
from hlb_hooks.lab.command.dispatch import add_lab_parser
from hlb_hooks.lab.evidence import list_instants, list_lost_disks
from hlb_hooks.lab.host.disks import read_vm_disks
from hlb_hooks.lab.host.guests import Guests
from hlb_hooks.lab.host.operate import change_power, delete_all_snapshots, take_snapshot
from hlb_hooks.lab.host.registry import read_registry
from hlb_hooks.lab.layout import Lab
from hlb_hooks.lab.sample_vms import DiskKind, SampleDisk, SampleVm

VMS = [
    SampleVm("it's (2)", disks=(SMALL, SampleDisk(65536, is_elsewhere=True))),
    SampleVm("off", disks=(SMALL, SampleDisk(65536, DiskKind.INDEPENDENT)), power="off"),
]


@pytest.fixture(params=["console", "vcli"])
def lab(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lab]:
    lab = make_lab(tmp_path / "lab", VMS, dialect=request.param)
    yield lab
    for vm in read_registry(lab):
        assert list_lost_disks(lab, vm) == []


def call(*words: str | Path) -> int:
    parser = argparse.ArgumentParser()
    add_lab_parser(parser.add_subparsers(dest="command"))
    arguments = parser.parse_args(["lab", *map(str, words)])
    exit_code: int = arguments.run(arguments)
    return exit_code


def list_files(lab: Lab) -> set[Path]:
    return {path for path in lab.volumes.rglob("*") if path.is_file()}


def test_a_running_vm_is_destroyed_only_by_force(lab: Lab) -> None:
    before = list_files(lab)
    with pytest.raises(HostError, match="current state"):
        call("vm", lab.folder, "destroy", "it's (2)")
    assert list_files(lab) == before
    (find_vm(lab, "it's (2)").folder / "it's (2).hlb-claim").write_text("claim")
    assert call("vm", lab.folder, "destroy", "it's (2)", "--force") == 0
    assert [vm.folder.name for vm in read_registry(lab)] == ["off"]
    assert {path.parent.name for path in list_files(lab)} == {"off"}
    assert len(list(lab.volumes.glob("*/it's (2)"))) == 0


@pytest.mark.parametrize("power", ["off", "suspended", "stuck"])
def test_whatever_it_does_it_is_destroyed(lab: Lab, power: str) -> None:
    change_power(lab, find_vm(lab, "it's (2)").config, power)
    call("vm", lab.folder, "destroy", "it's (2)", *(["--force"] if power == "stuck" else []))
    assert {path.parent.name for path in list_files(lab)} == {"off"}


def test_a_vm_whose_folder_is_gone_is_destroyed_too(lab: Lab) -> None:
    vm = find_vm(lab, "it's (2)")
    for path in vm.folder.iterdir():
        path.unlink()
    vm.folder.rmdir()
    call("vm", lab.folder, "destroy", "it's (2)", "--force")
    assert [each.folder.name for each in read_registry(lab)] == ["off"]


def test_nobody_elses_disks_are_destroyed(lab: Lab) -> None:
    vm = find_vm(lab, "off")
    copy = copy_vm(vm.config, "copy")
    set_keys(copy, scsi0_at_0__fileName=str(vm.folder / "off.vmdk"))
    assert run_vmware_cmd(lab, "-s", "register", copy).exit_code == 0
    before = list_files(lab)
    with pytest.raises(UsageError, match="has files in the folder of"):
        call("vm", lab.folder, "destroy", vm.config)
    assert list_files(lab) == before
    call("vm", lab.folder, "destroy", "copy")
    assert list_files(lab) == {path for path in before if path.parent != copy.parent}


def test_a_far_folder_with_files_of_others_stays_without_the_disk(lab: Lab) -> None:
    vm = find_vm(lab, "it's (2)")
    far = read_vm_disks(vm)[1].descriptor.parent
    other = far.rename(far.with_name("disks of all"))
    set_keys(vm.config, scsi0_at_1__fileName=str(other / "it's (2)_1.vmdk"))
    (other / "notes").write_text("precious")
    call("vm", lab.folder, "destroy", "it's (2)", "--force")
    assert [path.name for path in other.iterdir()] == ["notes"]


def test_what_the_disks_held_at_a_snapshot_is_known_after_the_vm_is_lost(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    vm = find_vm(lab, "off")
    take_snapshot(lab, vm.config, "a b")
    call("vm", lab.folder, "destroy", "off")
    capsys.readouterr()
    call("instants", lab.folder, "off")
    first, second = capsys.readouterr().out.splitlines()
    (instant,) = list_instants(lab, vm)
    flat = vm.folder / "off-flat.vmdk"
    assert first == f"a b  scsi0:0  sha256 {instant.disks[0].sha256}  {flat}"
    assert second.endswith("/off/off_1-flat.vmdk  not covered")
    call("instants", lab.folder)
    assert capsys.readouterr().out.splitlines() == [first, second]


def test_a_vm_comes_back_from_the_store_as_it_was_at_its_snapshot(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    vm = find_vm(lab, "it's (2)")
    guests = Guests(lab, 1)
    saved = vm.config.read_bytes()
    take_snapshot(lab, vm.config, "HLB-a")
    guests.write_once(vm)
    far = read_vm_disks(vm)[1].link_paths[-1].parent
    run_avtar(lab, "--create", "--label=gold", lab.volumes)
    delete_all_snapshots(lab, vm.config)
    take_snapshot(lab, vm.config, "later")
    call("vm", lab.folder, "destroy", "it's (2)", "--force")
    assert run_avtar(lab, "-x", "--labelnumber=1", vm.folder, far).exit_code == 0
    # What a restore does with the files is not the lab's affair.
    vm.config.write_bytes(saved)
    for path in vm.folder.glob("*-00000*"):
        path.unlink()
    capsys.readouterr()
    assert call("compare", lab.folder, vm.config, "--snapshot", "HLB-a") == 0
    expected = "scsi0:0  holds what it held at HLB-a\nscsi0:1  holds what it held at HLB-a\n"
    assert capsys.readouterr().out == expected
    assert run_vmware_cmd(lab, "-s", "register", vm.config).exit_code == 0
    assert run_vmware_cmd(lab, vm.config, "start").exit_code == 0, "it is where it always was"
    guests.write_once(find_vm(lab, "it's (2)"))
    assert call("compare", lab.folder, "it's (2)", "--snapshot=HLB-a") == 1
    assert "  differs from HLB-a\n" in capsys.readouterr().out


def test_a_vm_that_came_back_elsewhere_is_compared_with_what_it_was(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    vm = find_vm(lab, "off")
    take_snapshot(lab, vm.config, "a")
    copy = copy_vm(vm.config, "copy")
    delta = copy.parent / "off-000001-delta.vmdk"
    aside = delta.rename(delta.with_name("aside"))
    with pytest.raises(VmFileError, match="cannot be read"):
        call("compare", lab.folder, copy, "--was", "off")
    aside.rename(delta)
    with pytest.raises(UsageError, match="made no snapshot of") as caught:
        call("compare", lab.folder, copy)
    assert str(vm.config) in caught.value.next_step
    assert call("compare", lab.folder, copy, "--was", "off") == 0
    assert capsys.readouterr().out.splitlines() == [
        "scsi0:0  holds what it held at a",
        "scsi0:1  was not covered by a",
    ]
    set_keys(copy, scsi0_at_0__present="FALSE", scsi0_at_3__fileName="off.vmdk")
    set_keys(copy, scsi0_at_3__present="TRUE", scsi0_at_3__deviceType="scsi-hardDisk")
    assert call("compare", lab.folder, copy, "--was", str(vm.config)) == 1
    assert capsys.readouterr().out.splitlines() == [
        "scsi0:0  is missing, and was there at a",
        "scsi0:1  was not covered by a",
        "scsi0:3  was not there at a",
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nobody",), "no VM of this host is called 'nobody'"),
        (("it's (2)",), "made no snapshot of"),
        (("off", "--snapshot", "b"), "made no snapshot 'b' of that VM"),
        (("off", "--was", "nobody"), "made no snapshot of 'nobody'"),
    ],
)
def test_what_cannot_be_compared_is_said(lab: Lab, words: tuple[str, ...], message: str) -> None:
    take_snapshot(lab, find_vm(lab, "off").config, "a")
    with pytest.raises(UsageError) as caught:
        call("compare", lab.folder, *words)
    assert message in caught.value.message
    assert caught.value.next_step
