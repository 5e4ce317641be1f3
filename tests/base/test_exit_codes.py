"""The exit codes are promised to avtar and to the operator; none may change by accident."""

from hlb_hooks.base import errors
from hlb_hooks.base.exit_codes import ExitCode


def test_the_numbers_are_the_promised_ones() -> None:
    assert {code.name: int(code) for code in ExitCode} == {
        "DONE": 0,
        "NOT_PROTECTED": 1,
        "USAGE": 2,
        "DEFECT": 3,
        "STILL_OPEN": 4,
        "NOT_NOW": 75,
        "INTERRUPTED": 130,
        "TERMINATED": 143,
    }


def test_every_code_says_what_it_means() -> None:
    meanings = [code.meaning for code in ExitCode]
    assert all(meanings)
    assert len(set(meanings)) == len(meanings)


def test_every_error_means_a_promised_code() -> None:
    kinds: list[type[errors.HlbError]] = [errors.HlbError, *errors.HlbError.__subclasses__()]
    codes = {kind.__name__: kind.exit_code for kind in kinds}
    assert codes["ConfigurationError"] is codes["UsageError"] is ExitCode.USAGE
    assert codes["NotNowError"] is ExitCode.NOT_NOW
    others = {code for name, code in codes.items() if name not in {"ConfigurationError"}}
    assert others == {ExitCode.NOT_PROTECTED, ExitCode.USAGE, ExitCode.NOT_NOW}


def test_an_error_carries_its_message_and_the_next_step() -> None:
    error = errors.StateError("a file is damaged", next_step="look at it")
    assert str(error) == error.message == "a file is damaged"
    assert error.next_step == "look at it"
