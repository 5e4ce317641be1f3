"""Literals from facts about real hosts: VCL's vmware.pm, vMA transcripts, EXPRESSCLUSTER."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from lab_kit import find_vm, make_lab, run, run_vmware_cmd, wait_for

from hlb_hooks.lab.evidence import list_lost_disks, list_open_snapshots
from hlb_hooks.lab.files import hold_lock, is_locked, write_file
from hlb_hooks.lab.host.disks import read_vm_disks
from hlb_hooks.lab.host.registry import RegisteredVm, change_registry, read_registry
from hlb_hooks.lab.layout import Lab
from hlb_hooks.lab.programs import render_program
from hlb_hooks.lab.sample_vms import ODD_VMS, SampleDisk, SampleVm

NOT_REGISTERED = """\
/usr/bin/vmware-cmd: Could not connect to VM {path}
  (VMControl error -11: No such virtual machine: The config file {path} is not registered.
Please register the config file on the server.  For example:
vmware-cmd -s register "{path}")
"""
BUSY = "Operation failed since another task is in progress."
SMALL_VMS = [
    replace(vm, disks=tuple(replace(disk, size_bytes=65536) for disk in vm.disks)) for vm in ODD_VMS
]


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return make_lab(tmp_path_factory.mktemp("console") / "lab", SMALL_VMS)


@pytest.fixture(scope="module")
def vcli(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return make_lab(tmp_path_factory.mktemp("vcli") / "lab", SMALL_VMS, dialect="vcli")


@pytest.fixture(params=["console", "vcli"])
def lab(request: pytest.FixtureRequest) -> Lab:
    found: Lab = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def stuck(console: Lab) -> Iterator[RegisteredVm]:
    vm = find_vm(console, "web+app")
    set_power(console, vm, "stuck")
    yield vm
    set_power(console, vm, "on")


def set_power(lab: Lab, vm: RegisteredVm, power: str) -> None:
    change_registry(
        lab,
        lambda vms: [
            replace(each, power=power) if each.config == vm.config else each for each in vms
        ],
    )


def test_a_console_lists_paths_and_nothing_else(console: Lab) -> None:
    outcome = run_vmware_cmd(console, "-l")
    paths = [str(vm.config) for vm in read_registry(console)]
    assert (outcome.exit_code, outcome.stdout.split("\n")) == (0, [*paths, ""])
    assert any(path.endswith("/sql server (2)/sql server (2).vmx") for path in paths)


def test_the_vcli_puts_an_empty_line_before_and_after_the_paths(vcli: Lab) -> None:
    paths = [str(vm.config) for vm in read_registry(vcli)]
    assert run_vmware_cmd(vcli, "-l").stdout.split("\n") == ["", *paths, "", ""]


def test_the_executable_says_what_its_main_says(lab: Lab) -> None:
    vm = find_vm(lab, "sql server (2)")
    for words in (("-l",), (vm.config, "getstate"), (vm.config, "GETSTATE"), ("/x", "getstate")):
        assert run(lab.programs / "vmware-cmd", *words) == run_vmware_cmd(lab, *words)


@pytest.mark.parametrize(
    ("dialect", "expected"), [("console", ""), ("vcli", "\nNo virtual machine found.\n\n")]
)
def test_an_empty_host_lists_nothing(tmp_path: Path, dialect: str, expected: str) -> None:
    lab = make_lab(tmp_path / "lab", 0, dialect=dialect)
    outcome = run_vmware_cmd(lab, "-l")
    assert (outcome.exit_code, outcome.stdout) == (0, expected)


@pytest.mark.parametrize("lists_templates", [True, False])
def test_templates_are_listed_or_not(tmp_path: Path, *, lists_templates: bool) -> None:
    vms = [SampleVm("golden", power="off", is_template=True)]
    lab = make_lab(tmp_path / "lab", vms, lists_templates=lists_templates)
    assert ("golden.vmtx" in run_vmware_cmd(lab, "-l").stdout) == lists_templates


@pytest.mark.parametrize(
    ("folder_name", "power"),
    [("wro215ts", "on"), ("branch-archive", "off"), ("branch-laptop", "suspended")],
)
def test_getstate_says_the_power_state(lab: Lab, folder_name: str, power: str) -> None:
    vm = find_vm(lab, folder_name)
    assert run_vmware_cmd(lab, vm.config, "getstate").stdout == f"getstate() = {power}\n"
    assert run_vmware_cmd(lab, "-q", vm.config, "getstate").stdout == f"{power}\n"
    assert run_vmware_cmd(lab, vm.config, "getstate", "-q").stdout == f"{power}\n"


def test_connection_options_of_the_vcli_are_taken(vcli: Lab) -> None:
    vm = find_vm(vcli, "wro215ts")
    words = ["-H", "esx1", "-U", "root", "-P", "secret", "--vihost", "x"]
    assert run_vmware_cmd(vcli, *words, vm.config, "getstate").stdout == "getstate() = on\n"


def test_hassnapshot_says_nothing_on_a_console_and_zero_by_vcli_without_one(
    console: Lab, vcli: Lab
) -> None:
    for lab, none in ((console, ""), (vcli, "0")):
        outcome = run_vmware_cmd(lab, find_vm(lab, "wro215ts").config, "hassnapshot")
        assert (outcome.exit_code, outcome.stdout) == (0, f"hassnapshot() = {none}\n")
        outcome = run_vmware_cmd(lab, find_vm(lab, "patchday").config, "hassnapshot")
        assert outcome.stdout == "hassnapshot() = 1\n"


@pytest.mark.parametrize("folder_name", ["wro215ts", "sql server (2)", "it's", "two lines"])
def test_a_snapshot_comes_and_goes_with_the_known_echo(lab: Lab, folder_name: str) -> None:
    vm = find_vm(lab, folder_name)
    outcome = run_vmware_cmd(lab, vm.config, "createsnapshot", "HLB-a", "made for us", "1", "0")
    assert outcome.stdout == "createsnapshot(HLB-a made for us 1 0) = 1\n"
    assert list_open_snapshots(lab)[vm.config] == ("HLB-a",)
    assert run_vmware_cmd(lab, vm.config, "hassnapshot").stdout == "hassnapshot() = 1\n"
    assert run_vmware_cmd(lab, vm.config, "removesnapshots").stdout == "removesnapshots() = 1\n"
    assert vm.config not in list_open_snapshots(lab)


def test_a_console_takes_the_two_arguments_of_the_talk(console: Lab) -> None:
    vm = find_vm(console, "web+app")
    outcome = run_vmware_cmd(console, vm.config, "createsnapshot", "wro", "by Avamar, 7th")
    assert outcome.stdout == "createsnapshot(wro by Avamar, 7th) = 1\n"
    run_vmware_cmd(console, vm.config, "removesnapshots")


def test_a_path_relative_to_the_vms_folder_is_understood(console: Lab) -> None:
    vm = find_vm(console, "wro215ts")
    done = subprocess.run(
        [console.programs / "vmware-cmd", "wro215ts.vmx", "getstate"],
        cwd=vm.folder,
        capture_output=True,
        check=False,
    )
    assert done.stdout == b"getstate() = on\n"


def test_a_path_by_the_datastores_label_is_not_registered(console: Lab) -> None:
    path = console.volumes / "storage1/wro215ts/wro215ts.vmx"
    assert path.exists()
    assert run_vmware_cmd(console, path, "getstate").exit_code == 11


@pytest.mark.parametrize("path", ["/vmfs/volumes/x/gone.vmx", "/vmfs/volumes/x/sql"])
def test_an_unregistered_path_is_error_11_with_its_full_text(console: Lab, path: str) -> None:
    outcome = run_vmware_cmd(console, path, "getstate")
    assert (outcome.exit_code, outcome.stdout) == (11, "")
    assert outcome.stderr == NOT_REGISTERED.format(path=path)


def test_an_unregistered_path_is_a_plain_sentence_by_vcli(vcli: Lab) -> None:
    outcome = run_vmware_cmd(vcli, "/vmfs/volumes/x/gone.vmx", "getstate")
    assert (outcome.exit_code, outcome.stderr) == (1, "No virtual machine found.\n")


def test_errors_go_to_the_stream_that_the_lab_says(tmp_path: Path) -> None:
    lab = make_lab(tmp_path / "lab", 0, error_stream="stdout")
    outcome = run_vmware_cmd(lab, "/x.vmx", "getstate")
    assert (outcome.stdout, outcome.stderr) == (NOT_REGISTERED.format(path="/x.vmx"), "")


@pytest.mark.parametrize(
    "words",
    [
        ("-x",),
        ("-l", "more"),
        ("-s", "register"),
        ("-s", "getstate", "VMX"),
        ("-s", "unregister", "VMX", "more"),
        ("-s", "register", "VMX", "datacenter", "pool", "more"),
        ("VMX", "register"),
        ("VMX", "start", "quickly"),
        ("VMX", "stop", "hard", "soft"),
        ("-H",),
        ("VMX",),
        ("VMX", "getstate", "more"),
        ("VMX", "GETSTATE"),
        ("VMX", "removesnapshots", "HLB-a"),
        ("VMX", "removesnapshot"),
        ("VMX", "hassnapshot", "1"),
        ("VMX", "createsnapshot"),
        ("VMX", "createsnapshot", "name"),
        ("VMX", "createsnapshot", "name", "text", "yes", "0"),
        ("VMX", "createsnapshot", "name", "text", "1", "0", "0"),
        ("getstate", "VMX"),
    ],
)
def test_a_wrong_command_line_gives_the_usage_and_changes_nothing(
    lab: Lab, words: tuple[str, ...]
) -> None:
    vmx = str(find_vm(lab, "wro215ts").config)
    outcome = run_vmware_cmd(lab, *(word.replace("VMX", vmx) for word in words))
    assert outcome.exit_code == 1
    assert outcome.stderr.startswith(
        "Usage: vmware-cmd <options> <vm-cfg-path> <vm-action> <arguments>\n"
    )
    assert list_open_snapshots(lab).keys() == {find_vm(lab, "patchday").config}


def test_the_vcli_wants_all_four_arguments_of_createsnapshot(vcli: Lab) -> None:
    vm = find_vm(vcli, "wro215ts")
    assert run_vmware_cmd(vcli, vm.config, "createsnapshot", "name", "text").exit_code == 1


@pytest.mark.parametrize("words", [(), ("-h",)])
def test_no_argument_or_a_call_for_help_gives_the_usage(lab: Lab, words: tuple[str, ...]) -> None:
    outcome = run_vmware_cmd(lab, *words)
    assert outcome.exit_code == 0
    assert outcome.stdout.startswith("Usage: vmware-cmd <options>")


def test_a_vm_that_waits_for_an_answer_does_nothing_else(console: Lab, stuck: RegisteredVm) -> None:
    assert run_vmware_cmd(console, stuck.config, "getstate").stdout == "getstate() = stuck\n"
    outcome = run_vmware_cmd(console, stuck.config, "createsnapshot", "a", "b", "1", "0")
    assert outcome.exit_code == 16
    assert outcome.stderr == (
        "VMControl error -16: Virtual machine requires user input to continue\n"
    )


def test_a_busy_vm_is_a_fault_of_the_generic_shape(console: Lab, vcli: Lab) -> None:
    for lab, exit_code, text in (
        (
            console,
            231,
            f"VMControl error -999: Unknown error: SoapError: ServerFaultCode(0) : ({BUSY})",
        ),
        (vcli, 1, BUSY),
    ):
        vm = find_vm(lab, "wro215ts")
        with hold_lock(lab.hostd / "tasks" / f"{vm.key}.lock"):
            outcome = run_vmware_cmd(lab, vm.config, "createsnapshot", "a", "b", "1", "0")
        assert (outcome.exit_code, outcome.stderr) == (exit_code, f"{text}\n")


def test_a_shared_bus_makes_a_snapshot_fail(console: Lab) -> None:
    vm = find_vm(console, "cluster-node-a")
    outcome = run_vmware_cmd(console, vm.config, "createsnapshot", "a", "b", "1", "0")
    assert outcome.exit_code == 231
    assert "SnapshotIncompatibleDeviceInVm" in outcome.stderr
    assert vm.config not in list_open_snapshots(console)


def test_memory_and_an_independent_disk_do_not_go_together(vcli: Lab) -> None:
    vm = find_vm(vcli, "branch-scratch")
    outcome = run_vmware_cmd(vcli, vm.config, "createsnapshot", "a", "b", "0", "1")
    assert outcome.stderr == (
        "Cannot take a memory snapshot, since the virtual machine is configured with independent "
        "disks.\n"
    )


def test_a_suspended_vm_takes_one_snapshot_and_no_second(vcli: Lab) -> None:
    vm = find_vm(vcli, "branch-laptop")
    words = ["createsnapshot", "a", "b", "0", "0"]
    assert run_vmware_cmd(vcli, vm.config, *words).exit_code == 0
    assert (
        "has not changed since the last snapshot" in run_vmware_cmd(vcli, vm.config, *words).stderr
    )
    assert run_vmware_cmd(vcli, vm.config, "removesnapshots").exit_code == 0


def test_a_defect_of_the_lab_is_answered_as_a_fault_and_logged(tmp_path: Path) -> None:
    lab = make_lab(tmp_path / "lab", [SampleVm("broken", disks=(SampleDisk(65536),))])
    vm = find_vm(lab, "broken")
    write_file(vm.config, b"not a configuration")
    outcome = run_vmware_cmd(lab, vm.config, "createsnapshot", "a", "b", "0", "0")
    assert outcome.exit_code == 231
    assert "VmFileError" in outcome.stderr
    assert "broken.vmx" in (lab.hostd / "hostd.log").read_text()


def test_a_name_of_any_bytes_goes_through_a_locale_that_is_not_utf_8(tmp_path: Path) -> None:
    name = os.fsdecode(b"za\xc5\xbc\xff")
    lab = make_lab(tmp_path / "lab", [SampleVm(name, disks=(SampleDisk(65536),))])
    vm = read_registry(lab)[0]
    program = lab.programs / "vmware-cmd"
    for locale in ("C", "POSIX", "pl_PL.ISO-8859-2"):
        environment = {"LC_ALL": locale, "LANG": locale}
        assert run(program, "-l", environment=environment).stdout == f"{vm.config}\n"
        outcome = run(program, vm.config, "getstate", environment=environment)
        assert outcome.stdout == "getstate() = on\n"


def test_the_task_goes_on_when_its_client_is_killed(tmp_path: Path) -> None:
    sample = SampleVm("vm", disks=(SampleDisk(1 << 20),))
    lab = make_lab(tmp_path / "lab", [sample], merge_pause_seconds=0.05)
    vm = find_vm(lab, "vm")
    assert run_vmware_cmd(lab, vm.config, "createsnapshot", "a", "b", "0", "0").exit_code == 0
    fill_delta(vm.folder / "vm-000001-delta.vmdk", lab.shadow_file(vm.folder / "vm.vmdk"))
    reading, writing = os.pipe()
    client = subprocess.Popen(
        [lab.programs / "vmware-cmd", vm.config, "removesnapshots"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=[writing],
        start_new_session=True,
    )
    os.close(writing)
    task_lock = lab.hostd / "tasks" / f"{vm.key}.lock"
    merging = lab.hostd / "tasks" / f"{vm.key}.merging"
    wait_for(merging.exists, "the merge to begin")
    # While the VM is held the merge does not go on.
    with lab.hold_vm(vm.config):
        os.killpg(client.pid, signal.SIGKILL)
        # Nobody else may hold a pipe of the client's open: its reader would wait for the task.
        assert client.communicate() == (b"", b"")
        with os.fdopen(reading, "rb") as pipe:
            assert pipe.read() == b""
        assert merging.exists(), "the merge was over before the client was killed"
        assert run_vmware_cmd(lab, vm.config, "hassnapshot").stdout == "hassnapshot() = \n"
        assert read_vm_disks(vm)[0].chain.is_delta
        assert BUSY in run_vmware_cmd(lab, vm.config, "removesnapshots").stderr
    wait_for(lambda: not is_locked(task_lock), "the host's task to end")
    assert list_open_snapshots(lab) == {}
    assert list_lost_disks(lab, vm) == []
    assert not list(vm.folder.glob("*-delta.vmdk"))


def fill_delta(delta_file: Path, shadow: Path) -> None:
    from hlb_hooks.lab.host.delta import BLOCK_BYTES, DeltaFile

    content = bytearray(shadow.read_bytes())
    with DeltaFile(delta_file) as delta:
        for number in range(delta.block_count):
            data = bytes([number % 251]) * BLOCK_BYTES
            delta.write_block(number, data)
            content[number * BLOCK_BYTES : (number + 1) * BLOCK_BYTES] = data
    shadow.write_bytes(content)


@pytest.mark.parametrize("folder_name", ["py thon", "p" * 130, "it's"])
def test_a_program_finds_an_interpreter_that_no_shebang_can_hold(
    tmp_path: Path, console: Lab, folder_name: str
) -> None:
    interpreter = tmp_path / folder_name / "python"
    interpreter.parent.mkdir()
    # A wrapper, as a link would not find its own library.
    interpreter.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    interpreter.chmod(0o755)
    program = tmp_path / "vmware-cmd"
    program.write_text(
        render_program("hlb_hooks.lab.host.vmware_cmd", str(console.folder), str(interpreter))
    )
    program.chmod(0o755)
    vm = find_vm(console, "sql server (2)")
    assert run(program, vm.config, "getstate").stdout == "getstate() = on\n"
