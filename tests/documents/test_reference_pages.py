"""The pages of docs/reference name what the code has: no less, and nothing that is gone."""

import argparse
import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from page_blocks import ROOT, list_pages

import hlb_hooks
from hlb_hooks.base.config_schema import DEFAULT_JOB, list_keys
from hlb_hooks.effects.records import Flag
from hlb_hooks.effects.vm_story import REPORTED_FLAGS
from hlb_hooks.entry.hlb import make_parser

PACKAGE = Path(hlb_hooks.__file__).parent
REFERENCE = ROOT / "docs" / "reference"
LEVELS = {"info": "info", "warning": "warning", "error": "error", "exception": "error"}
# The lab writes a client's log, with numbers; base/logs.py hands events on.
NO_EVENTS = {"lab", "logs.py"}
Event = tuple[str, str, frozenset[str]]


def list_logged() -> Iterator[Event]:
    """Give the events that the code logs: name, level, and the names of what comes with it."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if NO_EVENTS & set(path.relative_to(PACKAGE).parts):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=receiver, attr=attribute), args=[first, *_]
                ) if attribute in LEVELS and ast.unparse(receiver).endswith("log"):
                    assert isinstance(first, ast.Constant), f"{path}: an event without a fixed name"
                    details = frozenset(keyword.arg or "**" for keyword in node.keywords)
                    yield str(first.value), LEVELS[attribute], details


def list_documented() -> Iterator[Event]:
    """Give the events of the page: its headings are the levels."""
    parts = re.split(
        r"^## (\w+): .*$", (REFERENCE / "log-events.md").read_text("utf-8"), flags=re.M
    )
    for level, table in zip(parts[1::2], parts[2::2], strict=True):
        for name, details in re.findall(r"^\| `(\w+)` \| ([^|]*) \|", table, re.MULTILINE):
            yield name, level, frozenset(re.findall(r"`(\w+)`", details))


def list_subcommands() -> list[str]:
    (choices,) = (
        action.choices
        for action in make_parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    return sorted(choices)


def test_the_page_of_events_has_every_event_of_the_code_with_its_details() -> None:
    logged, documented = sorted(set(list_logged()), key=str), sorted(list_documented(), key=str)
    assert len(logged) > 20
    assert documented == logged


def test_the_page_of_the_state_file_has_every_record_of_the_code() -> None:
    text = (REFERENCE / "state-file.md").read_text("utf-8")
    rows = re.findall(r"^\| (`[^|]*) \|", text, re.MULTILINE)
    named = {word for row in rows for word in re.findall(r"`([\w-]+)`", row)}
    assert named | set(REPORTED_FLAGS) == set(Flag)


@pytest.mark.parametrize("command", list_subcommands())
def test_a_command_of_hlb_is_in_the_readme_and_its_exit_codes_are_told(command: str) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert re.search(rf"^\| .*`hlb {command}[ `]", readme, re.MULTILINE)
    headings = re.findall(
        r"^## (.*)$", (REFERENCE / "exit-codes.md").read_text("utf-8"), re.MULTILINE
    )
    assert any(f"`hlb {command}`" in heading for heading in headings)


@pytest.mark.parametrize("page", list_pages())
def test_a_key_that_a_page_names_is_one_of_hlb_toml(page: str) -> None:
    known = {(key.section, key.name) for key in list_keys()}
    text = (ROOT / page).read_text("utf-8")
    for section, name in re.findall(r"`\[([\w.]+)\] (\w+)`", text):
        # Every job has the same keys, whatever it is called.
        table = f"jobs.{DEFAULT_JOB}" if section.startswith("jobs.") else section
        assert (table, name) in known, f"[{section}] {name}"


def test_the_index_leads_to_every_page() -> None:
    index = ROOT / "docs" / "README.md"
    targets = re.findall(r"\]\(([^)#]+)\)", index.read_text("utf-8"))
    reached = {str((index.parent / target).resolve().relative_to(ROOT)) for target in targets}
    pages = {page for page in list_pages() if page.startswith("docs/")}
    assert pages - {"docs/README.md"} <= reached


@pytest.mark.parametrize("page", [page for page in list_pages() if "/how-to/" in page])
def test_a_how_to_begins_with_when_one_needs_it(page: str) -> None:
    _, _, text = (ROOT / page).read_text("utf-8").partition("\n\n")
    assert text.startswith("You need this page ")
