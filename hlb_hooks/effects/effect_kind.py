"""The two kinds of effects, declared where an effect is defined."""

from collections.abc import Callable
from enum import Enum
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_KIND = "hlb_effect_kind"


class EffectKind(Enum):
    """Whether an effect only looks at the world or changes it."""

    READS = "reads"
    CHANGES = "changes"


def reads(function: Callable[P, R]) -> Callable[P, R]:
    """Declare that ``function`` leaves the world as it was, to the last byte."""
    setattr(function, _KIND, EffectKind.READS)
    return function


def changes(function: Callable[P, R]) -> Callable[P, R]:
    """Declare that ``function`` changes the world: files, processes or the host's VMs."""
    setattr(function, _KIND, EffectKind.CHANGES)
    return function


def declared_kind(function: Callable[..., object]) -> EffectKind | None:
    """Give the kind ``function`` was declared with, or None where it was not declared."""
    kind: EffectKind | None = getattr(function, _KIND, None)
    return kind
