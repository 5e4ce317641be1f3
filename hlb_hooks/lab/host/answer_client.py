"""``vmware-cmd VMX answer``: shows a VM's question, and takes the answer from standard input.

The prompt is vmware-cmd2's; the console's own is not known, nor what it does at the end of its
input.
"""

import os
import sys

from hlb_hooks.lab.host.changes import give_task
from hlb_hooks.lab.host.faults import Fault
from hlb_hooks.lab.host.questions import Question, read_question
from hlb_hooks.lab.host.refusals import (
    WRONG_ARGUMENT,
    refuse_unasked,
    refuse_with_fault,
)
from hlb_hooks.lab.host.registry import RegisteredVm
from hlb_hooks.lab.layout import Lab

_NO_INPUT = "EOF when reading a line"


def ask_person(lab: Lab, vm: RegisteredVm, faults: list[Fault]) -> str:
    """Show the question, read a line, and have the host take it; give what stands behind the ``=``.

    Raise HostRefusalError when nothing is asked, and for what is none of the choices.
    """
    if vm.power != "stuck":
        raise refuse_unasked(vm.power)
    question = read_question(lab, vm)
    _write(f"\nQuestion (id = {question.id}) :{question.text}\n")
    for choice in question.choices:
        _write(f"\t{choice.number}) {choice.label}\n")
    _write(f"Select choice. Press enter for default <{question.default}> : ")
    line = sys.stdin.buffer.readline()
    if not line and lab.read_settings().answer_without_input == "fails":
        raise refuse_with_fault(_NO_INPUT)
    number = _read_number(question, line.decode("utf-8", "replace").strip())
    give_task(lab, ["answer", str(vm.config), question.id, str(number)], faults)
    return "1"


def _read_number(question: Question, typed: str) -> int:
    if not typed:
        return question.default
    for choice in question.choices:
        if typed == str(choice.number):
            _write(f"selected {typed} : {choice.label}\n")
            return choice.number
    raise refuse_with_fault(WRONG_ARGUMENT)


def _write(text: str) -> None:
    sys.stdout.buffer.write(os.fsencode(text))
    sys.stdout.flush()
