"""What an administrator does, and that the disks stay what their guests wrote through all of it."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from administrator_kit import VMS, find_second_datastore, find_task_lock, list_names, write_since
from hypothesis import given, settings
from hypothesis import strategies as st
from lab_kit import find_vm, make_lab, run_vmware_cmd

from hlb_hooks.lab.evidence import hash_vm, list_instants, list_lost_disks, list_open_snapshots
from hlb_hooks.lab.files import hold_lock
from hlb_hooks.lab.host.disks import read_vm_disks, read_vmx
from hlb_hooks.lab.host.locks import list_locked_files
from hlb_hooks.lab.host.operate import (
    HostFault,
    answer_question,
    change_power,
    delete_all_snapshots,
    delete_snapshot,
    delete_vm,
    move_to_datastore,
    register,
    rename_display,
    take_snapshot,
    unregister,
)
from hlb_hooks.lab.host.refusals import WRONG_STATE
from hlb_hooks.lab.host.registry import RegisteredVm, read_registry, set_power
from hlb_hooks.lab.host.removal import Manner, remove_snapshots
from hlb_hooks.lab.layout import Lab

OPERATIONS: dict[str, Callable[[Lab, Path], object]] = {
    "take": lambda lab, config: take_snapshot(lab, config, "name"),
    "delete": lambda lab, config: delete_snapshot(lab, config, "name"),
    "delete all": delete_all_snapshots,
    "power": lambda lab, config: change_power(lab, config, "off"),
    "unregister": unregister,
    "rename": lambda lab, config: rename_display(lab, config, "other"),
    "move": lambda lab, config: move_to_datastore(lab, config, find_second_datastore(lab)),
    "delete vm": delete_vm,
}


@pytest.fixture(params=["console", "vcli"])
def lab(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lab]:
    lab = make_lab(tmp_path / "lab", VMS, dialect=request.param)
    yield lab
    for vm in read_registry(lab):
        assert list_lost_disks(lab, vm) == []


@pytest.fixture
def vm(lab: Lab) -> RegisteredVm:
    return find_vm(lab, "vm")


@pytest.mark.parametrize("name", OPERATIONS)
def test_nothing_is_done_while_another_task_is_under_way(
    lab: Lab, vm: RegisteredVm, name: str
) -> None:
    with (
        hold_lock(find_task_lock(lab, vm)),
        pytest.raises(HostFault, match="another task is in progress"),
    ):
        OPERATIONS[name](lab, vm.config)


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name != "power"])
def test_a_vm_that_waits_for_an_answer_does_nothing_else(
    lab: Lab, vm: RegisteredVm, name: str
) -> None:
    change_power(lab, vm.config, "stuck")
    with pytest.raises(HostFault, match="requires user input"):
        OPERATIONS[name](lab, vm.config)
    answer_question(lab, vm.config)
    assert find_vm(lab, "vm").power == "on"
    with pytest.raises(HostFault, match="current state"):
        answer_question(lab, vm.config)


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_vm_that_the_host_does_not_know_is_refused(lab: Lab, name: str) -> None:
    with pytest.raises(HostFault, match="already been deleted"):
        OPERATIONS[name](lab, lab.volumes / "x/x.vmx")


@pytest.mark.parametrize(
    ("power", "allowed"),
    [
        ("on", {"off", "suspended", "stuck"}),
        ("off", {"on"}),
        ("suspended", {"on", "off"}),
        ("stuck", {"off"}),
    ],
)
def test_power_changes_as_it_can(lab: Lab, power: str, allowed: set[str]) -> None:
    config = find_vm(lab, "vm").config
    for wanted in ("on", "off", "suspended", "stuck"):
        set_power(lab, config, "on")
        if power != "on":
            change_power(lab, config, power)
        if wanted in allowed:
            change_power(lab, config, wanted)
            assert find_vm(lab, "vm").power == wanted
        else:
            with pytest.raises(HostFault):
                change_power(lab, config, wanted)
            assert find_vm(lab, "vm").power == power


def test_files_come_and_go_with_the_power_state(lab: Lab, vm: RegisteredVm) -> None:
    def list_files() -> set[str]:
        names = {path.suffix for path in vm.folder.iterdir()} & {".vswp", ".vmss", ".lck"}
        return names - {".lck"}

    change_power(lab, vm.config, "suspended")
    assert list_files() == {".vmss"}
    assert read_vmx(vm).get("checkpoint.vmState") == "vm.vmss"
    change_power(lab, vm.config, "on")
    assert list_files() == {".vswp"}
    assert read_vmx(vm).get("checkpoint.vmState") == ""
    change_power(lab, vm.config, "off")
    assert list_files() == set()
    assert list_locked_files(lab, find_vm(lab, "vm")) == frozenset()


def test_a_template_is_never_switched_on(lab: Lab) -> None:
    with pytest.raises(HostFault, match="current state"):
        change_power(lab, find_vm(lab, "golden").config, "on")


def test_a_word_that_is_no_power_state_is_an_error_of_the_caller(
    lab: Lab, vm: RegisteredVm
) -> None:
    with pytest.raises(ValueError, match="power is one of"):
        change_power(lab, vm.config, "of")


@pytest.mark.parametrize("name", ["unregister", "move", "delete vm"])
def test_a_running_vm_stays_where_it_is(lab: Lab, vm: RegisteredVm, name: str) -> None:
    with pytest.raises(HostFault, match=WRONG_STATE):
        OPERATIONS[name](lab, vm.config)


def test_a_vm_is_forgotten_and_known_again(lab: Lab) -> None:
    config = find_vm(lab, "far").config
    unregister(lab, config)
    assert str(config) not in run_vmware_cmd(lab, "-l").stdout
    assert config.exists()
    register(lab, config, "on")
    assert find_vm(lab, "far").power == "on"
    with pytest.raises(HostFault, match="already exists"):
        register(lab, config)
    with pytest.raises(HostFault, match="could not be found"):
        register(lab, config.with_name("gone.vmx"))


def test_a_vm_is_known_by_the_uuid_of_its_datastore(lab: Lab) -> None:
    config = find_vm(lab, "far").config
    unregister(lab, config)
    register(lab, lab.volumes / "storage1/far/far.vmx")
    assert find_vm(lab, "far").config == config


def test_a_suspended_vm_is_suspended_when_it_is_known_again(lab: Lab, vm: RegisteredVm) -> None:
    change_power(lab, vm.config, "suspended")
    unregister(lab, vm.config)
    register(lab, vm.config)
    assert find_vm(lab, "vm").power == "suspended"


def test_a_template_is_still_one_when_it_is_known_again(lab: Lab) -> None:
    vm = find_vm(lab, "golden")
    unregister(lab, vm.config)
    register(lab, vm.config)
    assert find_vm(lab, "golden") == vm


def test_another_display_name_leaves_the_files_their_names(lab: Lab, vm: RegisteredVm) -> None:
    names = sorted(path.name for path in vm.folder.iterdir())
    rename_display(lab, vm.config, "żółw |")
    assert read_vmx(vm).display_name == "żółw |"
    assert sorted(path.name for path in vm.folder.iterdir()) == names


@pytest.mark.parametrize("name", ["vm", "far"])
def test_a_vm_moves_to_another_datastore_with_snapshots_and_all(lab: Lab, name: str) -> None:
    vm = find_vm(lab, name)
    if name == "vm":
        change_power(lab, vm.config, "off")
    take_snapshot(lab, vm.config, "a")
    write_since(lab, vm)
    (vm.folder / f"{name}.hlb-claim").write_text("claim")
    then = hash_vm(lab, vm)
    target = find_second_datastore(lab)
    # A folder of that name is there already for the far disk.
    folder = target / ("far_1" if name == "far" else "vm")
    assert move_to_datastore(lab, vm.config, target) == folder / f"{name}.vmx"
    assert not vm.folder.exists()
    moved = find_vm(lab, folder.name)
    assert hash_vm(lab, moved) == then
    assert (
        read_vmx(moved).get(
            "sched.swap.derivedName",
        )
        is not None
    )
    assert str(vm.folder) not in moved.config.read_text()
    assert (folder / f"{name}.hlb-claim").exists()
    (instant,) = list_instants(lab, moved)
    assert all(path.exists() for disk in instant.disks for path in disk.data_files)
    change_power(lab, moved.config, "on")
    write_since(lab, moved)
    delete_all_snapshots(lab, moved.config)
    assert list_lost_disks(lab, moved) == []
    assert list_open_snapshots(lab) == {}


def test_a_vm_moves_there_and_back(lab: Lab) -> None:
    vm = find_vm(lab, "far")
    home = vm.folder.parent
    take_snapshot(lab, vm.config, "a")
    away = move_to_datastore(lab, vm.config, find_second_datastore(lab))
    take_snapshot(lab, away, "b")
    back = move_to_datastore(lab, away, home)
    assert back == home / "far_1/far.vmx"
    instants = list_instants(lab, find_vm(lab, "far_1"))
    assert [instant.snapshot for instant in instants] == ["a", "b"]


@pytest.mark.parametrize("target", ["", "nowhere", "storage1"])
def test_a_place_that_is_no_other_datastore_is_refused(lab: Lab, target: str) -> None:
    vm = find_vm(lab, "far")
    with pytest.raises(HostFault):
        move_to_datastore(lab, vm.config, lab.volumes / target)
    assert vm.config.exists()


def test_a_deleted_vm_leaves_only_what_no_host_made(lab: Lab) -> None:
    vm = find_vm(lab, "far")
    take_snapshot(lab, vm.config, "a")
    far_folder = read_vm_disks(vm)[1].link_paths[-1].parent
    claim = vm.folder / "far.hlb-claim"
    claim.write_text("claim")
    delete_vm(lab, vm.config)
    assert list(vm.folder.iterdir()) == [claim]
    assert not far_folder.exists()
    assert vm.config not in {each.config for each in read_registry(lab)}
    assert len(list_instants(lab, vm)) == 1, "a backup may be looked at later"


def test_a_vm_whose_files_were_taken_away_can_be_deleted(lab: Lab) -> None:
    vm = find_vm(lab, "it's (2)")
    (vm.folder / "it's (2).vmdk").unlink()
    delete_vm(lab, vm.config)
    assert not vm.folder.exists()


@settings(max_examples=25, deadline=None)
@given(
    steps=st.lists(
        st.sampled_from(
            ["take", "delete 1", "delete 2", "all", "write", "off", "on", "move", "helper"]
        ),
        max_size=15,
    ),
    seed=st.integers(),
)
def test_a_disk_is_what_its_guest_wrote_whatever_an_administrator_does(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str], seed: int
) -> None:
    lab = make_lab(tmp_path_factory.mktemp("lab"), [VMS[1]])
    stores = [lab.volumes / "storage1", lab.volumes / "store (2)"]
    for number, step in enumerate(steps):
        (vm,) = read_registry(lab)
        names = list_names(vm)
        with suppress(HostFault):
            if step == "take":
                take_snapshot(lab, vm.config, f"s{number}")
            elif step.startswith("delete") and len(names) >= int(step[-1]):
                delete_snapshot(lab, vm.config, names[-int(step[-1])])
            elif step == "all":
                delete_all_snapshots(lab, vm.config)
            elif step == "write":
                write_since(lab, vm, 8, seed + number)
            elif step in {"on", "off"}:
                change_power(lab, vm.config, step)
            elif step == "helper":
                remove_snapshots(lab, vm, Manner(helper="left"))
            elif step == "move":
                away = stores[vm.folder.parent == stores[0].resolve()]
                move_to_datastore(lab, vm.config, away)
        (vm,) = read_registry(lab)
        assert list_lost_disks(lab, vm) == []
        assert all(disk.chain.broken_links == () for disk in read_vm_disks(vm))
    (vm,) = read_registry(lab)
    delete_all_snapshots(lab, vm.config)
    assert list_lost_disks(lab, vm) == []
    assert list_open_snapshots(lab) == {}


def test_a_vm_whose_files_are_gone_is_refused(lab: Lab) -> None:
    vm = read_registry(lab)[0]
    aside = vm.folder.with_name("aside")
    vm.folder.rename(aside)
    with pytest.raises(HostFault, match="Unable to access file"):
        take_snapshot(lab, vm.config, "late")
    aside.rename(vm.folder)
