"""Whatever vmware-cmd may print is read as a fact or as an error, and never as something else."""

import os
from pathlib import Path

import pytest
from effects_kit import make_driver, write_sayer

from hlb_hooks.effects.vmware_answers import (
    HostRefusedError,
    PowerState,
    RefusalKind,
    UnreadableAnswerError,
)

# The literals are those of Apache VCL's vmware.pm (ESX 3), of Ubuntu's forum (VMware Server), of
# vCLI 5.x transcripts, of vmware-cmd2, and of public test doubles.
VMX = "/vmfs/volumes/4a3b/sql server (2)/sql server (2).vmx"
OTHER_VMX = "/vmfs/volumes/4a3b/it's/it's.vmx"
USAGE = (
    "Usage: vmware-cmd <options> <vm-cfg-path> <vm-action> <arguments>\n"
    "vmware-cmd -s <options> <server-action> <arguments>\n"
)
NO_VM = "No virtual machine found."
TIMED_OUT = "VMControl error -7: Timeout"
CONFLICT = (
    "VMControl error -8: Invalid operation for virtual machine's current state: The requested "
    'operation ("start") could not be completed because it conflicted with the state of the '
    'virtual machine ("on") at the time the request was received. This error often occurs '
    "because the state of the virtual machine changed before it received the request."
)
NO_TOOLS = (
    "VMControl error -8: Invalid operation for virtual machine's current state: Make sure the "
    "VMware Server Tools are running"
)
NOT_REGISTERED = (
    f"/usr/bin/vmware-cmd: Could not connect to VM {VMX}\n"
    f"  (VMControl error -11: No such virtual machine: The config file {VMX} is not registered.\n"
    "Please register the config file on the server.  For example:\n"
    f'vmware-cmd -s register "{VMX}")'
)
DAEMON_DOWN = (
    "/usr/bin/vmware-cmd: Could not connect to vmware-authd\n"
    "  (VMControl error -14: Unexpected response from vmware-authd: 511 Error connecting to "
    "/usr/sbin/vmware-serverd process.)"
)
VCLI_QUESTION = "Virtual machine requires user input to continue\n"
QUESTION = "VMControl error -16: Virtual machine requires user input to continue"
EXISTS = "VMControl error -20: Virtual machine already exists"
FAULT = (
    "VMControl error -999: Unknown error: SoapError: ServerFaultCode(0) : (Operation failed since "
    "VMware tools are not running in this virtual machine.)"
)
VCLI_STATE = "The attempted operation cannot be performed in the current state."
VCLI_DOWN = "Error connecting to server at 'https://127.0.0.1/sdk/webService': Bad hostname"

