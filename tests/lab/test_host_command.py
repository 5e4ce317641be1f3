"""``hlb lab fault``, ``hlb lab vm`` and ``hlb lab host`` as an operator calls them."""

import argparse
import re
import shlex
from dataclasses import fields
from pathlib import Path

import pytest
from lab_kit import find_vm, make_lab, no_hook
from power_kit import copy_vm

from hlb_hooks.base.errors import HostError, UsageError
from hlb_hooks.lab.command.dispatch import add_lab_parser
from hlb_hooks.lab.command.faults import describe_fault
from hlb_hooks.lab.host.disks import read_vmx
from hlb_hooks.lab.host.faults import KINDS, Fault, list_faults
from hlb_hooks.lab.host.hosts import add_host
from hlb_hooks.lab.host.neighbours import is_host_down
from hlb_hooks.lab.host.operate import rename_display
from hlb_hooks.lab.host.registry import read_registry
from hlb_hooks.lab.host.snapshots import read_vmsd
from hlb_hooks.lab.layout import (
    REGISTER_TWICE,
    START_WHILE_ASKING,
    UUID_QUESTIONS,
    WITHOUT_INPUT,
    Lab,
    LabSettings,
    open_lab,
)
from hlb_hooks.lab.sample_vms import SampleDisk, SampleVm

SMALL = SampleDisk(65536)
VMS = [
    SampleVm("vm", disks=(SMALL,), display_name="mail store"),
    SampleVm("off", disks=(SMALL,), power="off"),
    SampleVm("twin", disks=(SMALL,)),
]


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return make_lab(tmp_path / "lab", VMS)


@pytest.fixture
def second(lab: Lab) -> Lab:
    return add_host(lab, lab.folder.with_name("lab-2"), "esx2", no_hook)


def call(*words: str | Path) -> int:
    parser = argparse.ArgumentParser()
    add_lab_parser(parser.add_subparsers(dest="command"))
    arguments = parser.parse_args(["lab", *map(str, words)])
    exit_code: int = arguments.run(arguments)
    return exit_code


