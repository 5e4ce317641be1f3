"""``vmware-cmd VMX answer``, and what ``start`` does while the VM asks; prompt of vmware-cmd2."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_kit import Outcome, find_vm, make_lab, run_vmware_cmd, wait_for
from power_kit import VMS, copy_vm, set_keys
from question_kit import COPY, change_settings, find_copy, give_answer, let_ask

from hlb_hooks.lab.evidence import list_lost_disks
from hlb_hooks.lab.host.faults import Fault, add_fault
from hlb_hooks.lab.host.operate import (
    HostFault,
    answer_question,
    change_power,
    register,
)
from hlb_hooks.lab.host.questions import read_question
from hlb_hooks.lab.host.registry import read_registry
from hlb_hooks.lab.layout import Lab


@pytest.fixture(params=["console", "vcli"])
def lab(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lab]:
    lab = make_lab(tmp_path / "lab", VMS, dialect=request.param)
    yield lab
    for vm in read_registry(lab):
        assert list_lost_disks(lab, vm) == []


@pytest.fixture
def copy(lab: Lab) -> Path:
    """The .vmx of a copy that the host knows and has not started yet."""
    copy = copy_vm(find_vm(lab, "it's (2)").config, COPY)
    register(lab, copy)
    return copy


def answer_by_command(lab: Lab, config: Path, typed: bytes) -> Outcome:
    done = subprocess.run(
        [lab.programs / "vmware-cmd", config, "answer"],
        input=typed,
        capture_output=True,
        check=False,
    )
    return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.mark.parametrize("typed", ["NUMBER\n", "NUMBER", "\n", "  \n"])
def test_the_command_asks_and_takes_a_number_or_enter(lab: Lab, copy: Path, typed: str) -> None:
    let_ask(lab, copy)
    question = read_question(lab, find_copy(lab))
    label = next(each.label for each in question.choices if each.number == question.default)
    outcome = answer_by_command(lab, copy, typed.replace("NUMBER", str(question.default)).encode())
    lines = "".join(f"\t{choice.number}) {choice.label}\n" for choice in question.choices)
    selected = f"selected {question.default} : {label}\n" if "NUMBER" in typed else ""
    assert outcome.stdout == (
        f"\nQuestion (id = {question.id}) :{question.text}\n{lines}"
        f"Select choice. Press enter for default <{question.default}> : {selected}answer() = 1\n"
    )
    assert (outcome.exit_code, outcome.stderr) == (0, "")
    assert find_copy(lab).power == "on"


@pytest.mark.parametrize("typed", ["9\n", "Create\n", "-1\n", "0 0\n", "²\n"])
def test_what_is_none_of_the_choices_answers_nothing(lab: Lab, copy: Path, typed: str) -> None:
    let_ask(lab, copy)
    outcome = answer_by_command(lab, copy, typed.encode())
    assert outcome.exit_code != 0
    assert "A specified parameter was not correct." in outcome.stderr
    assert find_copy(lab).power == "stuck"


@pytest.mark.parametrize("manner", ["default", "fails"])
def test_the_end_of_the_input_is_the_default_or_an_error(lab: Lab, copy: Path, manner: str) -> None:
    change_settings(lab, answer_without_input=manner)
    let_ask(lab, copy)
    outcome = answer_by_command(lab, copy, b"")
    assert (outcome.exit_code == 0) == (manner == "default")
    assert find_copy(lab).power == ("on" if manner == "default" else "stuck")


def test_nothing_is_answered_where_nothing_is_asked(lab: Lab, copy: Path) -> None:
    outcome = answer_by_command(lab, copy, b"0\n")
    if lab.read_settings().dialect == "console":
        assert outcome.exit_code == 8
    else:
        assert outcome == Outcome(1, "", "No questions pending.\n")
    with pytest.raises(HostFault, match="current state"):
        answer_question(lab, copy)


def test_a_start_waits_for_the_answer(lab: Lab, copy: Path) -> None:
    client = subprocess.Popen([lab.programs / "vmware-cmd", copy, "start"], stdout=subprocess.PIPE)
    wait_for(lambda: find_copy(lab).power == "stuck", "the question")
    assert run_vmware_cmd(lab, copy, "getstate").stdout == "getstate() = stuck\n"
    assert answer_by_command(lab, copy, b"\n").exit_code == 0
    assert client.communicate()[0] == b"start() = 1\n"
    assert find_copy(lab).power == "on"


def test_a_start_that_waits_fails_when_it_is_canceled(lab: Lab, copy: Path) -> None:
    client = subprocess.Popen([lab.programs / "vmware-cmd", copy, "start"], stderr=subprocess.PIPE)
    wait_for(lambda: find_copy(lab).power == "stuck", "the question")
    give_answer(lab, copy, "Cancel")
    assert b"The task was canceled by a user." in client.communicate()[1]
    assert client.returncode != 0


@pytest.mark.parametrize(
    ("manner", "console", "vcli"),
    [
        ("fails", 16, "Virtual machine requires user input to continue\n"),
        ("times out", 7, "Operation timed out.\n"),
        ("returns", 0, ""),
    ],
)
def test_a_start_may_end_in_other_ways_while_the_vm_asks(
    lab: Lab, copy: Path, manner: str, console: int, vcli: str
) -> None:
    change_settings(lab, start_while_asking=manner)
    outcome = run_vmware_cmd(lab, copy, "start")
    if lab.read_settings().dialect == "console":
        assert outcome.exit_code == console
    else:
        assert (outcome.exit_code, outcome.stderr) == (1 if vcli else 0, vcli)
    assert outcome.stdout == ("" if vcli else "start() = 1\n")
    assert find_copy(lab).power == "stuck"
    answer_question(lab, copy)
    assert find_copy(lab).power == "on"


def test_a_question_may_be_ordered_of_a_vm_that_has_not_moved(lab: Lab) -> None:
    config = find_vm(lab, "vm").config
    set_keys(config, uuid__action="keep")
    add_fault(lab, Fault("question", action="start", vm="vm", seconds=0.1, times=1))
    assert run_vmware_cmd(lab, config, "start").stderr.endswith("user input to continue\n")
    assert find_vm(lab, "vm").power == "stuck"
    assert answer_by_command(lab, config, b"\n").exit_code == 0
    assert find_vm(lab, "vm").power == "on"


def test_what_was_asked_before_is_not_answered_by_a_late_answer(lab: Lab, copy: Path) -> None:
    let_ask(lab, copy)
    client = subprocess.Popen(
        [lab.programs / "vmware-cmd", copy, "answer"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert client.stdout is not None
    client.stdout.read(20)
    give_answer(lab, copy, "Cancel")
    first = read_id_of_next_question(lab, copy)
    assert b"parameter was not correct" in client.communicate(b"\n")[1]
    assert (find_copy(lab).power, read_question(lab, find_copy(lab)).id) == ("stuck", first)


def read_id_of_next_question(lab: Lab, copy: Path) -> str:
    let_ask(lab, copy)
    return read_question(lab, find_copy(lab)).id


def test_a_full_datastore_is_retried_or_ends_the_session(lab: Lab) -> None:
    config = find_vm(lab, "runs").config
    for typed, power in ((b"\n", "on"), (b"1\n", "off")):
        change_power(lab, config, "stuck")
        outcome = answer_by_command(lab, config, typed)
        assert "There is no more space for the redo log of runs-000001.vmdk." in outcome.stdout
        assert find_vm(lab, "runs").power == power