FAULT_BUSY = (
    "VMControl error -999: Unknown error: SoapError: ServerFaultCode(0) : "
    "(Operation failed since another task is in progress.)"
)
REFUSALS = [
    pytest.param(text, exit_code, kind, code, id=f"{exit_code} {text[:30]}")
    for text, exit_code, kind, code in [
        (TIMED_OUT, 7, RefusalKind.TIMED_OUT, 7),
        (CONFLICT, 8, RefusalKind.WRONG_STATE, 8),
        (NO_TOOLS, 8, RefusalKind.WRONG_STATE, 8),
        (NOT_REGISTERED, 11, RefusalKind.NOT_REGISTERED, 11),
        ("VMControl error -11: No such virtual machine", 11, RefusalKind.NOT_REGISTERED, 11),
        (DAEMON_DOWN, 14, RefusalKind.MANAGEMENT_DOWN, 14),
        (QUESTION, 16, RefusalKind.WAITS_FOR_ANSWER, 16),
        (VCLI_QUESTION, 1, RefusalKind.WAITS_FOR_ANSWER, None),
        (EXISTS, 20, RefusalKind.OTHER, 20),
        (FAULT, 231, RefusalKind.FAULT, 999),
        (FAULT.replace("(0)", "(1606)"), 231, RefusalKind.FAULT, 999),
        # The text counts, also where a wrapper lost the exit status.
        (FAULT, 0, RefusalKind.FAULT, 999),
        (TIMED_OUT, 0, RefusalKind.TIMED_OUT, 7),
        (DAEMON_DOWN, 0, RefusalKind.MANAGEMENT_DOWN, 14),
        ("VMControl error -5", 5, RefusalKind.OTHER, 5),
        ("VMControl error -" + "9" * 5000, 3, RefusalKind.OTHER, None),
        # vCLI: plain sentences and exit status 1.
        (VCLI_STATE, 1, RefusalKind.WRONG_STATE, None),
        (VCLI_DOWN, 1, RefusalKind.MANAGEMENT_DOWN, None),
        (VCLI_DOWN, 0, RefusalKind.MANAGEMENT_DOWN, None),
        (FAULT_BUSY, 231, RefusalKind.BUSY, 999),
        ("Operation failed since another task is in progress.", 1, RefusalKind.BUSY, None),
        ("Operation timed out.", 1, RefusalKind.TIMED_OUT, None),
        ("A timeout occurred while communicating with VMware Tools", 1, RefusalKind.OTHER, None),
        (USAGE, 0, RefusalKind.OTHER, None),
        (USAGE, 1, RefusalKind.OTHER, None),
        ("some words nobody has written down", 1, RefusalKind.OTHER, None),
        # Silence: the exit status alone is N modulo 256.
        ("", 7, RefusalKind.TIMED_OUT, 7),
        ("", 8, RefusalKind.WRONG_STATE, 8),
        ("", 11, RefusalKind.NOT_REGISTERED, 11),
        ("", 14, RefusalKind.MANAGEMENT_DOWN, 14),
        ("", 16, RefusalKind.WAITS_FOR_ANSWER, 16),
        ("", 20, RefusalKind.OTHER, 20),
        ("", 231, RefusalKind.FAULT, 999),
        ("", 1, RefusalKind.OTHER, None),
        ("", 255, RefusalKind.OTHER, None),
    ]
]


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
@pytest.mark.parametrize(("text", "exit_code", "kind", "code"), REFUSALS)
def test_a_refusal_is_understood_on_either_stream(
    tmp_path: Path, stream: str, text: str, exit_code: int, kind: RefusalKind, code: int | None
) -> None:
    said = f"{text}\n".encode() if text else b""
    streams = (said, b"") if stream == "stdout" else (b"", said)
    driver = make_driver(write_sayer(tmp_path, *streams, exit_code=exit_code))
    with pytest.raises(HostRefusedError) as caught:
        driver.read_power_state(VMX)
    assert caught.value.refusal.kind is kind
    assert caught.value.refusal.code == code
    assert "vmware-cmd getstate" in caught.value.message
    assert f"exit status {exit_code}" in caught.value.message
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 400


@pytest.mark.parametrize(
    ("text", "exit_code", "kind"),
    [
        (NOT_REGISTERED, 11, RefusalKind.NOT_REGISTERED),
        (DAEMON_DOWN, 14, RefusalKind.MANAGEMENT_DOWN),
        (FAULT, 231, RefusalKind.FAULT),
        (VCLI_DOWN, 1, RefusalKind.MANAGEMENT_DOWN),
        (VCLI_DOWN, 0, RefusalKind.MANAGEMENT_DOWN),
        (USAGE, 0, RefusalKind.OTHER),
        (USAGE, 1, RefusalKind.OTHER),
        ("", 231, RefusalKind.FAULT),
        ("", 1, RefusalKind.OTHER),
        (f"{VCLI_DOWN}\n{NO_VM}", 1, RefusalKind.NOT_REGISTERED),
    ],
)
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_refused_inventory_is_no_empty_host(
    tmp_path: Path, stream: str, text: str, exit_code: int, kind: RefusalKind
) -> None:
    streams = (text.encode(), b"") if stream == "stdout" else (b"", text.encode())
    driver = make_driver(write_sayer(tmp_path, *streams, exit_code=exit_code))
    with pytest.raises(HostRefusedError) as caught:
        driver.list_vms()
    assert caught.value.refusal.kind is kind


def test_no_virtual_machine_found_means_not_registered_here(tmp_path: Path) -> None:
    driver = make_driver(write_sayer(tmp_path, f"{NO_VM}\n".encode(), exit_code=1))
    with pytest.raises(HostRefusedError) as caught:
        driver.read_power_state(VMX)
    assert caught.value.refusal.kind is RefusalKind.NOT_REGISTERED


@pytest.mark.parametrize(
    ("stdout", "stderr", "exit_code"),
    [
        (b"", b"", 0),
        (b"\n\n", b"", 0),
        (b" \r\n", b"", 0),
        (f"{NO_VM}\n".encode(), b"", 0),
        (f"\n{NO_VM}\n\n".encode(), b"", 1),
        (b"", f"{NO_VM}\n".encode(), 1),
        (b"\n", f"{NO_VM}\n".encode(), 0),
    ],
)
def test_a_host_without_vms_is_valid(
    tmp_path: Path, stdout: bytes, stderr: bytes, exit_code: int
) -> None:
    assert make_driver(write_sayer(tmp_path, stdout, stderr, exit_code)).list_vms() == ()


