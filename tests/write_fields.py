"""Write docs/reference/report-fields.md from the views; a test compares the two."""

import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from hlb_hooks.decisions.views.documents import DOCUMENTS

TARGET = Path(__file__).parent.parent / "docs" / "reference" / "report-fields.md"
HEAD = """# What `--json` says

Each document has a `format` and a `version`. A version stays as long as no field goes and none
means something else; new fields come without notice, so pass over what you do not know. Moments
are in UTC, `2026-11-22T01:00:03Z`. Names and paths are escaped as on stdout: backslashes, control
characters, bytes that are not UTF-8. Sentences are in the language of `hlb.toml`, or in that of
the run, when they were recorded then. With `--output FILE`, of the commands that
have it, the file is replaced as a whole or not at all.

What could not be read is in `problems`. After a usage or configuration error (exit code 2) or a
defect (3) stdout is empty and stderr says why.
"""
# A truth value is an integer too: the narrower kind goes first.
PLAIN = {bool: "boolean", str: "string", int: "integer", datetime: "moment", float: "number"}


def name_type(hint: Any) -> str:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return name_type(arguments[0])
    if origin in {types.UnionType, typing.Union}:
        return " or ".join(name_type(each) for each in arguments)
    if origin is tuple:
        return f"list of {name_type(arguments[0])}"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"object of {name_type(arguments[1])}"
    if hint is type(None):
        return "null"
    if hint is object:
        return "anything"
    if is_dataclass(hint):
        return f"[{hint.__name__}](#{hint.__name__.lower()})"
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return " ".join(f"`{word}`" for word in hint)
    return next(words for kind, words in PLAIN.items() if issubclass(hint, kind))


def list_parts(hint: Any) -> Iterator[type]:
    """Give the dataclasses that a field's type speaks of."""
    if is_dataclass(hint) and isinstance(hint, type):
        yield hint
    for argument in typing.get_args(hint):
        yield from list_parts(argument)


def list_classes(document: type) -> list[type]:
    """Give a document's class and all that it is made of, each once, from the top."""
    found = [document]
    for each in found:
        for hint in typing.get_type_hints(each, include_extras=True).values():
            found += [part for part in list_parts(hint) if part not in found]
    return found


def render() -> str:
    """Give the page."""
    lines = [HEAD.rstrip()]
    classes: dict[type, None] = {}
    for document in DOCUMENTS:
        classes.update(dict.fromkeys(list_classes(document)))
    # The documents first, then what they are made of.
    for each in sorted(classes, key=lambda each: each not in DOCUMENTS):
        doc = " ".join((each.__doc__ or "").split())
        lines += [
            "",
            f"## {each.__name__}",
            "",
            doc,
            "",
            "| field | type | |",
            "| --- | --- | --- |",
        ]
        hints = typing.get_type_hints(each, include_extras=True)
        for field in fields(each):
            _, text = typing.get_args(hints[field.name])
            lines.append(f"| `{field.name}` | {name_type(hints[field.name])} | {text} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    TARGET.write_text(render(), "utf-8")
