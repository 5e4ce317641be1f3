"""What comes of the answer to a VM's question."""

from pathlib import Path

from hlb_hooks.lab.files import hold_lock
from hlb_hooks.lab.host.power import is_suspended_on_disk, put_in_power
from hlb_hooks.lab.host.questions import Effect, Question, drop_question, read_question
from hlb_hooks.lab.host.refusals import WRONG_ARGUMENT, WRONG_STATE
from hlb_hooks.lab.host.registry import HostFault, RegisteredVm, find_registered, set_power
from hlb_hooks.lab.host.starting import finish_start
from hlb_hooks.lab.layout import Lab


def answer_pending(lab: Lab, config: Path, number: int | None, question_id: str = "") -> None:
    """Answer what the VM asks with the choice of that number, or with the default.

    ``question_id`` is of the question that is meant; empty: whichever is pending. A task that
    waits for the answer goes on. Raise HostFault when nothing, or something else, is asked, and
    for a number that is none of the choices.
    """
    with hold_lock(lab.hostd / "questions.lock"):
        vm = find_registered(lab, config)
        if vm.power != "stuck":
            raise HostFault(WRONG_STATE)
        question = read_question(lab, vm)
        if question_id not in ("", question.id):
            raise HostFault(WRONG_ARGUMENT)
        _carry_out(lab, vm, _find_effect(question, number))
        # Last of all: whoever is killed before can be asked again.
        drop_question(lab, vm)


def _find_effect(question: Question, number: int | None) -> Effect:
    wanted = question.default if number is None else number
    for choice in question.choices:
        if choice.number == wanted:
            return choice.effect
    raise HostFault(WRONG_ARGUMENT)


def _carry_out(lab: Lab, vm: RegisteredVm, effect: Effect) -> None:
    if effect is Effect.CANCEL:
        set_power(lab, vm.config, "suspended" if is_suspended_on_disk(vm) else "off")
    elif effect is Effect.GO_ON:
        set_power(lab, vm.config, "on")
    elif effect is Effect.POWER_OFF:
        put_in_power(lab, vm, "off")
    else:
        finish_start(lab, vm, effect)
