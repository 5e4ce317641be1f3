"""What the emulated host prints is what is known of vmware-cmd."""

import re
from pathlib import Path
from typing import Any

import pytest
from esx import Host
from esx_kit import SNAPSHOT, files_of, say


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host.create(tmp_path / "esx")


@pytest.fixture
def vcli(tmp_path: Path) -> Host:
    return Host.create(tmp_path / "vma", dialect="vcli")


def test_the_console_lists_bare_paths(host: Host) -> None:
    first, second = host.add_vm("sql server (2)"), host.add_vm("web+app", name="web")
    said = say(host, "-l")
    assert (said.stdout, said.stderr, said.exit_code) == (f"{first}\n{second}\n", "", 0)
    assert re.fullmatch(r".*/vmfs/volumes/[0-9a-f-]{35}/web\+app/web\.vmx", second)


def test_the_vcli_puts_an_empty_line_first_and_last(vcli: Host) -> None:
    vmx = vcli.add_vm("one")
    assert say(vcli, "-l").stdout == f"\n{vmx}\n\n"


def test_no_vm_is_silence_on_the_console_and_a_sentence_from_the_vcli(
    host: Host, vcli: Host
) -> None:
    assert (say(host, "-l").stdout, say(host, "-l").exit_code) == ("", 0)
    assert say(vcli, "-l").stdout == "\nNo virtual machine found.\n\n"


@pytest.mark.parametrize("power", ["on", "off", "suspended", "stuck"])
def test_getstate_says_the_power_state(host: Host, power: Any) -> None:
    vmx = host.add_vm("one", power=power)
    assert say(host, vmx, "getstate").stdout == f"getstate() = {power}\n"
    assert say(host, "-q", vmx, "getstate").stdout == f"{power}\n"
    assert say(host, vmx, "getstate", "-q").stdout == f"{power}\n"


def test_hassnapshot_has_an_empty_value_on_the_console_and_0_from_the_vcli(
    host: Host, vcli: Host
) -> None:
    assert say(host, host.add_vm("one"), "hassnapshot").stdout == "hassnapshot() = \n"
    assert say(vcli, vcli.add_vm("one"), "hassnapshot").stdout == "hassnapshot() = 0\n"


@pytest.mark.parametrize("dialect", ["console", "vcli"])
def test_a_snapshot_is_echoed_without_its_quotes(tmp_path: Path, dialect: str) -> None:
    host = Host.create(tmp_path / "esx", dialect=dialect)
    vmx = host.add_vm("one")
    said = say(host, vmx, *SNAPSHOT)
    assert said.stdout == "createsnapshot(HLB-gold-1 a backup 1 0) = 1\n"
    assert say(host, vmx, "hassnapshot").stdout == "hassnapshot() = 1\n"
    assert say(host, vmx, "removesnapshots").stdout == "removesnapshots() = 1\n"
    assert host.snapshots(vmx) == []


def test_an_unknown_path_is_error_11_on_the_console(host: Host) -> None:
    said = say(host, "/vmfs/volumes/x/a b.vmx", "getstate")
    assert said.exit_code == 11
    assert said.stdout == ""
    assert said.stderr == (
        "/usr/bin/vmware-cmd: Could not connect to VM /vmfs/volumes/x/a b.vmx\n"
        "  (VMControl error -11: No such virtual machine: The config file"
        " /vmfs/volumes/x/a b.vmx is not registered.\n"
        "Please register the config file on the server.  For example:\n"
        'vmware-cmd -s register "/vmfs/volumes/x/a b.vmx")\n'
    )


def test_an_unknown_path_is_a_sentence_from_the_vcli(vcli: Host) -> None:
    said = say(vcli, "/vmfs/volumes/x/x.vmx", *SNAPSHOT)
    assert (said.stderr, said.exit_code) == ("No virtual machine found.\n", 1)


def test_a_label_path_is_not_the_registered_one(host: Host) -> None:
    vmx = Path(host.add_vm("one"))
    by_label = host.volumes / "storage1" / "one" / "one.vmx"
    assert by_label.samefile(vmx)
    assert say(host, str(by_label), "getstate").exit_code == 11


def test_a_relative_path_works_from_the_folder_of_the_vm(host: Host) -> None:
    vmx = Path(host.add_vm("one"))
    assert say(host, "one.vmx", "getstate", cwd=str(vmx.parent)).exit_code == 0


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_errors_and_usage_go_to_the_stream_that_was_ordered(host: Host, stream: str) -> None:
    host.configure(error_stream=stream)
    assert "-11" in getattr(say(host, "/x.vmx", "getstate"), stream)
    assert "Usage: " in getattr(say(host, "/x.vmx", "getsate"), stream)


