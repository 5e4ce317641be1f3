"""A VM's question as a terminal shows it: never read before all of its choices are there."""

import pytest

from hlb_hooks.effects.vmware_question import Question, read_question

TEXT = (
    "msg.uuid.altered:This virtual machine may have been moved or copied.\n\n"
    "Did you move this virtual machine, or did you copy it?\n"
    'If you don\'t know, answer "I copied it".\n'
)
CHOICES = (("0", "Cancel"), ("1", "I _moved it"), ("12", "I _copied it [default]"))
PROMPT = "Select choice. Press enter for default <12> : "
LONG_AGO = 60.0


def print_question(head: str, mark: str, prompt: str, end: str = "\n") -> str:
    lines = "".join(f"\t{key}{mark} {label}\n" for key, label in CHOICES)
    return f"{head}{TEXT}{lines}{prompt}".replace("\n", end)


SHAPES = [
    print_question("Question (id = 4711) :", ")", PROMPT, "\r\n"),
    print_question("Question (id = 4711) :", ")", PROMPT),
    print_question("Virtual machine message 12:\n", ".", PROMPT),
    print_question("\n", ":", "Your choice? "),
    print_question("", ".", "\nPlease select > "),
]


@pytest.mark.parametrize("printed", SHAPES)
def test_text_and_choices_are_read(printed: str) -> None:
    question = read_question(printed, 0.0)
    assert question is not None
    assert question.choices == CHOICES
    assert "msg.uuid.altered:This virtual machine may have been moved or copied." in question.text
    assert question.text.endswith('answer "I copied it".')
    assert "\n" not in question.text
    assert "id =" not in question.text


@pytest.mark.parametrize("printed", SHAPES)
def test_no_beginning_of_it_is_read_with_fewer_choices(printed: str) -> None:
    for length in range(len(printed)):
        question = read_question(printed[:length], 0.0)
        assert question is None or question.choices == CHOICES, printed[:length]


@pytest.mark.parametrize("printed", SHAPES)
def test_without_a_known_prompt_silence_after_the_choices_ends_it(printed: str) -> None:
    without = printed[: printed.index("[default]") + len("[default]")] + "\n> what now "
    assert read_question(without, 0.5) is None
    question = read_question(without, LONG_AGO)
    assert question is not None
    assert question.choices == CHOICES


@pytest.mark.parametrize(
    "printed", ["", "\n", "answer() = 1\n", "No question is pending.\n", "VMControl error -16: x\n"]
)
def test_where_nothing_is_asked_there_is_no_question(printed: str) -> None:
    assert read_question(printed, LONG_AGO) is None


def test_what_is_not_printable_is_shown_escaped() -> None:
    printed = "\x1b[1mWhat\x07 now?\n1) \x1b[0mGo on\nSelect choice : "
    assert read_question(printed, 0.0) == Question(
        "\\x1b[1mWhat\\x07 now?", (("1", "\x1b[0mGo on"),)
    )
