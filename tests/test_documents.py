"""The documents say what the code does, and name everything that a person can call."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.effects.records import Flag
from hlb_hooks.effects.vm_story import REPORTED_FLAGS
from hlb_hooks.entry.arguments import HOOKS
from hlb_hooks.entry.exit_help import EXITS

ROOT = Path(__file__).parent.parent
MADE_HERE = {".venv", "build", "dist"}
REFERENCE = ROOT / "docs" / "reference"


def read_table(path: Path) -> dict[str, str]:
    """Give the first two columns of the page's tables."""
    rows = re.findall(r"^\| `?([^|`]+?)`? \| ([^|]+?) \|", path.read_text("utf-8"), re.MULTILINE)
    return dict(rows)


def test_the_exit_codes_of_the_docs_are_those_of_the_code() -> None:
    table = read_table(REFERENCE / "exit-codes.md")
    assert {int(code) for code in table if code.isdigit()} == {int(code) for code in ExitCode}
    for code in ExitCode:
        assert table[str(int(code))] == code.meaning


@pytest.mark.parametrize("command", EXITS)
def test_the_exit_codes_of_each_command_are_those_that_its_help_says(command: str) -> None:
    page = (REFERENCE / "exit-codes.md").read_text("utf-8")
    said = re.findall(rf"^\| `hlb {command}` \| ([0-9]+) \| (.+) \|$", page, re.MULTILINE)
    assert said == [(str(code), meaning) for code, meaning in EXITS[command].items()]
    done = subprocess.run(
        [Path(sys.executable).parent / "hlb", *command.split(), "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    told = " ".join(done.stdout.split())
    assert all(f"{code} {meaning}" in told for code, meaning in EXITS[command].items())


@pytest.mark.parametrize(
    ("page", "writer"),
    [("configuration.md", "write_reference"), ("report-fields.md", "write_fields")],
)
def test_a_generated_page_is_what_the_code_makes_of_it(page: str, writer: str) -> None:
    rendered = subprocess.run(
        [sys.executable, "-c", f"import {writer}; print({writer}.render(), end='')"],
        cwd=ROOT / "tests",
        capture_output=True,
        text=True,
        check=True,
    )
    text = (REFERENCE / page).read_text("utf-8")
    assert text == rendered.stdout, f"run: python tests/{writer}.py"


@pytest.mark.parametrize("hook", HOOKS)
def test_the_readme_names_every_hook(hook: str) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert re.search(rf"^\| `{hook}[ `]", readme, re.MULTILINE)


@pytest.mark.parametrize("flag", sorted(set(REPORTED_FLAGS) - {Flag.OK_READ, Flag.FAILED_READ}))
def test_the_hook_contract_explains_every_flag_of_a_report(flag: Flag) -> None:
    assert f"| `{flag}` |" in (REFERENCE / "hooks.md").read_text("utf-8")


@pytest.mark.parametrize(
    "path",
    [path for path in ROOT.rglob("*.md") if path.relative_to(ROOT).parts[0] not in MADE_HERE],
    ids=str,
)
def test_every_link_between_documents_leads_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text("utf-8")):
        assert target.startswith("https://") or (path.parent / target).exists(), target
