"""What comes with the programs: manual pages, completion, and the units for systemd."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT

from hlb_hooks.base.config_schema import list_keys
from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.entry.arguments import HOOKS
from hlb_hooks.entry.exit_help import EXITS
from hlb_hooks.entry.hlb import make_parser

STAGE = ROOT / "build" / "stage"
COMPLETION = STAGE / "etc/bash_completion.d/hlb-hooks"


def list_commands() -> set[str]:
    """Give the commands of ``hlb`` that its help lists, but for the lab."""
    lines = make_parser().format_help().splitlines()
    return {line.split()[0] for line in lines if re.match(r"    [a-z]", line)} - {"lab"}


def read_page(name: str) -> str:
    """Give a manual page as a person reads it; a warning of the formatter is an error."""
    path = STAGE / f"usr/share/man/man{name.rpartition('.')[2]}/{name}.gz"
    done = subprocess.run(
        ["man", "--warnings", "--local-file", path],
        env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "MANWIDTH": "100", "MAN_KEEP_FORMATTING": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return " ".join(re.sub(r".\x08", "", done.stdout).split())


@pytest.mark.parametrize("program", [*HOOKS, "hlb"])
def test_every_program_has_a_page_with_its_options_and_exit_codes(program: str) -> None:
    page = read_page(f"{program}.8")
    assert "--config FILE" in page
    assert "--version" in page
    for code in ExitCode:
        assert f"{int(code)} {code.meaning}" in page


def test_the_page_of_hlb_has_every_command_but_the_lab() -> None:
    page = read_page("hlb.8")
    for command in list_commands():
        assert f"hlb {command} [-h]" in page
    assert "hlb config validate [-h]" in page
    for codes in EXITS.values():
        for code, meaning in codes.items():
            assert f"{code} {meaning}" in page
    assert "hlb lab" not in page


def test_the_page_of_the_configuration_has_every_key() -> None:
    page = read_page("hlb.toml.5")
    for key in list_keys():
        assert key.name in page
        assert " ".join(key.description.split()) in page


@pytest.mark.parametrize(
    ("words", "proposed"),
    [
        (["hlb", "rea"], {"reap"}),
        (["hlb", ""], {*list_commands(), "-h", "--help", "--version"}),
        (["hlb", "config", "val"], {"validate"}),
        (["hlb", "reap", "--dry"], {"--dry-run"}),
        (["hlb", "reap", ""], set()),
        (["hlb", "plan", "--job", "-"], set()),
        (["initial_backup", "--le"], {"--lease"}),
        (["/usr/local/avamar/etc/scripts/initial_umount", "--ru"], {"--run"}),
        (["snap_request", "/vmfs/vol"], set()),
        (["compare_backup", "--config", ""], set()),
        (["compare_backup", "--lease"], set()),
    ],
)
def test_bash_completes_what_the_program_takes(words: list[str], proposed: set[str]) -> None:
    script = (
        f'set -u; . {COMPLETION}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
        '_hlb_hooks; printf "%s\\n" "${COMPREPLY[@]+"${COMPREPLY[@]}"}"'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", script, "bash", *words], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert set(done.stdout.split()) == proposed


def test_the_units_are_what_systemd_takes(tmp_path: Path) -> None:
    """The programs they name are not on this machine: files of the same names stand for them."""
    units = []
    for name in ("hlb-reap.service", "hlb-reap.timer"):
        text = (ROOT / "packaging/console" / name).read_text()
        for program in re.findall(r"^ExecStart(?:Pre)?=-?(\S+)", text, re.MULTILINE):
            stand_in = tmp_path / program.lstrip("/")
            stand_in.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy("/bin/true", stand_in)
            assert (STAGE / program.lstrip("/")).exists()
            text = text.replace(program, str(stand_in))
        units.append(tmp_path / name)
        units[-1].write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    units[0].write_text(units[0].read_text().replace("Type=oneshot", "Type=no-such"))
    wrong = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "no-such" in wrong.stderr
