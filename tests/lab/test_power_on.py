"""What a host looks at before it starts a VM, and what it then writes into its .vmx."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lab_kit import find_vm, make_lab, no_hook, run_vmware_cmd
from power_kit import VMS, copy_vm, read_key, refusal, set_keys

from hlb_hooks.lab.evidence import list_lost_disks
from hlb_hooks.lab.host.disks import read_vm_disks
from hlb_hooks.lab.host.hosts import add_host, move_vm
from hlb_hooks.lab.host.locks import mark_merging
from hlb_hooks.lab.host.operate import HostFault, change_power, delete_all_snapshots, take_snapshot
from hlb_hooks.lab.host.registry import RegisteredVm, read_registry
from hlb_hooks.lab.layout import Lab

CANNOT_OPEN = "Cannot open the disk '{}' or one of the snapshot disks it depends on.\nReason: {}."
MISSING = "The system cannot find the file specified"
NO_DISK = "The file specified is not a virtual disk"
MODIFIED = "The parent virtual disk has been modified since the child was created"
LOCKED = "Failed to lock the file"


@pytest.fixture(params=["console", "vcli"])
def lab(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lab]:
    lab = make_lab(tmp_path / "lab", VMS, dialect=request.param)
    take_snapshot(lab, find_vm(lab, "vm").config, "a")
    yield lab


@pytest.fixture
def vm(lab: Lab) -> RegisteredVm:
    """A VM of two disks, each with a delta on it, that is off."""
    return find_vm(lab, "vm")


def unlink(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).unlink()


def shorten(name: str, size_bytes: int) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        with (folder / name).open("r+b") as file:
            file.truncate(size_bytes)

    return change


def write(name: str, content: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(content)


def replace(name: str, pattern: str, text: str) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        path = folder / name
        changed, count = re.subn(pattern, text, path.read_text())
        assert count == 1
        path.write_text(changed)

    return change


@pytest.mark.parametrize(
    ("damage", "disk", "reason"),
    [
        (unlink("vm_1-000001.vmdk"), "vm_1-000001.vmdk", MISSING),
        (unlink("vm_1-000001-delta.vmdk"), "vm_1-000001.vmdk", MISSING),
        (unlink("vm_1.vmdk"), "vm_1-000001.vmdk", MISSING),
        (unlink("vm_1-flat.vmdk"), "vm_1.vmdk", MISSING),
        (shorten("vm-flat.vmdk", 65024), "vm.vmdk", NO_DISK),
        (shorten("vm-flat.vmdk", 66048), "vm.vmdk", NO_DISK),
        (shorten("vm-flat.vmdk", 0), "vm.vmdk", NO_DISK),
        (write("vm.vmdk", "not a descriptor"), "vm-000001.vmdk", NO_DISK),
        (write("vm-000001-delta.vmdk", "not a delta"), "vm-000001.vmdk", NO_DISK),
        (replace("vm.vmdk", "(?m)^CID=.*$", "CID=0badcafe"), "vm-000001.vmdk", MODIFIED),
        (
            replace("vm-000001.vmdk", "parentCID=.*", "parentCID=0badcafe"),
            "vm-000001.vmdk",
            MODIFIED,
        ),
        (replace("vm-000001.vmdk", 'Hint="vm', 'Hint="vm-000001'), "vm-000001.vmdk", NO_DISK),
    ],
)
def test_a_disk_that_is_not_whole_is_named_with_the_reason(
    lab: Lab, vm: RegisteredVm, damage: Callable[[Path], object], disk: str, reason: str
) -> None:
    damage(vm.folder)
    text = CANNOT_OPEN.format(vm.folder / disk, reason)
    assert run_vmware_cmd(lab, vm.config, "start") == refusal(lab, text)
    assert find_vm(lab, "vm").power == "off"
    assert not list(vm.folder.glob("*.vswp"))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "is not a .vmx"),
        ("garbage", "is not a .vmx"),
        ('displayName = "a"\ndisplayName = "b"\n', "displayName is there twice"),
        ('displayName = "a"\nwhat is this?\n', "syntax error in line 2"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_named(
    lab: Lab, vm: RegisteredVm, content: str, reason: str
) -> None:
    vm.config.write_text(content)
    outcome = run_vmware_cmd(lab, vm.config, "start")
    assert f"Cannot open the configuration file {vm.config}: " in outcome.stderr
    assert reason in outcome.stderr
    assert find_vm(lab, "vm").power == "off"


def test_a_configuration_that_is_gone_is_named(lab: Lab, vm: RegisteredVm) -> None:
    vm.config.unlink()
    assert run_vmware_cmd(lab, vm.config, "start") == refusal(
        lab, f"Unable to access file {vm.config}"
    )


def test_a_vm_is_not_resumed_without_its_suspend_file(lab: Lab) -> None:
    vm = find_vm(lab, "sleeps")
    state = vm.folder / "sleeps.vmss"
    aside = state.rename(vm.folder / "aside")
    assert run_vmware_cmd(lab, vm.config, "start") == refusal(lab, f"Unable to access file {state}")
    aside.rename(state)
    assert run_vmware_cmd(lab, vm.config, "start").exit_code == 0
    assert not state.exists()


def test_neither_nvram_nor_a_list_of_snapshots_has_to_be_there(lab: Lab) -> None:
    vm = find_vm(lab, "it's (2)")
    nvram = vm.folder / "it's (2).nvram"
    for path in (nvram, vm.folder / "it's (2).vmsd", vm.folder / "vmware.log"):
        path.unlink()
    assert run_vmware_cmd(lab, vm.config, "start").exit_code == 0
    assert nvram.stat().st_size == 8684


def test_a_vm_whose_chain_is_whole_starts(lab: Lab, vm: RegisteredVm) -> None:
    before = vm.config.read_bytes()
    assert run_vmware_cmd(lab, vm.config, "start").exit_code == 0
    assert vm.config.read_bytes() == before, "nothing was missing, and it is where it was"
    assert list_lost_disks(lab, vm) == []


def test_a_disk_that_another_vm_has_open_is_locked(lab: Lab) -> None:
    runs = find_vm(lab, "runs")
    copy = copy_vm(
        runs.config,
        "copy",
        scsi0_at_0__fileName=str(runs.folder / "runs.vmdk"),
        uuid__action="create",
    )
    assert run_vmware_cmd(lab, "-s", "register", copy).exit_code == 0
    locked = refusal(lab, CANNOT_OPEN.format(runs.folder / "runs.vmdk", LOCKED))
    assert run_vmware_cmd(lab, copy, "start") == locked
    # Its base is only read then, and so still nobody else's to write to.
    take_snapshot(lab, runs.config, "a")
    assert run_vmware_cmd(lab, copy, "start") == locked
    delete_all_snapshots(lab, runs.config)
    change_power(lab, runs.config, "off")
    assert run_vmware_cmd(lab, copy, "start").exit_code == 0
    assert run_vmware_cmd(lab, runs.config, "start") == locked


def test_a_disk_may_be_read_by_two_and_written_by_none(lab: Lab, vm: RegisteredVm) -> None:
    copy = copy_vm(vm.config, "clone", uuid__action="create")
    for disk in read_vm_disks(vm):
        clone = copy.parent / disk.descriptor.name
        replace(clone.name, 'Hint="', f'Hint="{vm.folder}/')(clone.parent)
    run_vmware_cmd(lab, "-s", "register", copy)
    for config in (vm.config, copy):
        assert run_vmware_cmd(lab, config, "start").exit_code == 0


def test_a_disk_that_is_being_merged_is_locked(lab: Lab, vm: RegisteredVm) -> None:
    first_disk = str(vm.folder / "vm.vmdk")
    copy = copy_vm(vm.config, "copy", scsi0_at_0__fileName=first_disk, uuid__action="create")
    run_vmware_cmd(lab, "-s", "register", copy)
    with mark_merging(lab, vm):
        assert LOCKED in run_vmware_cmd(lab, copy, "start").stderr
    assert run_vmware_cmd(lab, copy, "start").exit_code == 0


def test_a_vm_that_another_host_runs_is_locked(lab: Lab) -> None:
    second = add_host(lab, lab.folder.with_name("lab-2"), "esx2", no_hook)
    runs = find_vm(lab, "runs")
    copy = copy_vm(
        runs.config,
        "copy",
        scsi0_at_0__fileName=str(runs.folder / "runs.vmdk"),
        uuid__action="create",
    )
    run_vmware_cmd(lab, "-s", "register", copy)
    move_vm(lab, second, runs.config)
    run_vmware_cmd(lab, "-s", "register", runs.config)
    assert run_vmware_cmd(lab, runs.config, "start") == refusal(
        lab, f"Unable to access file {runs.config} since it is locked"
    )
    assert LOCKED in run_vmware_cmd(lab, copy, "start").stderr
    change_power(second, runs.config, "off")
    assert run_vmware_cmd(lab, runs.config, "start").exit_code == 0


def test_a_copy_gets_a_swap_file_of_its_own(lab: Lab) -> None:
    runs = find_vm(lab, "runs")
    (swap,) = runs.folder.glob("*.vswp")
    change_power(lab, runs.config, "suspended")
    change_power(lab, runs.config, "off")
    copy = copy_vm(runs.config, "copy", uuid__action="keep")
    change_power(lab, runs.config, "on")
    assert swap.exists(), "the name is the VM's for good"
    run_vmware_cmd(lab, "-s", "register", copy)
    assert run_vmware_cmd(lab, copy, "start").exit_code == 0
    (own,) = copy.parent.glob("*.vswp")
    assert read_key(copy, "sched.swap.derivedName") == str(own)
    change_power(lab, copy, "off")
    assert swap.exists()
    assert not own.exists()


@pytest.mark.parametrize("address_type", ["generated", "static", "vpx", ""])
def test_only_an_address_that_hosts_generate_is_made_up_when_it_is_missing(
    lab: Lab, vm: RegisteredVm, address_type: str
) -> None:
    set_keys(
        vm.config,
        ethernet0__addressType=address_type,
        ethernet0__generatedAddress="",
        ethernet1__present="TRUE",
        ethernet1__addressType="generated",
        ethernet2__present="FALSE",
        uuid__bios="56 4d 00 00 00 00 00 00-00 00 00 00 00 12 34 fa",
    )
    assert run_vmware_cmd(lab, vm.config, "start").exit_code == 0
    made = "00:0c:29:12:34:fa" if address_type in {"generated", ""} else ""
    assert read_key(vm.config, "ethernet0.generatedAddress") == made
    assert read_key(vm.config, "ethernet1.generatedAddress") == "00:0c:29:12:35:04"
    assert read_key(vm.config, "ethernet2.generatedAddress") is None


def test_what_cannot_be_started_leaves_its_configuration_alone(lab: Lab, vm: RegisteredVm) -> None:
    set_keys(vm.config, uuid__location="", ethernet0__addressType="generated")
    (vm.folder / "vm-flat.vmdk").unlink()
    before = vm.config.read_bytes()
    with pytest.raises(HostFault, match="Cannot open the disk"):
        change_power(lab, vm.config, "on")
    assert vm.config.read_bytes() == before


def test_every_vm_of_a_new_lab_can_be_started(tmp_path: Path) -> None:
    lab = make_lab(tmp_path / "lab", 14)
    for vm in read_registry(lab):
        if vm.power == "on":
            change_power(lab, vm.config, "off")
        if not vm.is_template:
            before = vm.config.read_bytes()
            change_power(lab, vm.config, "on")
            if vm.power != "suspended":
                assert vm.config.read_bytes() == before
            assert find_vm(lab, vm.folder.name).power == "on"
