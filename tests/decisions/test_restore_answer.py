"""Which choice answers for a VM's identity: the one that says it, whatever its number."""

import itertools

import pytest

from hlb_hooks.decisions.restore.answer import choose_answer
from hlb_hooks.effects.vmware_question import Question

ALTERED = (
    "msg.uuid.altered:This virtual machine may have been moved or copied. To configure certain "
    "management and networking features VMware ESX needs to know which. Did you move this virtual "
    "machine, or did you copy it?"
)
NEWER = ALTERED.replace("msg.uuid.altered:", "").replace("may have", "might have")
MOVED = (
    "msg.uuid.moved: The location of this virtual machine's configuration file has changed since "
    "it was last powered on. Do you want to create a new unique identifier (UUID)?"
)
ALTERED_LABELS = {
    "Cancel (Cancel)": None,
    "I _moved it (I _moved it)": "keep",
    "I _copied it (I _copied it) [default]": "create",
}
MOVED_LABELS = {
    "_Create": "create",
    "_Keep [default]": "keep",
    "Always C_reate": None,
    "Always K_eep": None,
    "Cancel": None,
}


@pytest.mark.parametrize("uuid", ["create", "keep"])
@pytest.mark.parametrize(
    ("text", "labels"), [(ALTERED, ALTERED_LABELS), (NEWER, ALTERED_LABELS), (MOVED, MOVED_LABELS)]
)
def test_the_choice_is_found_in_every_order_and_under_every_number(
    text: str, labels: dict[str, str | None], uuid: str
) -> None:
    for order in itertools.permutations(labels):
        for first in (0, 1, 7):
            numbers = (str(number) for number in itertools.count(first))
            choices = tuple(zip(numbers, order, strict=False))
            key = choose_answer(Question(text, choices), uuid)
            assert key is not None
            assert labels[dict(choices)[key]] == uuid


@pytest.mark.parametrize(
    ("label", "uuid"),
    [
        ("I copied it", "create"),
        ("I COPIED IT.", "create"),
        ("  I   _copied  it ", "create"),
        ("&Copied it", "create"),
        ("I have copied it", "create"),
        ("Create", "create"),
        ("I moved it", "keep"),
        ("I _moved it (I _moved it) [default]", "keep"),
        ("Keep", "keep"),
    ],
)
def test_each_wording_has_its_meaning(label: str, uuid: str) -> None:
    other = {"create": "keep", "keep": "create"}[uuid]
    question = Question(ALTERED, (("3", "Cancel"), ("5", label)))
    assert choose_answer(question, uuid) == "5"
    assert choose_answer(question, other) is None


@pytest.mark.parametrize("uuid", ["create", "keep"])
@pytest.mark.parametrize(
    "text",
    [
        "msg.hbacommon.outofspace:There is no more space for the redo log of web-000001.vmdk.",
        "Did you really copy it? Create or keep?",
        "",
    ],
)
def test_another_question_is_not_answered(text: str, uuid: str) -> None:
    for labels in (ALTERED_LABELS, MOVED_LABELS, ("Retry", "Abort")):
        choices = tuple((str(number), label) for number, label in enumerate(labels))
        assert choose_answer(Question(text, choices), uuid) is None


@pytest.mark.parametrize(
    "labels",
    [
        ("I _copied it", "Create", "I _moved it", "Keep"),
        ("I _copied it", "I _copied it", "I _moved it", "I _moved it"),
        ("Cancel", "OK"),
        ("Always Create", "Always Keep"),
        ("Do not keep it", "Never create"),
        (),
    ],
)
def test_what_no_choice_or_several_say_is_not_guessed(labels: tuple[str, ...]) -> None:
    choices = tuple((str(number), label) for number, label in enumerate(labels))
    for uuid in ("create", "keep"):
        assert choose_answer(Question(ALTERED, choices), uuid) is None