def test_a_lab_of_several_hosts_is_made_side_by_side(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "lab"
    assert call("create", folder, "--vms", "1", "--hosts", "3") == 0
    labs = [open_lab(str(tmp_path / name)) for name in ("lab", "lab-2", "lab-3")]
    assert [each.read_settings().host_name for each in labs] == ["esx1", "esx2", "esx3"]
    assert [len(read_registry(each)) for each in labs] == [1, 0, 0]
    assert f"{folder}-2: host esx2 on the same datastores" in capsys.readouterr().out


def test_no_host_is_made_if_the_folder_of_one_is_in_use(tmp_path: Path) -> None:
    (tmp_path / "lab-2").mkdir()
    (tmp_path / "lab-2/precious").write_text("data")
    with pytest.raises(UsageError, match="lab-2 is there already"):
        call("create", tmp_path / "lab", "--hosts", "2")
    assert not (tmp_path / "lab").exists()


def test_faults_are_ordered_listed_and_called_off(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    call("fault", lab.folder, "list")
    assert capsys.readouterr().out == "the host works as it should\n"
    words = ["timeout", "--action=-l", "--vm", "v m", "--times", "2", "--seconds", "1.5"]
    call("fault", lab.folder, "add", *words, "--text", "late, again")
    (fault,) = list_faults(lab)
    assert fault == Fault("timeout", "-l", "v m", 2, 1.5, "late, again")
    said = capsys.readouterr().out
    call("fault", lab.folder, "add", *shlex.split(said))
    assert list_faults(lab) == [fault, fault], "what is listed is what orders it"
    call("fault", lab.folder, "clear")
    assert list_faults(lab) == []


def test_a_plain_fault_is_described_by_its_kind_alone() -> None:
    assert describe_fault(Fault("lie")) == "lie"


def test_a_fault_that_cannot_be_says_which_there_are(lab: Lab) -> None:
    with pytest.raises(UsageError) as caught:
        call("fault", lab.folder, "add", "timeuot")
    assert "timeout_late" in caught.value.next_step
    with pytest.raises(UsageError, match="at least 1"):
        call("fault", lab.folder, "add", "timeout", "--times", "0")


def test_the_page_for_the_rehearsal_explains_every_kind_of_fault() -> None:
    page = Path(__file__).parents[2] / "docs/how-to/rehearse.md"
    table = page.read_text("utf-8").partition("| kind |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE)
    assert {kind for row in rows for kind in re.findall(r"`(\w+)`", row)} == set(KINDS)


def test_the_page_for_the_rehearsal_explains_the_settings_of_a_question() -> None:
    page = Path(__file__).parents[2] / "docs/how-to/rehearse.md"
    table = page.read_text("utf-8").partition("| setting |")[2].partition("\n\n")[0]
    known = {field.name for field in fields(LabSettings)}
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) <= known
    for words in (UUID_QUESTIONS, START_WHILE_ASKING, WITHOUT_INPUT, REGISTER_TWICE):
        assert all(f"`{word}`" in table for word in words)


def test_an_administrators_work_is_done_by_name_folder_or_path(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    vm = find_vm(lab, "vm")
    call("vm", lab.folder, "snapshot", "mail store", "a", "--description", "d", "--quiesce")
    call("vm", lab.folder, "snapshot", "vm", "b", "--memory")
    call("vm", lab.folder, "delete-snapshot", vm.config, "a")
    assert [each.display_name for each in read_vmsd(vm).snapshots] == ["b"]
    capsys.readouterr()
    call("vm", lab.folder, "list")
    assert f"on        {vm.config}  snapshots: b\n" in capsys.readouterr().out
    call("vm", lab.folder, "delete-all", lab.volumes / "storage1/vm/vm.vmx")
    assert read_vmsd(vm).snapshots == ()


def test_power_questions_and_names(lab: Lab) -> None:
    for words, power in (
        (("power", "off", "on"), "on"),
        (("power", "off", "stuck"), "stuck"),
        (("answer", "off"), "on"),
        (("power", "off", "suspended"), "suspended"),
        (("power", "off", "off"), "off"),
    ):
        call("vm", lab.folder, *words)
        assert find_vm(lab, "off").power == power
    call("vm", lab.folder, "rename", "off", "new name")
    assert read_vmx(find_vm(lab, "off")).display_name == "new name"


def test_what_a_vm_asks_is_listed_with_its_choices_and_answered_by_number(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = copy_vm(find_vm(lab, "off").config, "copy")
    call("vm", lab.folder, "register", copy, "--power", "on")
    assert (
        f"stuck     {copy}  asks: msg.uuid.moved: 0 Create (default), 1 Keep, 2 Always Create, "
        "3 Always Keep, 4 Cancel\n"
    ) in capsys.readouterr().out
    with pytest.raises(HostError, match="parameter was not correct"):
        call("vm", lab.folder, "answer", "copy", "5")
    call("vm", lab.folder, "answer", "copy", "4")
    assert f"off       {copy}\n" in capsys.readouterr().out


def test_a_vm_is_moved_forgotten_known_again_and_deleted(lab: Lab) -> None:
    call("vm", lab.folder, "move", "off", "store (2)")
    config = find_vm(lab, "off").config
    assert config.parent.parent == (lab.volumes / "store (2)").resolve()
    call("vm", lab.folder, "unregister", "off")
    assert len(read_registry(lab)) == 2
    call("vm", lab.folder, "register", config, "--power", "on")
    assert find_vm(lab, "off").power == "on"
    call("vm", lab.folder, "power", "off", "off")
    call("vm", lab.folder, "delete", "off")
    assert not config.exists()


def test_a_vm_that_is_not_there_or_not_the_only_one_is_named(lab: Lab) -> None:
    with pytest.raises(UsageError, match="no VM of this host is called 'none'") as caught:
        call("vm", lab.folder, "delete-all", "none")
    assert caught.value.next_step == "there are: vm, off, twin"
    rename_display(lab, find_vm(lab, "twin").config, "vm")
    with pytest.raises(UsageError, match="several VMs are called 'vm'") as caught:
        call("vm", lab.folder, "delete-all", "vm")
    assert str(find_vm(lab, "twin").config) in caught.value.next_step


@pytest.mark.parametrize("datastore", ["nowhere", "../..", ""])
def test_a_datastore_that_is_not_there_is_named(lab: Lab, datastore: str) -> None:
    with pytest.raises(UsageError, match="no datastore") as caught:
        call("vm", lab.folder, "move", "off", datastore)
    assert "storage1" in caught.value.next_step


def test_what_the_host_refuses_is_an_error_in_its_words(lab: Lab) -> None:
    with pytest.raises(HostError, match=r"the host refuses: .*current state"):
        call("vm", lab.folder, "power", "off", "off")


def test_a_host_dies_is_succeeded_and_boots(
    lab: Lab, second: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    call("host", lab.folder, "move", "mail store")
    assert find_vm(second, "vm").power == "on"
    call("host", second.folder, "move", "vm", "--to", "esx1")
    call("host", lab.folder, "kill")
    assert is_host_down(lab)
    call("host", lab.folder, "fail-over", "--to", second.folder)
    capsys.readouterr()
    call("host", lab.folder, "list")
    assert capsys.readouterr().out == (
        f"esx1: {lab.folder}: down; 3 VMs in its list\n"
        f"esx2: {second.folder}: up; 2 VMs, 2 of them running; no guest writes\n"
    )
    call("host", lab.folder, "boot")
    assert [vm.power for vm in read_registry(lab)] == ["off"] * 3
    call("host", lab.folder, "drop-stale")
    assert [vm.folder.name for vm in read_registry(lab)] == ["off"]


def test_a_list_with_a_vm_that_is_gone_can_be_shown(
    lab: Lab, second: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    config = find_vm(lab, "off").config
    call("vm", second.folder, "register", config)
    call("vm", lab.folder, "delete", "off")
    capsys.readouterr()
    call("vm", second.folder, "list")
    assert capsys.readouterr().out == f"off       {config}\n"
    call("vm", second.folder, "unregister", "off")


def test_a_list_with_a_vm_whose_disks_are_not_whole_can_be_shown(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    off = find_vm(lab, "off")
    (off.folder / "off.vmdk").unlink()
    call("vm", lab.folder, "list")
    assert f"off       {off.config}  not in order: {off.folder}/off.vmdk" in capsys.readouterr().out


def test_which_other_host_is_meant_has_to_be_clear(lab: Lab) -> None:
    with pytest.raises(UsageError, match="none was named") as caught:
        call("host", lab.folder, "move", "vm")
    assert "--hosts 2" in caught.value.next_step
    for number in (2, 3):
        add_host(lab, lab.folder.with_name(f"lab-{number}"), f"esx{number}", no_hook)
    for words in ((), ("--to", "esx9"), ("--to", str(lab.folder))):
        with pytest.raises(UsageError, match="not clear") as caught:
            call("host", lab.folder, "move", "vm", *words)
        assert caught.value.next_step == "name one with --to: esx2, esx3"


def test_the_daemon_restarts_for_a_time(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    call("host", lab.folder, "restart-hostd", "0.5")
    assert (lab.hostd / "restarting").exists()
    for text in ("-1", "soon", "inf", "nan"):
        with pytest.raises(SystemExit):
            call("host", lab.folder, "restart-hostd", f"--seconds={text}" if text == "-1" else text)
    assert "is not a number of seconds" in capsys.readouterr().err