@pytest.mark.parametrize(
    "arguments",
    [
        ["VMX"],
        ["getstate"],
        ["getstate", "VMX"],
        ["VMX", "getState"],
        ["VMX", "getstate", "now"],
        ["VMX", "hassnapshot", ""],
        ["VMX", "createsnapshot"],
        ["VMX", "createsnapshot", "name", "text", "1"],
        ["VMX", "createsnapshot", "name", "text", "1", "0", "0"],
        ["VMX", "createsnapshot", "1", "0", "name", "text"],
        ["VMX", "createsnapshot", "name", "two", "words", "1", "0"],
        ["VMX", "createsnapshot", "name", "text", "true", "false"],
        ["VMX", "createsnapshot", "name", "-text", "1", "0"],
        ["VMX", "removesnapshots", "name"],
        ["VMX", "removesnapshot"],
        ["VMX", "start", "gently"],
        ["-l", "VMX"],
        ["-l", "-s"],
        ["-x", "-l"],
        ["-H", "esx", "-l"],
        ["-s"],
        ["-s", "register"],
        ["-s", "register", "VMX", "datacenter", "pool"],
        ["register", "VMX"],
    ],
)
def test_a_wrong_command_line_gets_the_usage_and_changes_nothing(
    host: Host, arguments: list[str]
) -> None:
    vmx = host.add_vm("one")
    before = files_of(vmx)
    said = say(host, *(vmx if word == "VMX" else word for word in arguments))
    assert said.exit_code == 1
    assert said.stderr == (
        "Usage: vmware-cmd <options> <vm-cfg-path> <vm-action> <arguments>\n"
        "vmware-cmd -s <options> <server-action> <arguments>\n"
    )
    assert files_of(vmx) == before


def test_without_arguments_the_usage_is_no_failure(host: Host) -> None:
    said = say(host)
    assert (said.exit_code, said.stdout[:7]) == (0, "Usage: ")


def test_the_vcli_takes_its_connection_options(vcli: Host) -> None:
    vmx = vcli.add_vm("one")
    assert say(vcli, "-H", "esx", "--vihost=b", vmx, "getstate").stdout == "getstate() = on\n"
    assert say(vcli, vmx, "getstate", "-H").exit_code == 1


def test_start_and_stop_refuse_the_state_the_vm_is_in(host: Host) -> None:
    vmx = host.add_vm("one")
    said = say(host, vmx, "start")
    assert said.exit_code == 8
    assert said.stderr == (
        "VMControl error -8: Invalid operation for virtual machine's current state: The requested"
        ' operation ("start") could not be completed because it conflicted with the state of the'
        ' virtual machine ("on") at the time the request was received. This error often occurs'
        " because the state of the virtual machine changed before it received the request.\n"
    )
    assert say(host, vmx, "stop", "hard").stdout == "stop() = 1\n"
    assert 'operation ("stop")' in say(host, vmx, "stop").stderr
    assert say(host, vmx, "start", "trysoft").stdout == "start() = 1\n"
    assert host.power(vmx) == "on"


def test_the_vcli_says_a_wrong_state_in_a_sentence(vcli: Host) -> None:
    said = say(vcli, vcli.add_vm("one"), "start")
    sentence = "The attempted operation cannot be performed in the current state.\n"
    assert (said.stderr, said.exit_code) == (sentence, 1)


def test_registering_and_unregistering_keep_the_files(host: Host) -> None:
    vmx = host.add_vm("it's", power="off")
    before = files_of(vmx)
    assert say(host, "-s", "unregister", vmx).stdout == f"unregister({vmx}) = 1\n"
    assert say(host, "-s", "unregister", vmx).exit_code == 11
    assert say(host, "-l").stdout == ""
    assert say(host, "-s", "register", vmx).stdout == f"register({vmx}) = 1\n"
    assert say(host, "-s", "register", vmx).exit_code == 231
    assert say(host, "-s", "register", f"{vmx}.gone").exit_code == 11
    assert say(host, "-l").stdout == f"{vmx}\n"
    assert files_of(vmx) == before


def test_a_vm_that_waits_for_an_answer_takes_no_snapshot(host: Host) -> None:
    vmx = host.add_vm("one", power="stuck")
    said = say(host, vmx, *SNAPSHOT)
    text = "VMControl error -16: Virtual machine requires user input to continue\n"
    assert (said.stderr, said.exit_code) == (text, 16)


@pytest.mark.parametrize(
    ("vm", "arguments", "text"),
    [
        ({}, ("createsnapshot", "50%", "", "0", "0"), "The name 50% is invalid."),
        ({}, ("createsnapshot", "", "", "0", "0"), "The name  is invalid."),
        (
            {"independent": [0]},
            ("createsnapshot", "name", "", "0", "1"),
            "Cannot take a memory snapshot, since the virtual machine is configured with"
            " independent disks.",
        ),
        (
            {"extra_lines": ['SCSI1.sharedBus = "physical"']},
            SNAPSHOT,
            "SnapshotIncompatibleDeviceInVm",
        ),
    ],
)
def test_a_fault_has_the_soap_shape_and_changes_nothing(
    host: Host, vm: dict[str, Any], arguments: tuple[str, ...], text: str
) -> None:
    vmx = host.add_vm("one", **vm)
    before = files_of(vmx)
    said = say(host, vmx, *arguments)
    assert said.exit_code == 231
    assert said.stderr == (
        f"VMControl error -999: Unknown error: SoapError: ServerFaultCode(0) : ({text})\n"
    )
    assert files_of(vmx) == before
    host.configure(dialect="vcli")
    said = say(host, vmx, *arguments)
    assert (said.stderr, said.exit_code) == (f"{text}\n", 1)


def test_a_suspended_vm_takes_one_snapshot_and_no_second(host: Host) -> None:
    vmx = host.add_vm("one", power="suspended")
    assert say(host, vmx, *SNAPSHOT).exit_code == 0
    assert "has not changed since the last snapshot" in say(host, vmx, *SNAPSHOT).stderr
