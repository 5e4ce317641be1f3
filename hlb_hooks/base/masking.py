"""Taking secrets out of what is written down of another program: its arguments and environment."""

import re
from collections.abc import Iterable, Mapping

MASK = "****"
_SECRET = re.compile(r"pass|secret|token|credential|auth|key|pwd", re.IGNORECASE)
# avtar's own short one: --ap is its password.
_SECRET_OPTION = re.compile(
    r"--?(?:ap|[\w-]*(?:pass|secret|token|credential|auth|key|pwd)[\w-]*)", re.IGNORECASE
)


def mask_arguments(words: Iterable[str]) -> list[str]:
    """Give a command line without the values of its secret options: ``--ap=X`` and ``--ap X``."""
    masked = []
    is_value = False
    for word in words:
        option, sign, _ = word.partition("=")
        is_secret = _SECRET_OPTION.fullmatch(option) is not None
        if is_value and not word.startswith("-"):
            masked.append(MASK)
        else:
            masked.append(f"{option}={MASK}" if is_secret and sign else word)
        is_value = is_secret and not sign
    return masked


def mask_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Give an environment without the values of what is named like a secret."""
    return {
        name: MASK if _SECRET.search(name) else value for name, value in sorted(environment.items())
    }
