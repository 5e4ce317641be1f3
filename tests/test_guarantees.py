"""Every guarantee has its line and its tests, and the page says what the book says."""

import ast
from pathlib import Path

import pytest
from guarantee_book import PAGE, ROOT, Guarantee, read_book
from guarantee_page import render

BOOK = read_book()


@pytest.mark.parametrize("entry", BOOK, ids=lambda entry: entry.promise)
def test_the_line_and_the_tests_of_a_guarantee_are_there(entry: Guarantee) -> None:
    assert entry.find_line() > 0
    assert entry.broken != entry.line
    assert entry.tests
    for test in entry.tests:
        file, _, name = test.partition("::")
        tree = ast.parse((ROOT / file).read_text("utf-8"))
        names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert name.partition("[")[0] in names, test


def test_the_page_is_what_the_book_makes_of_it() -> None:
    assert Path(PAGE).read_text("utf-8") == render(), (
        "run: python tests/guarantees/guarantee_page.py"
    )
