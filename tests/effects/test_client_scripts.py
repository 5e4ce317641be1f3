"""What is known of a hook in the scripts folder without running anything that is not ours."""

import sys
from pathlib import Path

import pytest
from effects_kit import write_program

from hlb_hooks import __version__
from hlb_hooks.effects.client_scripts import (
    ClientScript,
    ScriptState,
    list_jobs_of_scripts,
    read_client_script,
)
from hlb_hooks.effects.commands import CommandRunner
from hlb_hooks.entry.hook_scripts import render

HOOK = "initial_backup"
OURS = render(HOOK, sys.executable)


def read(folder: Path, name: str = HOOK, version: str = __version__) -> ClientScript:
    runner = CommandRunner(run="check", may_change=False)
    return read_client_script(str(folder), name, HOOK, version, runner)


def test_a_hook_of_ours_says_its_version(tmp_path: Path) -> None:
    write_program(tmp_path / HOOK, OURS)
    assert read(tmp_path) == ClientScript(
        str(tmp_path / HOOK), ScriptState.GOOD, f"{HOOK} {__version__}"
    )
    assert read(tmp_path, version="9.9").state is ScriptState.OTHER_VERSION


def test_a_link_counts_as_what_it_leads_to(tmp_path: Path) -> None:
    write_program(tmp_path / "installed", OURS)
    (tmp_path / f"{HOOK}.gold").symlink_to("installed")
    assert read(tmp_path, f"{HOOK}.gold").state is ScriptState.GOOD


def test_what_pip_installs_is_ours(tmp_path: Path) -> None:
    write_program(tmp_path / HOOK, (Path(sys.executable).parent / HOOK).read_text())
    assert read(tmp_path).state is ScriptState.GOOD


def test_a_hook_that_is_not_there_or_leads_nowhere(tmp_path: Path) -> None:
    assert read(tmp_path).state is ScriptState.MISSING
    (tmp_path / HOOK).symlink_to("gone")
    found = read(tmp_path)
    assert (found.state, found.told) == (ScriptState.BROKEN_LINK, str(tmp_path / "gone"))


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("#!/bin/sh\ntouch RAN\n", ScriptState.FOREIGN),
        (render("initial_umount", sys.executable), ScriptState.FOREIGN),
        ("#!/bin/sh\nfrom hlb_hooks.entry.hooks import initial_backup\n", ScriptState.BROKEN),
        (
            "#!/nowhere/python\nfrom hlb_hooks.entry.hooks import initial_backup\n",
            ScriptState.BROKEN,
        ),
    ],
)
def test_a_script_that_is_not_ours_or_does_not_start(
    tmp_path: Path, text: str, state: ScriptState
) -> None:
    write_program(tmp_path / HOOK, text.replace("RAN", str(tmp_path / "ran")))
    assert read(tmp_path).state is state
    assert not (tmp_path / "ran").exists()


def test_a_hook_that_others_may_write_is_not_run(tmp_path: Path) -> None:
    (tmp_path / HOOK).write_text(OURS + "open('ran', 'w')\n")
    (tmp_path / HOOK).chmod(0o777)
    found = read(tmp_path)
    assert found.state is ScriptState.REFUSED
    assert "group or others may write this hook" in found.told


def test_a_hook_that_is_not_executable(tmp_path: Path) -> None:
    (tmp_path / HOOK).write_text(OURS)
    (tmp_path / HOOK).chmod(0o644)
    assert read(tmp_path).state is ScriptState.NOT_EXECUTABLE


def test_the_jobs_are_what_the_names_say_after_the_dot(tmp_path: Path) -> None:
    names = ["initial_backup", "initial_backup.gold", "initial_umount.gold", "initial_umount.a-b"]
    for name in [*names, "initial_backup.not a job", "other.gold", "snap_request.x"]:
        (tmp_path / name).touch()
    assert list_jobs_of_scripts(str(tmp_path)) == ("gold", "a-b")
    assert list_jobs_of_scripts(str(tmp_path / "gone")) == ()
