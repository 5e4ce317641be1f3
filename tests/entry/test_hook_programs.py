"""The five hooks as programs: help, version, and command lines that nobody should act on."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hlb_hooks import __version__
from hlb_hooks.entry import hook_scripts
from hlb_hooks.entry.arguments import HOOKS

BIN = Path(sys.executable).parent


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a console script with nothing in its environment but what is given."""
    return subprocess.run(
        [str(BIN / words[0]), *words[1:]],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )


@pytest.mark.parametrize("hook", HOOKS)
def test_each_hook_explains_itself(hook: str) -> None:
    done = run(hook, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"usage: {hook}")
    for option in ("--config", "--job", "--dry-run"):
        assert option in done.stdout


@pytest.mark.parametrize("hook", [*HOOKS, "hlb"])
def test_each_program_tells_its_version(hook: str) -> None:
    done = run(hook, "--version")
    assert (done.returncode, done.stdout) == (0, f"{hook} {__version__}\n")


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize(
    "words", [["--dryrun"], ["--dry"], ["--no-such-option"], ["--config"], ["--owner-pid", "x"]]
)
def test_a_command_line_that_is_not_understood_is_refused_on_stdout(
    hook: str, words: list[str]
) -> None:
    vmx = ["/x.vmx"] if hook.startswith("snap_") else []
    done = run(hook, *vmx, *words)
    assert done.returncode == 2
    assert done.stdout.startswith("error: ")
    assert f"{hook} --help" in done.stdout
    last = done.stdout.splitlines()[-1]
    assert re.fullmatch(r"HLB job=- run=- chosen=0 ready=0 failed=0 open=0 exit=2", last)
    assert done.stderr == ""


def test_an_owner_is_said_in_one_way_only() -> None:
    done = run("initial_backup", "--owner-pid", str(os.getpid()), "--lease", "1h")
    assert done.returncode == 2
    assert "not allowed with" in done.stdout


@pytest.mark.parametrize("hook", ["snap_request", "snap_remove"])
def test_a_hook_that_works_on_named_vms_wants_their_names(hook: str) -> None:
    done = run(hook)
    assert done.returncode == 2
    assert "VMX" in done.stdout


@pytest.mark.parametrize("name", ["initial_backup.", "initial_backup.a b", "initial_backup.a.b"])
def test_a_script_whose_name_is_no_jobs_is_refused(name: str, tmp_path: Path) -> None:
    script = tmp_path / name
    script.symlink_to(BIN / "initial_backup")
    done = subprocess.run([str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "is no job's name" in done.stdout


@pytest.mark.parametrize("folder", ["plain", "with blank", "l" * 130])
def test_a_rendered_script_runs_wherever_its_interpreter_is(folder: str, tmp_path: Path) -> None:
    home = tmp_path / folder
    home.mkdir()
    interpreter = home / "python"
    # A link would do for Python, but not for a virtual environment, which is found by its place.
    interpreter.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    interpreter.chmod(0o755)
    script = tmp_path / "compare_backup"
    script.write_text(hook_scripts.render("compare_backup", str(interpreter)))
    script.chmod(0o755)
    done = subprocess.run(
        [str(script), "--version"], env={}, capture_output=True, text=True, check=False
    )
    assert done.stdout == f"compare_backup {__version__}\n"


def test_a_rendered_script_takes_nothing_from_its_callers_python(tmp_path: Path) -> None:
    (tmp_path / "hlb_hooks.py").write_text("raise SystemExit('taken in')")
    script = tmp_path / "initial_backup"
    script.write_text(hook_scripts.render("initial_backup", sys.executable))
    script.chmod(0o755)
    done = subprocess.run(
        [str(script), "--version"],
        env={"PYTHONPATH": str(tmp_path), "PYTHONHOME": "/nonexistent", "PYTHONSTARTUP": "/x"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == f"initial_backup {__version__}\n"


DEFECT = """
import sys
from hlb_hooks.entry import hooks
from hlb_hooks.steps import initial_backup
def fail(context, request):
    raise RuntimeError("no such luck")
initial_backup.run = fail
raise SystemExit(hooks.initial_backup(sys.argv[1:]))
"""


def run_defective(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a start hook whose step has a defect, on a configuration that is all right."""
    config = folder / "hlb.toml"
    config.write_text(
        f'[paths]\nstate_dir = "{folder}/state"\nlog_file = "{folder}/hlb.log"\n', "utf-8"
    )
    config.chmod(0o600)
    return subprocess.run(
        [sys.executable, "-I", "-c", DEFECT, "--config", str(config), *options],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_defect_is_one_clear_line_and_a_traceback_in_the_log(tmp_path: Path) -> None:
    done = run_defective(tmp_path)
    assert done.returncode == 3
    defect, machine = done.stdout.splitlines()
    assert "RuntimeError('no such luck')" in defect
    assert f"{tmp_path}/hlb.log" in defect
    assert machine.endswith("exit=3")
    assert "Traceback" not in done.stdout + done.stderr
    event = json.loads((tmp_path / "hlb.log").read_text("utf-8").splitlines()[0])
    assert event["event"] == "defect"
    assert "no such luck" in event["exception"]
    assert "Traceback" in event["exception"]


def test_a_defect_of_a_dry_run_leaves_the_log_as_it_is(tmp_path: Path) -> None:
    done = run_defective(tmp_path, "--dry-run")
    assert done.returncode == 3
    assert "Traceback" in done.stderr
    assert not (tmp_path / "hlb.log").exists()
