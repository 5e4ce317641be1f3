"""The kinds of values hlb.toml knows: each says in words what it allows, and checks a value."""

import math
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Generic, TypeVar

from hlb_hooks.base.text import escape

Value = TypeVar("Value")

_SHOWN_CHARACTERS = 120
# TOML promises integers of 64 bits and no more.
_LARGEST_INTEGER = 2**63 - 1
_HOST_NAME = re.compile(r"[A-Za-z0-9._-]{0,253}")


class Kind(ABC, Generic[Value]):
    """What one key may hold; ``type_words`` and ``allowed_words`` are shown to the operator."""

    type_words: str

    @property
    @abstractmethod
    def allowed_words(self) -> str:
        """Say which values of the type are allowed."""

    @abstractmethod
    def parse(self, value: object) -> Value:
        """Give the value to work with, from what TOML or JSON gave. Raises ValueError."""


@dataclass(frozen=True)
class Choice(Kind[str]):
    """One of a few words."""

    options: tuple[str, ...]
    type_words = "string"

    @property
    def allowed_words(self) -> str:
        """Name the options."""
        return " or ".join(describe_value(option) for option in self.options)

    def parse(self, value: object) -> str:
        """Give the word."""
        if isinstance(value, str) and value in self.options:
            return value
        raise ValueError(value)


@dataclass(frozen=True)
class Flag(Kind[bool]):
    """Yes or no."""

    type_words = "boolean"

    @property
    def allowed_words(self) -> str:
        """Name the two."""
        return "true or false"

    def parse(self, value: object) -> bool:
        """Give the boolean; 0 and 1 are none."""
        if isinstance(value, bool):
            return value
        raise ValueError(value)


@dataclass(frozen=True)
class Whole(Kind[int]):
    """A whole number from ``minimum`` to ``maximum``, both included."""

    minimum: int
    maximum: int = _LARGEST_INTEGER
    type_words = "integer"

    @property
    def allowed_words(self) -> str:
        """Name the range."""
        return _describe_range(self.minimum, self.maximum)

    def parse(self, value: object) -> int:
        """Give the number; ``true`` is none, though Python takes it for 1."""
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(value)
        if not self.minimum <= value <= self.maximum:
            raise ValueError(value)
        return value


@dataclass(frozen=True)
class Number(Kind[float]):
    """A number from ``minimum`` to ``maximum``, both included, with or without a fraction."""

    minimum: float
    maximum: float
    type_words = "number"

    @property
    def allowed_words(self) -> str:
        """Name the range."""
        return _describe_range(self.minimum, self.maximum)

    def parse(self, value: object) -> float:
        """Give the number as a float; ``nan`` is out of every range."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(value)
        if not self.minimum <= value <= self.maximum:
            raise ValueError(value)
        return float(value)


@dataclass(frozen=True)
class AbsolutePath(Kind[str]):
    """A path from the root: a hook's working directory is not known."""

    type_words = "string"

    @property
    def allowed_words(self) -> str:
        """Say what makes a path one."""
        return "an absolute path"

    def parse(self, value: object) -> str:
        """Give the path as it is; a NUL byte can be in no path."""
        if isinstance(value, str) and value.startswith("/") and "\0" not in value:
            return value
        raise ValueError(value)


@dataclass(frozen=True)
class OptionalPath(Kind[str]):
    """A path from the root, or nothing where there is no such file."""

    type_words = "string"

    @property
    def allowed_words(self) -> str:
        """Say what makes a path one."""
        return f"{AbsolutePath().allowed_words}, or nothing"

    def parse(self, value: object) -> str:
        """Give the path as it is."""
        return "" if value == "" else AbsolutePath().parse(value)


@dataclass(frozen=True)
class HostName(Kind[str]):
    """A host's name, or nothing for the one the system gives."""

    type_words = "string"

    @property
    def allowed_words(self) -> str:
        """Say what makes a name one: it is written into files that other hosts read."""
        return "up to 253 letters, digits, dots, - and _, or nothing"

    def parse(self, value: object) -> str:
        """Give the name."""
        if isinstance(value, str) and _HOST_NAME.fullmatch(value):
            return value
        raise ValueError(value)


@dataclass(frozen=True)
class Patterns(Kind[tuple[str, ...]]):
    """Shell patterns, at least one."""

    type_words = "list of strings"

    @property
    def allowed_words(self) -> str:
        """Say what is in the list."""
        return "at least one shell pattern, none of them blank"

    def parse(self, value: object) -> tuple[str, ...]:
        """Give the patterns in their order."""
        if isinstance(value, list) and value:
            patterns = tuple(item for item in value if isinstance(item, str) and item.strip())
            if len(patterns) == len(value):
                return patterns
        raise ValueError(value)


def describe_value(value: object) -> str:
    """Give ``value`` as hlb.toml writes it, on one line, printable and cut to a readable length."""
    words = _describe_whole_value(value)
    return words if len(words) <= _SHOWN_CHARACTERS else words[:_SHOWN_CHARACTERS] + "..."


def _describe_whole_value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return '"' + escape(value).replace('"', '\\"') + '"'
        case int() if abs(value) > _LARGEST_INTEGER:
            # Python refuses to write out thousands of digits.
            return f"an integer of {value.bit_length()} bits"
        case float() if not math.isfinite(value):
            return str(value)
        case list() | tuple():
            return "[" + ", ".join(describe_value(item) for item in value) + "]"
        case dict():
            return "a table"
        case _:
            return escape(str(value))


def _describe_range(minimum: float, maximum: float) -> str:
    return f"{minimum} or more" if maximum == _LARGEST_INTEGER else f"{minimum} to {maximum}"
