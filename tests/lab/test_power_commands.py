"""``vmware-cmd`` registers, starts, stops, resets and suspends; literals from VCL's comments."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_kit import Outcome, find_vm, make_lab, run_vmware_cmd, wait_for
from power_kit import SMALL, VMS, copy_vm, refusal

from hlb_hooks.lab.evidence import hash_vm, list_lost_disks
from hlb_hooks.lab.files import is_locked
from hlb_hooks.lab.host.disks import read_vm_disks, read_vmx
from hlb_hooks.lab.host.faults import Fault, add_fault
from hlb_hooks.lab.host.guests import Guests
from hlb_hooks.lab.host.hosts import kill_host
from hlb_hooks.lab.host.operate import change_power
from hlb_hooks.lab.host.registry import read_registry
from hlb_hooks.lab.layout import Lab, LabSettings
from hlb_hooks.lab.sample_vms import SampleVm

WRONG_STATE = (
    "VMControl error -8: Invalid operation for virtual machine's current state: The requested "
    'operation ("{action}") could not be completed because it conflicted with the state of the '
    'virtual machine ("{power}") at the time the request was received. This error often occurs '
    "because the state of the virtual machine changed before it received the request.\n"
)


@pytest.fixture(params=["console", "vcli"])
def lab(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lab]:
    lab = make_lab(tmp_path / "lab", VMS, dialect=request.param)
    yield lab
    for vm in read_registry(lab):
        assert list_lost_disks(lab, vm) == []


def is_console(lab: Lab) -> bool:
    return lab.read_settings().dialect == "console"


def list_paths(lab: Lab) -> list[str]:
    return [line for line in run_vmware_cmd(lab, "-l").stdout.splitlines() if line]


def test_a_vm_is_unregistered_and_registered_with_the_known_echo(lab: Lab) -> None:
    config = find_vm(lab, "it's (2)").config
    assert run_vmware_cmd(lab, "-s", "unregister", config) == Outcome(
        0, f"unregister({config}) = 1\n", ""
    )
    assert str(config) not in list_paths(lab)
    assert config.exists()
    assert run_vmware_cmd(lab, "-s", "register", config) == Outcome(
        0, f"register({config}) = 1\n", ""
    )
    assert list_paths(lab)[-1] == str(config)


def test_the_vcli_registers_into_a_datacenter_and_a_pool(lab: Lab) -> None:
    config = find_vm(lab, "vm").config
    run_vmware_cmd(lab, "-s", "unregister", config)
    outcome = run_vmware_cmd(lab, "-s", "register", config, "ha-datacenter", "a pool")
    if is_console(lab):
        assert outcome.stderr.startswith("Usage: vmware-cmd")
    else:
        assert outcome.stdout == f"register({config} ha-datacenter a pool) = 1\n"


def test_a_path_by_label_or_from_the_working_directory_is_registered_by_uuid(lab: Lab) -> None:
    config = find_vm(lab, "it's (2)").config
    label = lab.volumes / "store (2)/it's (2)/it's (2).vmx"
    for path, folder in ((str(label), "/"), ("it's (2).vmx", str(config.parent))):
        run_vmware_cmd(lab, "-s", "unregister", config)
        done = subprocess.run(
            [lab.programs / "vmware-cmd", "-s", "register", path],
            cwd=folder,
            capture_output=True,
            check=False,
        )
        assert done.stdout == f"register({path}) = 1\n".encode()
        assert list_paths(lab)[-1] == str(config)


def test_a_name_of_any_bytes_is_registered(tmp_path: Path) -> None:
    name = os.fsdecode(b"za\xc5\xbc\xff")
    lab = make_lab(tmp_path / "lab", [SampleVm(name, disks=(SMALL,), power="off")])
    config = read_registry(lab)[0].config
    for action in ("unregister", "register"):
        outcome = run_vmware_cmd(lab, "-s", action, config)
        assert outcome.stdout == f"{action}({config}) = 1\n"
    assert list_paths(lab) == [str(config)]


def test_a_registered_vm_is_registered_no_second_time(lab: Lab) -> None:
    config = find_vm(lab, "vm").config
    outcome = run_vmware_cmd(lab, "-s", "register", config)
    assert outcome == refusal(lab, "The specified key, name, or identifier '1' already exists.")
    assert len(list_paths(lab)) == len(VMS)


def test_vmware_server_has_an_error_of_its_own_for_that(lab: Lab) -> None:
    settings = LabSettings(dialect=lab.read_settings().dialect, register_twice="error")
    lab.write_settings(settings)
    outcome = run_vmware_cmd(lab, "-s", "register", find_vm(lab, "vm").config)
    if is_console(lab):
        text = "VMControl error -20: Virtual machine already exists\n"
        assert outcome == Outcome(20, "", text)
    else:
        assert outcome == Outcome(1, "", "Virtual machine already exists\n")


@pytest.mark.parametrize("content", [None, b"", b"no configuration", b'a = "1"\n', b"\0"])
def test_what_is_no_configuration_is_not_registered(lab: Lab, content: bytes | None) -> None:
    path = lab.volumes / "storage1/new.vmx"
    if content is not None:
        path.write_bytes(content)
    outcome = run_vmware_cmd(lab, "-s", "register", path)
    if is_console(lab):
        assert outcome == Outcome(11, "", "VMControl error -11: No such virtual machine\n")
    else:
        text = "The object or item referred to could not be found.\n"
        assert outcome == Outcome(1, "", text)
    assert len(list_paths(lab)) == len(VMS)


def test_a_configuration_on_no_datastore_is_not_registered(lab: Lab, tmp_path: Path) -> None:
    outside = tmp_path / "vm.vmx"
    outside.write_bytes(find_vm(lab, "vm").config.read_bytes())
    assert run_vmware_cmd(lab, "-s", "register", outside).exit_code != 0
    assert len(list_paths(lab)) == len(VMS)


def test_what_is_not_registered_cannot_be_unregistered(lab: Lab) -> None:
    outcome = run_vmware_cmd(lab, "-s", "unregister", "/vmfs/volumes/x/gone.vmx")
    if is_console(lab):
        assert outcome == Outcome(11, "", "VMControl error -11: No such virtual machine\n")
    else:
        assert outcome == Outcome(1, "", "No virtual machine found.\n")


def test_a_running_vm_is_not_unregistered(lab: Lab) -> None:
    outcome = run_vmware_cmd(lab, "-s", "unregister", find_vm(lab, "runs").config)
    assert outcome == refusal(
        lab, "The attempted operation cannot be performed in the current state."
    )


@pytest.mark.parametrize("mode", ["", "hard", "soft", "trysoft"])
def test_a_vm_is_started_reset_suspended_resumed_and_stopped(lab: Lab, mode: str) -> None:
    config = find_vm(lab, "it's (2)").config
    shown = "" if is_console(lab) else mode
    for action, power in (
        ("start", "on"),
        ("reset", "on"),
        ("suspend", "suspended"),
        ("start", "on"),
        ("stop", "off"),
    ):
        outcome = run_vmware_cmd(lab, config, action, *([mode] if mode else []))
        assert outcome == Outcome(0, f"{action}({shown}) = 1\n", "")
        assert run_vmware_cmd(lab, config, "getstate").stdout == f"getstate() = {power}\n"


@pytest.mark.parametrize(
    ("name", "power", "actions"),
    [
        ("vm", "off", ("stop", "reset", "suspend")),
        ("runs", "on", ("start",)),
        ("sleeps", "suspended", ("stop", "reset", "suspend")),
    ],
)
def test_the_wrong_power_state_is_named(
    lab: Lab, name: str, power: str, actions: tuple[str, ...]
) -> None:
    for action in actions:
        outcome = run_vmware_cmd(lab, find_vm(lab, name).config, action)
        if is_console(lab):
            assert outcome == Outcome(8, "", WRONG_STATE.format(action=action, power=power))
        else:
            text = "The attempted operation cannot be performed in the current state.\n"
            assert outcome == Outcome(1, "", text)
        assert find_vm(lab, name).power == power


@pytest.mark.parametrize("action", ["start", "stop", "reset", "suspend"])
def test_a_vm_that_waits_for_an_answer_changes_no_state(lab: Lab, action: str) -> None:
    change_power(lab, find_vm(lab, "runs").config, "stuck")
    outcome = run_vmware_cmd(lab, find_vm(lab, "runs").config, action)
    assert outcome.exit_code == (16 if is_console(lab) else 1)
    assert outcome.stderr.endswith("Virtual machine requires user input to continue\n")


def test_an_unregistered_vm_is_not_started(lab: Lab) -> None:
    config = find_vm(lab, "vm").config
    run_vmware_cmd(lab, "-s", "unregister", config)
    assert run_vmware_cmd(lab, config, "start").exit_code == (11 if is_console(lab) else 1)


def test_a_suspended_vm_is_still_one_when_it_is_registered_again(lab: Lab) -> None:
    config = find_vm(lab, "sleeps").config
    for action in ("unregister", "register"):
        run_vmware_cmd(lab, "-s", action, config)
    assert run_vmware_cmd(lab, config, "getstate").stdout == "getstate() = suspended\n"


def test_a_template_is_not_started(lab: Lab) -> None:
    outcome = run_vmware_cmd(lab, find_vm(lab, "golden").config, "start")
    assert "current state" in outcome.stderr


def test_who_a_vm_is_and_for_how_long_it_runs(lab: Lab) -> None:
    runs = find_vm(lab, "runs").config
    (swap,) = runs.parent.glob("*.vswp")
    os.utime(swap, (1_000_000_000, 1_000_000_000))
    uptime = run_vmware_cmd(lab, runs, "getuptime").stdout
    assert uptime.startswith("getuptime() = ")
    assert int(uptime.split()[-1]) > 500_000_000
    assert run_vmware_cmd(lab, runs, "getconfigfile").stdout == f"getconfigfile() = {runs}\n"
    numbers = {run_vmware_cmd(lab, "-q", vm.config, "getid").stdout for vm in read_registry(lab)}
    assert len(numbers) == len(VMS)
    outcome = run_vmware_cmd(lab, find_vm(lab, "vm").config, "getuptime")
    assert outcome.exit_code == (8 if is_console(lab) else 1)


def test_a_start_goes_on_when_its_client_has_timed_out(lab: Lab) -> None:
    vm = find_vm(lab, "vm")
    add_fault(lab, Fault("timeout", action="start", seconds=0.3))
    outcome = run_vmware_cmd(lab, vm.config, "start")
    assert outcome.exit_code == (7 if is_console(lab) else 1)
    assert run_vmware_cmd(lab, vm.config, "getstate").stdout == "getstate() = off\n"
    wait_for(lambda: find_vm(lab, "vm").power == "on", "the late start")
    wait_for(lambda: not is_locked(lab.hostd / "tasks" / f"{vm.key}.lock"), "the task to end")


@pytest.mark.parametrize("action", ["register", "start"])
def test_a_registration_and_a_start_may_be_lies(lab: Lab, action: str) -> None:
    config = find_vm(lab, "vm").config
    run_vmware_cmd(lab, "-s", "unregister", config)
    words = ("-s", "register", config) if action == "register" else (config, "start")
    if action == "start":
        run_vmware_cmd(lab, "-s", "register", config)
    add_fault(lab, Fault("lie"))
    assert run_vmware_cmd(lab, *words).stdout.endswith(") = 1\n")
    assert (str(config) in list_paths(lab)) == (action == "start")
    assert all(vm.power == "off" for vm in read_registry(lab) if vm.config == config)


def test_a_host_that_is_down_registers_nothing(lab: Lab) -> None:
    config = find_vm(lab, "vm").config
    run_vmware_cmd(lab, "-s", "unregister", config)
    kill_host(lab)
    assert run_vmware_cmd(lab, "-s", "register", config).exit_code != 0
    assert config not in {vm.config for vm in read_registry(lab)}


def test_a_copy_that_is_registered_has_its_own_guest(lab: Lab) -> None:
    copy = copy_vm(find_vm(lab, "vm").config, "copy", uuid__action="create")
    run_vmware_cmd(lab, "-s", "register", copy)
    run_vmware_cmd(lab, copy, "start")
    vm = find_vm(lab, "copy")
    then = hash_vm(lab, vm)
    guests = Guests(lab, 1)
    for _ in range(10):
        guests.write_once(vm)
    assert hash_vm(lab, vm) != then
    assert hash_vm(lab, find_vm(lab, "vm")) == then


def test_disks_that_were_put_in_the_place_of_others_are_the_guests_from_then_on(lab: Lab) -> None:
    vm = find_vm(lab, "vm")
    run_vmware_cmd(lab, "-s", "unregister", vm.config)
    base = read_vm_disks(vm)[0].data_files[0]
    base.write_bytes(bytes(base.stat().st_size))
    run_vmware_cmd(lab, "-s", "register", vm.config)
    assert list_lost_disks(lab, vm) == []


def test_disks_that_are_missing_are_no_reason_not_to_register(lab: Lab) -> None:
    vm = find_vm(lab, "vm")
    run_vmware_cmd(lab, "-s", "unregister", vm.config)
    descriptor = vm.folder / "vm.vmdk"
    aside = descriptor.rename(descriptor.with_name("aside"))
    assert run_vmware_cmd(lab, "-s", "register", vm.config).exit_code == 0
    assert read_vmx(vm).display_name == "vm"
    aside.rename(descriptor)
