"""The driver asks exactly what it should, and turns every end of a command into an answer."""

import json
import sys
from pathlib import Path

import pytest
from effects_kit import VMX, make_driver, write_program, write_sayer

from hlb_hooks.base.errors import ConfigurationError, HostError
from hlb_hooks.effects.vmware_answers import RefusalKind
from hlb_hooks.effects.vmware_cmd import VmwareCmd

ODD_VMX = "/vmfs/volumes/a/two\nlines 'and' \"quotes\" \udcff *.vmx"
ASKED = {
    "list_vms": ["-l"],
    "read_power_state": [ODD_VMX, "getstate"],
    "read_has_snapshot": [ODD_VMX, "hassnapshot"],
    "create_snapshot": [ODD_VMX, "createsnapshot", "HLB-1", "made here", "1", "0"],
    "remove_all_snapshots": [ODD_VMX, "removesnapshots"],
}


def write_recorder(folder: Path) -> str:
    record = folder / "argv.json"
    return write_program(
        folder / "vmware-cmd",
        f"#!{sys.executable} -ISXutf8\nimport json, sys\n"
        f"open({str(record)!r}, 'a').write(json.dumps(sys.argv[1:]) + '\\n')\n"
        "last = [w for w in sys.argv if w.isalpha()]\n"
        "values = {'getstate': 'on', 'hassnapshot': ''}\n"
        "print(f'{last[0]}() = ' + values.get(last[0], '1') if last else '')\n",
    )


def call(driver: VmwareCmd, method: str) -> None:
    if method == "list_vms":
        driver.list_vms()
    elif method == "create_snapshot":
        driver.create_snapshot(ODD_VMX, "HLB-1", "made here", quiesce=True, memory=False)
    else:
        getattr(driver, method)(ODD_VMX)


@pytest.mark.parametrize("method", sorted(ASKED))
def test_each_question_is_put_in_the_host_s_words(tmp_path: Path, method: str) -> None:
    call(make_driver(write_recorder(tmp_path)), method)
    assert json.loads((tmp_path / "argv.json").read_text()) == ASKED[method]


@pytest.mark.parametrize("quiesce", [True, False])
@pytest.mark.parametrize("memory", [True, False])
def test_quiesce_goes_before_memory(tmp_path: Path, *, quiesce: bool, memory: bool) -> None:
    driver = make_driver(write_recorder(tmp_path))
    driver.create_snapshot(VMX, "n", "d", quiesce=quiesce, memory=memory)
    argv = json.loads((tmp_path / "argv.json").read_text())
    assert argv[-2:] == [str(int(quiesce)), str(int(memory))]


@pytest.mark.parametrize("method", ["create_snapshot", "remove_all_snapshots"])
def test_a_rehearsal_cannot_run_what_changes(tmp_path: Path, method: str) -> None:
    driver = make_driver(write_recorder(tmp_path), may_change=False)
    with pytest.raises(AssertionError, match="a rehearsal tried to run vmware-cmd"):
        call(driver, method)
    assert not (tmp_path / "argv.json").exists()


@pytest.mark.parametrize("method", ["list_vms", "read_power_state", "read_has_snapshot"])
def test_a_rehearsal_reads_as_the_real_run_does(tmp_path: Path, method: str) -> None:
    call(make_driver(write_recorder(tmp_path), may_change=False), method)
    assert json.loads((tmp_path / "argv.json").read_text()) == ASKED[method]


LIMITS = {"list_vms": 0, "read_power_state": 0, "create_snapshot": 1, "remove_all_snapshots": 2}
KEYS = (
    "[host] command_timeout_seconds",
    "[snapshot] create_timeout_seconds",
    "[snapshot] remove_timeout_seconds",
)


@pytest.mark.parametrize("method", ["list_vms", "read_power_state"])
def test_a_reading_that_takes_too_long_is_an_error_naming_the_key(
    tmp_path: Path, method: str
) -> None:
    program = write_program(tmp_path / "vmware-cmd", "#!/bin/sh\nexec sleep 60\n")
    driver = VmwareCmd(program, make_driver(program).runner, 0.2, 90, 90)
    with pytest.raises(HostError) as caught:
        call(driver, method)
    assert KEYS[LIMITS[method]] in caught.value.message


@pytest.mark.parametrize("method", ["create_snapshot", "remove_all_snapshots"])
def test_a_change_that_takes_too_long_is_uncertain_and_names_its_own_key(
    tmp_path: Path, method: str
) -> None:
    program = write_program(tmp_path / "vmware-cmd", "#!/bin/sh\nexec sleep 60\n")
    limits = [90.0, 90.0, 90.0]
    limits[LIMITS[method]] = 0.2
    driver = VmwareCmd(program, make_driver(program).runner, *limits)
    arguments = {"quiesce": True, "memory": False} if method == "create_snapshot" else {}
    names = ("n", "d") if method == "create_snapshot" else ()
    says = getattr(driver, method)(VMX, *names, **arguments)
    assert not says.is_done
    assert says.kind is RefusalKind.TIMED_OUT
    assert KEYS[LIMITS[method]] in says.message
    assert "0.2 s" in says.message


def test_a_change_whose_command_was_killed_is_uncertain(tmp_path: Path) -> None:
    program = write_program(tmp_path / "vmware-cmd", "#!/bin/sh\nkill -9 $$\n")
    says = make_driver(program).remove_all_snapshots(VMX)
    assert not says.is_done
    assert says.kind is None
    assert "signal 9" in says.message


def test_a_refused_change_carries_the_host_s_words(tmp_path: Path) -> None:
    text = b"VMControl error -999: Unknown error: SoapError: ServerFaultCode(0) : (No quiescing.)"
    says = make_driver(write_sayer(tmp_path, b"", text, 231)).remove_all_snapshots(VMX)
    assert says.kind is RefusalKind.FAULT
    assert "(No quiescing.)" in says.message


@pytest.mark.parametrize("method", sorted(ASKED))
def test_a_missing_program_is_a_configuration_error(tmp_path: Path, method: str) -> None:
    with pytest.raises(ConfigurationError, match="there is no such file") as caught:
        call(make_driver(tmp_path / "vmware-cmd"), method)
    assert "[host] vmware_cmd" in caught.value.next_step
