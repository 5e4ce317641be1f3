"""Every sentence exists in both languages, is used, and is asked for with the right words."""

import ast
import re
import string
from pathlib import Path

import pytest

import hlb_hooks
from hlb_hooks.base.catalogue import LANGUAGES, TEXTS

PACKAGE = Path(hlb_hooks.__file__).parent
SPOKEN_BY = {"say", "deed", "phrase"}
# Arguments of the speaking methods that fill no placeholder.
NO_WORDS = {"indent"}


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def list_sources() -> list[Path]:
    return [
        path
        for path in sorted(PACKAGE.rglob("*.py"))
        if "lab" not in path.relative_to(PACKAGE).parts and not path.name.startswith("catalogue")
    ]


def list_spoken() -> list[tuple[str, str, set[str] | None]]:
    """Give place, key and words of every sentence asked for; None where words are unpacked."""
    found: list[tuple[str, str, set[str] | None]] = []
    for path in list_sources():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            function = node.func
            name = function.attr if isinstance(function, ast.Attribute) else None
            name = function.id if isinstance(function, ast.Name) else name
            if name not in SPOKEN_BY:
                continue
            keys = [
                part.value
                for part in ast.walk(node.args[0])
                if isinstance(part, ast.Constant) and isinstance(part.value, str)
            ]
            words = {word.arg for word in node.keywords if word.arg} - NO_WORDS
            is_unpacked = any(word.arg is None for word in node.keywords)
            place = f"{path.relative_to(PACKAGE)}:{node.lineno}"
            found += [(place, key, None if is_unpacked else words) for key in keys]
    return found


def test_no_sentence_has_the_name_of_another() -> None:
    names: list[str] = []
    for path in (PACKAGE / "base").glob("catalogue*.py"):
        tables = [
            node
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.Dict)
        ]
        names += [ast.literal_eval(key) for table in tables for key in table.keys if key]
    assert sorted(names) == sorted(TEXTS)


def test_every_text_has_every_language() -> None:
    assert all(len(texts) == len(LANGUAGES) and all(texts) for texts in TEXTS.values())


@pytest.mark.parametrize("key", sorted(TEXTS))
def test_both_languages_have_the_same_placeholders(key: str) -> None:
    first, *others = (placeholders(text) for text in TEXTS[key])
    assert all(other == first for other in others)
    assert all(name.isidentifier() for name in first)


def test_every_sentence_that_is_asked_for_exists_and_gets_its_words() -> None:
    spoken = list_spoken()
    assert len(spoken) > 50
    wrong = [
        f"{place}: {key} with {words}"
        for place, key, words in spoken
        if key not in TEXTS or (words is not None and words != placeholders(TEXTS[key][0]))
    ]
    assert wrong == []


def test_no_sentence_is_left_over() -> None:
    constants = {
        node.value
        for path in list_sources()
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert sorted(set(TEXTS) - constants) == []


@pytest.mark.parametrize("key", sorted(TEXTS))
def test_the_polish_goes_without_diacritics_on_one_line(key: str) -> None:
    assert all(text.isascii() and "\n" not in text for text in TEXTS[key])


@pytest.mark.parametrize("key", sorted(TEXTS))
def test_no_sentence_begins_with_what_a_machine_looks_for(key: str) -> None:
    assert not any(re.match(r"HLB |\*\*\*|--", text) for text in TEXTS[key])


def test_what_is_rehearsed_begins_with_would() -> None:
    for key in TEXTS:
        if key.startswith("would_"):
            assert all(text.startswith("WOULD") for text in TEXTS[key]), key