@pytest.mark.parametrize(
    ("stdout", "expected"),
    [
        (f"{VMX}\n", [VMX]),
        (f"{VMX}", [VMX]),
        (f"\n{VMX}\n{OTHER_VMX}\n\n", [VMX, OTHER_VMX]),
        (f"{VMX}\r\n{OTHER_VMX}\r\n", [VMX, OTHER_VMX]),
        (f"{OTHER_VMX}\n{VMX}\n{OTHER_VMX}\n", [OTHER_VMX, VMX]),
        (f"warning: nobody reads this\n{VMX}\n", [VMX]),
        ("/vmfs/volumes/4a3b/t/t.vmtx\n", ["/vmfs/volumes/4a3b/t/t.vmtx"]),
        ("/vmfs/volumes/4a3b/T/T.VMX\n", ["/vmfs/volumes/4a3b/T/T.VMX"]),
        (
            "/vmfs/volumes/4a3b/web+app/a & b; $(c) `d` \\e.vmx\n",
            ["/vmfs/volumes/4a3b/web+app/a & b; $(c) `d` \\e.vmx"],
        ),
        ("/vmfs/volumes/a/VMControl error -7.vmx\n", ["/vmfs/volumes/a/VMControl error -7.vmx"]),
        # What Unicode takes for the end of a line is a character like others in a path.
        (
            "/vmfs/volumes/a/SoapError\u2028b\x0bUsage:\x85.vmx\n",
            ["/vmfs/volumes/a/SoapError\u2028b\x0bUsage:\x85.vmx"],
        ),
        ("/vmfs/volumes/a/ x .vmx\n", ["/vmfs/volumes/a/ x .vmx"]),
        ("/vmfs/volumes/a/\udcff\udcfe.vmx\n", ["/vmfs/volumes/a/\udcff\udcfe.vmx"]),
    ],
)
def test_the_inventory_is_given_as_printed(
    tmp_path: Path, stdout: str, expected: list[str]
) -> None:
    driver = make_driver(write_sayer(tmp_path, os.fsencode(stdout)))
    assert list(driver.list_vms()) == expected


def test_ten_thousand_paths_arrive_in_order(tmp_path: Path) -> None:
    paths = [f"/vmfs/volumes/4a3b/vm {number}/vm {number}.vmx" for number in range(10_000)]
    driver = make_driver(write_sayer(tmp_path, "".join(f"{path}\n" for path in paths).encode()))
    assert list(driver.list_vms()) == paths


@pytest.mark.parametrize(
    ("stdout", "stderr"),
    [
        (f"{VMX}\n/vmfs/volumes/4a3b/it's/it", ""),
        (f"{VMX}\n/vmfs/volumes/4a3b/it's/it's.vm", ""),
        ("/vmfs/volumes/4a3b/sto\nre/store.vmx\n", ""),
        (f"{VMX} \n", ""),
        ("/vmfs/volumes/4a3b/a\0b.vmx\n", ""),
        ("garbage", ""),
        ("\0\0\0\0", ""),
        ("\udcff\udcfe\udcfd", ""),
        (f"garbage\n{NO_VM}\n", ""),
        (f"{NO_VM}\n{NO_VM}\n", ""),
        ("relative/a.vmx\n", ""),
        # Which stream carries a complaint is not known.
        ("", "Can't locate VMware/VmPerl.pm in @INC\n"),
        (f"{NO_VM}\n", "Out of memory!\n"),
    ],
)
def test_an_inventory_that_cannot_be_read_is_an_error(
    tmp_path: Path, stdout: str, stderr: str
) -> None:
    driver = make_driver(write_sayer(tmp_path, os.fsencode(stdout), os.fsencode(stderr)))
    with pytest.raises(UnreadableAnswerError, match="vmware-cmd -l") as caught:
        driver.list_vms()
    assert caught.value.next_step


def test_every_cut_of_an_inventory_is_an_error_or_whole_paths(tmp_path: Path) -> None:
    whole = f"{VMX}\n{OTHER_VMX}\n"
    for length in range(len(whole) + 1):
        if length % 7:
            continue
        driver = make_driver(write_sayer(tmp_path, whole[:length].encode()))
        try:
            found = driver.list_vms()
        except UnreadableAnswerError:
            continue
        assert found in {(), (VMX,), (VMX, OTHER_VMX)}


