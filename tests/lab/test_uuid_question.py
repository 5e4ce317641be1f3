"""Moved or copied? What a VM asks that is started at another place, and what an answer does."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_kit import find_vm, make_lab, no_hook, run_vmware_cmd
from power_kit import VMS, copy_vm, read_key, set_keys
from question_kit import COPY, change_settings, find_copy, give_answer, let_ask

from hlb_hooks.lab.evidence import list_lost_disks
from hlb_hooks.lab.host.guests import Guests
from hlb_hooks.lab.host.hosts import add_host, boot_host, kill_host, move_vm
from hlb_hooks.lab.host.operate import (
    answer_question,
    change_power,
    move_to_datastore,
    register,
)
from hlb_hooks.lab.host.questions import read_question
from hlb_hooks.lab.host.registry import read_registry
from hlb_hooks.lab.layout import Lab

IDENTITY = ("uuid.bios", "ethernet0.generatedAddress")
TALK = "The location of this virtual machine's configuration file has changed since it was last "


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


def identity(config: Path) -> list[str | None]:
    return [read_key(config, key) for key in IDENTITY]


def test_the_console_asks_in_the_talks_words_and_the_vcli_in_later_ones(
    lab: Lab, copy: Path
) -> None:
    labels = let_ask(lab, copy)
    question = read_question(lab, find_copy(lab))
    if lab.read_settings().dialect == "console":
        assert labels == ["Create", "Keep", "Always Create", "Always Keep", "Cancel"]
        assert question.text.startswith(f"msg.uuid.moved: {TALK}powered on.\n\n")
        assert (question.key, question.default) == ("msg.uuid.moved", 0)
    else:
        assert labels == ["Cancel", "I _moved it", "I _copied it"]
        text = "msg.uuid.altered:This virtual machine may have been moved or copied.\n\n"
        assert question.text.startswith(text)
        assert (question.key, question.default) == ("msg.uuid.altered", 2)


@pytest.mark.parametrize("first_choice", [0, 1, 7])
@pytest.mark.parametrize("reverses_choices", [False, True])
@pytest.mark.parametrize("wording", ["altered", "might", "moved"])
def test_wording_order_and_numbers_are_as_the_lab_says(
    lab: Lab, copy: Path, wording: str, first_choice: int, *, reverses_choices: bool
) -> None:
    change_settings(
        lab,
        uuid_question=wording,
        first_choice=first_choice,
        reverses_choices=reverses_choices,
    )
    labels = let_ask(lab, copy)
    question = read_question(lab, find_copy(lab))
    expected = range(first_choice, first_choice + len(labels))
    assert [choice.number for choice in question.choices] == list(expected)
    is_first = (wording == "moved") == reverses_choices
    assert labels[0 if is_first else -1] == "Cancel"
    chosen = next(choice.label for choice in question.choices if choice.number == question.default)
    assert chosen == ("Create" if wording == "moved" else "I _copied it")
    assert ("might have been" in question.text) == (wording == "might")


@pytest.mark.parametrize(
    ("wording", "label", "makes_new", "action"),
    [
        ("altered", "I _copied it", True, None),
        ("altered", "I _moved it", False, None),
        ("moved", "Create", True, None),
        ("moved", "Keep", False, None),
        ("moved", "Always Create", True, "create"),
        ("moved", "Always Keep", False, "keep"),
    ],
)
def test_an_answer_makes_a_new_vm_or_keeps_the_old_one(
    lab: Lab, copy: Path, wording: str, label: str, *, makes_new: bool, action: str | None
) -> None:
    change_settings(lab, uuid_question=wording)
    before, location = identity(copy), read_key(copy, "uuid.location")
    let_ask(lab, copy)
    assert (identity(copy), read_key(copy, "uuid.location")) == (before, location)
    give_answer(lab, copy, label)
    assert find_copy(lab).power == "on"
    assert [new != old for new, old in zip(identity(copy), before, strict=True)] == [makes_new] * 2
    assert read_key(copy, "uuid.location") != location
    assert read_key(copy, "uuid.action") == action
    guests = Guests(lab, 1)
    guests.write_once(find_copy(lab))
    change_power(lab, copy, "off")
    settled = copy.read_bytes()
    change_power(lab, copy, "on")
    assert find_copy(lab).power == "on", "it is asked only once"
    assert copy.read_bytes() == settled


def test_a_canceled_start_leaves_all_as_it_was(lab: Lab, copy: Path) -> None:
    before = copy.read_bytes()
    let_ask(lab, copy)
    give_answer(lab, copy, "Cancel")
    assert find_copy(lab).power == "off"
    assert copy.read_bytes() == before
    assert not list(copy.parent.glob("*.vswp"))
    let_ask(lab, copy)


def test_a_canceled_resumption_leaves_the_vm_suspended(lab: Lab) -> None:
    copy = copy_vm(find_vm(lab, "sleeps").config, COPY)
    register(lab, copy)
    let_ask(lab, copy)
    give_answer(lab, copy, "Cancel")
    assert find_copy(lab).power == "suspended"
    assert (copy.parent / "sleeps.vmss").exists()


@pytest.mark.parametrize(
    ("keys", "makes_new"),
    [
        ({"uuid__action": "create"}, True),
        ({"uuid__action": "keep"}, False),
        ({"uuid__action": "Keep"}, False),
        ({"uuid__location": ""}, False),
    ],
)
def test_nothing_is_asked_that_was_answered_beforehand(
    lab: Lab, copy: Path, keys: dict[str, str], *, makes_new: bool
) -> None:
    set_keys(copy, **keys)
    before = identity(copy)
    assert run_vmware_cmd(lab, copy, "start").exit_code == 0
    assert find_copy(lab).power == "on"
    assert (identity(copy) != before) == makes_new
    assert read_key(copy, "uuid.location")


def test_an_answer_to_the_question_of_that_name_may_be_in_the_configuration(
    lab: Lab, copy: Path
) -> None:
    set_keys(copy, answer__msg__uuid__altered="I copied it")
    before = identity(copy)
    change_power(lab, copy, "on")
    # The older question has another name.
    asks = lab.read_settings().dialect == "console"
    assert find_copy(lab).power == ("stuck" if asks else "on")
    assert (identity(copy) != before) == (not asks)


def test_other_words_for_uuid_action_answer_nothing(lab: Lab, copy: Path) -> None:
    set_keys(copy, uuid__action="ask")
    let_ask(lab, copy)


def test_a_vm_that_asks_keeps_its_disks_locked(lab: Lab, copy: Path) -> None:
    disk = str(copy.parent / "it's (2).vmdk")
    former = find_vm(lab, "it's (2)").config
    other = copy_vm(former, "other", scsi0_at_0__fileName=disk, uuid__action="keep")
    register(lab, other)
    let_ask(lab, copy)
    assert "Failed to lock the file" in run_vmware_cmd(lab, other, "start").stderr


def test_nobody_is_asked_after_a_move_by_virtualcenter(lab: Lab) -> None:
    second = add_host(lab, lab.folder.with_name("lab-2"), "esx2", no_hook)
    config = move_to_datastore(lab, find_vm(lab, "vm").config, lab.volumes / "store (2)")
    move_vm(lab, second, config)
    change_power(second, config, "on")
    assert find_vm(second, "vm").power == "on"


def test_another_host_asks_when_it_has_an_id_of_its_own(lab: Lab) -> None:
    second = add_host(lab, lab.folder.with_name("lab-2"), "esx2", no_hook)
    change_settings(second, host_id="esx2")
    config = find_vm(lab, "vm").config
    run_vmware_cmd(lab, "-s", "unregister", config)
    register(second, config, "on")
    assert find_vm(second, "vm").power == "stuck"


def test_a_vm_that_asked_when_its_host_died_is_off(lab: Lab, copy: Path) -> None:
    let_ask(lab, copy)
    kill_host(lab)
    boot_host(lab)
    assert find_copy(lab).power == "off"
    let_ask(lab, copy)
    answer_question(lab, copy)
    assert find_copy(lab).power == "on"
