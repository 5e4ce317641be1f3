"""What a start of a hook has to import: most of what a start costs."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hlb_hooks.entry.arguments import HOOKS

PROGRAM = """
import sys
from hlb_hooks.entry import hooks
code = getattr(hooks, sys.argv[1])(sys.argv[2:])
print(code, *sys.modules)
"""
DEAR = {"asyncio", "dataclasses", "dateutil", "sh", "structlog", "tomllib", "typing"}


def run_and_list_modules(*words: str) -> tuple[int, set[str]]:
    """Run a hook in a process of its own; give its exit code and what it has imported."""
    command = [sys.executable, "-I", "-c", PROGRAM, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    code, *modules = done.stdout.splitlines()[-1].split()
    return int(code), set(modules)


def list_modules_of_bare_python() -> set[str]:
    """Give what this environment imports for any program at all."""
    command = [sys.executable, "-I", "-c", "import sys; print(*sys.modules)"]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize("hook", HOOKS)
def test_saying_its_version_takes_no_more_than_reading_a_command_line(hook: str) -> None:
    code, modules = run_and_list_modules(hook, "--version")
    assert code == 0
    assert modules & DEAR <= list_modules_of_bare_python()
    floors = {name.split(".")[1] for name in modules if name.startswith("hlb_hooks.")}
    assert floors == {"base", "entry"}


def test_choosing_without_intervals_takes_no_calendar_and_no_log(tmp_path: Path) -> None:
    config = tmp_path / "hlb.toml"
    targets = tmp_path / "targets"
    vmware_cmd = tmp_path / "vmware-cmd"
    vmware_cmd.write_text("#!/bin/sh\necho /vmfs/volumes/a/b/b.vmx\n")
    vmware_cmd.chmod(0o755)
    config.write_text(
        f'[host]\nvmware_cmd = "{vmware_cmd}"\n[paths]\nstate_dir = "{tmp_path}/var"\n'
        f'log_file = "{tmp_path}/log"\n[jobs.default]\ntargets = "{targets}"\n'
    )
    targets.write_text("b\n")
    for path in (config, targets):
        path.chmod(0o600)
    code, modules = run_and_list_modules(
        "initial_backup", "-n", "--lease", "1h", "--config", str(config)
    )
    # Its .vmx is not there: that is not what this is about.
    assert code == 1
    assert "sh" in modules
    assert not {"dateutil", "structlog"} & modules


SLOW = """
import sys, time
class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            print("importing", flush=True)
            time.sleep(60)
sys.meta_path.insert(0, Slow())
from hlb_hooks.entry import hlb, hooks
if sys.argv[2] == "hlb":
    raise SystemExit(hlb.main(["status"]))
hooks.initial_backup(["--lease", "1h"])
"""


@pytest.mark.parametrize(
    "module", ["argparse", "hlb_hooks.base.config", "hlb_hooks.effects.bundle"]
)
@pytest.mark.parametrize("program", ["initial_backup", "hlb"])
def test_what_is_interrupted_while_it_starts_leaves_without_a_word(
    program: str, module: str
) -> None:
    with subprocess.Popen(
        [sys.executable, "-I", "-c", SLOW, module, program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "importing\n"
        process.send_signal(signal.SIGINT)
        said, complaint = process.communicate(timeout=30)
    assert (process.returncode, said, complaint) == (130, "", "")


def test_the_end_takes_nothing_of_what_a_start_takes(tmp_path: Path) -> None:
    config = tmp_path / "hlb.toml"
    config.write_text(
        f'[paths]\nstate_dir = "{tmp_path}/var"\nlog_file = "{tmp_path}/log"\n', "utf-8"
    )
    config.chmod(0o600)
    _, modules = run_and_list_modules("initial_umount", "--config", str(config))
    assert "hlb_hooks.steps.ending" in modules
    dear = {"steps.start", "steps.choose", "steps.protect", "decisions.overview", "steps.desk"}
    assert {f"hlb_hooks.{name}" for name in dear} & modules == set()
