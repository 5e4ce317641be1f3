"""What the tests of a VM's question share: a copy that asks, and ways to answer it."""

from dataclasses import replace
from pathlib import Path

from lab_kit import find_vm

from hlb_hooks.lab.host.operate import answer_question, change_power
from hlb_hooks.lab.host.questions import read_question
from hlb_hooks.lab.host.registry import RegisteredVm
from hlb_hooks.lab.layout import Lab

COPY = "a copy"


def change_settings(lab: Lab, **settings: str | int | bool) -> None:
    lab.write_settings(replace(lab.read_settings(), **settings))  # type: ignore[arg-type]  by name


def find_copy(lab: Lab) -> RegisteredVm:
    return find_vm(lab, COPY)


def let_ask(lab: Lab, copy: Path) -> list[str]:
    """Let the copy ask, and give the labels of the choices in their order."""
    change_power(lab, copy, "on")
    assert find_copy(lab).power == "stuck"
    return [choice.label for choice in read_question(lab, find_copy(lab)).choices]


def give_answer(lab: Lab, copy: Path, label: str) -> None:
    choices = read_question(lab, find_copy(lab)).choices
    answer_question(lab, copy, next(each.number for each in choices if each.label == label))