@pytest.mark.parametrize("state", list(PowerState))
@pytest.mark.parametrize("form", ["getstate() = {}\n", "getstate() = {}", "\ngetstate() = {}\r\n"])
def test_every_power_state_is_known(tmp_path: Path, state: PowerState, form: str) -> None:
    driver = make_driver(write_sayer(tmp_path, form.format(state.value).encode()))
    assert driver.read_power_state(VMX) is state


@pytest.mark.parametrize(
    "stdout",
    [
        b"",
        b"\n",
        b"on\n",
        b"getstate() = \n",
        b"getstate() = unknown\n",
        b"getstate() = ON\n",
        b"getstate() \n",
        b"getstate(",
        b"getstate() = o",
        b"getstate() = on\ngetstate() = off\n",
        b"xgetstate() = on\n",
        b"hassnapshot() = 1\n",
        b"getstate() = \xff\n",
        b"\0",
    ],
)
def test_a_power_state_that_cannot_be_read_is_an_error(tmp_path: Path, stdout: bytes) -> None:
    with pytest.raises(UnreadableAnswerError, match="vmware-cmd getstate cannot be understood"):
        make_driver(write_sayer(tmp_path, stdout)).read_power_state(VMX)


@pytest.mark.parametrize(
    ("stdout", "expected"),
    [
        (b"hassnapshot() = 1\n", True),
        (b"hassnapshot() = 0\n", False),
        (b"hassnapshot() = \n", False),
        (b"hassnapshot() =\n", False),
        (b"hassnapshot() = ", False),
        (b"hassnapshot() = \r\n", False),
    ],
)
def test_only_one_means_that_there_is_a_snapshot(
    tmp_path: Path, stdout: bytes, *, expected: bool
) -> None:
    assert make_driver(write_sayer(tmp_path, stdout)).read_has_snapshot(VMX) is expected


@pytest.mark.parametrize(
    "stdout",
    [b"", b"hassnapshot() ", b"hassnapshot()", b"hassnapshot() = 2\n", b"hassnapshot() = yes\n"],
)
def test_another_answer_of_hassnapshot_is_an_error(tmp_path: Path, stdout: bytes) -> None:
    with pytest.raises(UnreadableAnswerError):
        make_driver(write_sayer(tmp_path, stdout)).read_has_snapshot(VMX)


@pytest.mark.parametrize(
    "stdout",
    [
        b"createsnapshot(HLB-1 a description 1 0) = 1\n",
        b"createsnapshot (HLB-1 a description 1 0) = 1\n",
        b"createsnapshot(HLB-1, a description, 1, 0) = success\n",
        b"createsnapshot(HLB-1 of a (b) = 0 1 0) = 1\n",
        b"createsnapshot() = 1\n",
        b"\ncreatesnapshot(HLB-1 a description 1 0) = 1\r\n\n",
    ],
)
def test_a_created_snapshot_is_understood_in_every_form(tmp_path: Path, stdout: bytes) -> None:
    says = make_driver(write_sayer(tmp_path, stdout)).create_snapshot(
        VMX, "HLB-1", "a description", quiesce=True, memory=False
    )
    assert says.is_done
    assert not says.message


@pytest.mark.parametrize(
    ("stdout", "exit_code"),
    [
        (b"", 0),
        (b"removesnapshots() = 0\n", 0),
        (b"removesnapshots() = \n", 0),
        (b"removesnapshots() ", 0),
        (b"removesnapshots() = 1\nremovesnapshots() = 0\n", 0),
        (b"createsnapshot() = 1\n", 0),
        (b"\xff\xfe", 0),
        (b"removesnapshots() = 1\n", 1),
    ],
)
def test_what_is_not_clearly_done_is_not_taken_for_done(
    tmp_path: Path, stdout: bytes, exit_code: int
) -> None:
    driver = make_driver(write_sayer(tmp_path, stdout, exit_code=exit_code))
    says = driver.remove_all_snapshots(VMX)
    assert not says.is_done
    assert "vmware-cmd removesnapshots" in says.message


@pytest.mark.parametrize("success", [b"removesnapshots() = 1\n", b"removesnapshots() = success\n"])
def test_a_removal_is_understood_in_every_form(tmp_path: Path, success: bytes) -> None:
    assert make_driver(write_sayer(tmp_path, success)).remove_all_snapshots(VMX).is_done
