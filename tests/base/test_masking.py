"""No secret of another program is written down."""

import pytest

from hlb_hooks.base.masking import mask_arguments, mask_environment


@pytest.mark.parametrize(
    ("words", "masked"),
    [
        (["avtar", "--ap=x"], ["avtar", "--ap=****"]),
        (["--password=a=b"], ["--password=****"]),
        (["--ap", "x", "/vmfs"], ["--ap", "****", "/vmfs"]),
        (["--ap", "--create"], ["--ap", "--create"]),
        (["--ap"], ["--ap"]),
        (["-ap=x", "--encrypt-key", "k"], ["-ap=****", "--encrypt-key", "****"]),
        (["--apple=1", "--id=root", "--path=/clients/a"], None),
        (["--label=gold", "/a pass/b", "-x"], None),
        ([], None),
    ],
)
def test_the_value_of_a_secret_option_is_masked(words: list[str], masked: list[str] | None) -> None:
    assert mask_arguments(words) == (words if masked is None else masked)


def test_a_variable_that_is_named_like_a_secret_is_masked() -> None:
    environment = {"B_PASSWORD": "x", "A": "y", "API_KEY": "z", "AuthToken": "t", "PATH": "/bin"}
    assert mask_environment(environment) == {
        "A": "y",
        "API_KEY": "****",
        "AuthToken": "****",
        "B_PASSWORD": "****",
        "PATH": "/bin",
    }
