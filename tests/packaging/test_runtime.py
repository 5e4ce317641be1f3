"""The packaged interpreter: static, complete for the hooks, and out of reach of others."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import ROOT
from console_kit import PYTHON, SCRIPTS, Console

from hlb_hooks import __version__

CRASHING_LIBRARY = """
#include <signal.h>
__attribute__((constructor)) static void crash(void) { raise(SIGSEGV); }
"""
# What the host's vmware-cmd is to a hook: a program with libraries of the host's own.
HOST_PROGRAM = """
#include <stdio.h>
int main(void) { puts(""); return 0; }
"""
DEEP = """
import json, threading
def go():
    nested = []
    for _ in range(100000):
        nested = [nested]
    for walk in (repr, json.dumps):
        try:
            walk(nested)
        except RecursionError:
            print("RecursionError")
thread = threading.Thread(target=go)
thread.start()
thread.join()
"""


def run_python(runtime: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [runtime / "bin/python3.13", *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_needs_no_library_and_no_loader(runtime: Path) -> None:
    described = subprocess.run(
        ["readelf", "--program-headers", "--wide", runtime / "bin/python3.13"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "LOAD" in described
    assert "INTERP" not in described
    assert "DYNAMIC" not in described


def test_it_was_built_with_every_fix_of_debian_s(runtime: Path) -> None:
    applied = (runtime / "licenses/python-applied-patches").read_text().split()
    assert len(applied) >= 35
    assert "CVE-2025-8194.patch" in applied
    # The effect of one of them: a tar archive with a negative offset made tarfile loop for ever.
    done = run_python(runtime, "-I", "-c", "import tarfile; tarfile.TarInfo()._block(-1)")
    assert "InvalidHeaderError" in done.stderr


def test_what_it_was_built_from_is_written_down(runtime: Path) -> None:
    """The pinned sources; or, in CI the day Debian replaces one, others that are named so."""
    written = (runtime / "licenses/sources").read_text().splitlines()
    lines = (ROOT / "packaging/runtime/sources").read_text().splitlines()
    for pin in (line for line in lines if not line.startswith("#")):
        package = pin.split()[1]
        replaced = [line for line in written if line.startswith(f"NOT AS PINNED: {package} ")]
        assert (pin in written) != bool(replaced)


def test_every_module_of_the_package_and_its_dependencies_can_be_loaded(runtime: Path) -> None:
    program = """
import importlib, pkgutil
import dateutil.parser, dateutil.relativedelta, dateutil.rrule, dateutil.tz, sh, structlog
import hlb_hooks
for module in pkgutil.walk_packages(hlb_hooks.__path__, "hlb_hooks."):
    importlib.import_module(module.name)
    print(module.name)
"""
    done = run_python(runtime, "-I", "-c", program)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    expected = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in (ROOT / "hlb_hooks").rglob("*.py")
        if "lab" not in path.parts
    }
    assert loaded == expected - {"hlb_hooks"}


def test_it_is_the_package_s_version(runtime: Path) -> None:
    done = run_python(runtime, "-I", "-c", "import hlb_hooks; print(hlb_hooks.__version__)")
    assert done.stdout.strip() == (runtime / "VERSION").read_text().strip() == __version__


def test_no_path_of_the_build_is_in_it(runtime: Path) -> None:
    paths = {os.fsencode(ROOT), os.fsencode(Path(sys.prefix))}
    for path in runtime.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert not [each for each in paths if each in data], path


def test_deep_recursion_in_a_thread_is_an_exception_and_no_crash(runtime: Path) -> None:
    done = run_python(runtime, "-I", "-c", DEEP)
    assert (done.returncode, done.stdout.split()) == (0, ["RecursionError"] * 2)


def test_a_program_started_through_the_link_names_its_own_version(
    console: Console, rpm_file: Path
) -> None:
    console.install(rpm_file)
    done = console.run(PYTHON, "-I", "-c", "import sys; print(sys.executable, sys.prefix)")
    home = f"/opt/hlb-hooks/versions/{__version__}"
    assert done.stdout.split() == [f"{home}/bin/python3.13", home]


@contextmanager
def poisoned(folder: Path) -> Iterator[dict[str, str]]:
    """Give an environment that breaks every other program: a libz that crashes, a false os."""
    libraries, modules = folder / "libraries", folder / "modules"
    for each in (libraries, modules / "hlb_hooks"):
        each.mkdir(parents=True)
    source = folder / "crash.c"
    source.write_text(CRASHING_LIBRARY)
    subprocess.run(
        ["gcc", "-shared", "-fPIC", "-Wl,-soname,libz.so.1", "-o", libraries / "libz.so.1", source],
        check=True,
    )
    for name in ("os.py", "site.py", "sitecustomize.py", "encodings.py", "hlb_hooks/__init__.py"):
        (modules / name).write_text("raise SystemExit('taken in')\n")
    yield {
        "LD_LIBRARY_PATH": str(libraries),
        "LD_PRELOAD": str(libraries / "libz.so.1"),
        "PYTHONPATH": str(modules),
        "PYTHONHOME": str(modules),
        "PYTHONSTARTUP": str(modules / "os.py"),
        "PYTHONINSPECT": "1",
    }


def test_a_hook_is_out_of_reach_of_a_hostile_environment(
    console: Console, rpm_file: Path, tmp_path: Path
) -> None:
    """Run on this machine, whose loader would follow that environment, and not in the console."""
    console.install(rpm_file)
    source = tmp_path / "host.c"
    source.write_text(HOST_PROGRAM)
    program = tmp_path / "vmware-cmd"
    # It has the library among its own, so that whoever is given that path crashes.
    with poisoned(tmp_path) as environment:
        library = Path(environment["LD_LIBRARY_PATH"], "libz.so.1")
        words = ["gcc", "-o", program, source, "-Wl,--no-as-needed", library]
        subprocess.run(words, check=True)
        crashed = subprocess.run([program], env=environment, check=False)
        assert crashed.returncode < 0
        config = write_config(tmp_path, program)
        hook = console.path(f"{SCRIPTS}/compare_backup")
        # The shebang's path leads into the console.
        shutil.copy(hook, tmp_path / "hook")
        script = 'mount --bind "$1/opt" /opt && shift && exec env -i "$@"'
        assignments = [f"{name}={value}" for name, value in environment.items()]
        in_console = ["unshare", "--mount", "sh", "-c", script, "sh", console.root]
        done = subprocess.run(
            [*in_console, *assignments, tmp_path / "hook", "--config", config],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path / "modules",
        )
    assert re.search(r"^HLB job=default .* exit=0$", done.stdout, re.MULTILINE), done


def write_config(folder: Path, vmware_cmd: Path) -> Path:
    """Write a configuration and a targets file that chooses nothing."""
    (folder / "targets").write_text("none\n")
    config = folder / "hlb.toml"
    config.write_text(
        f'[host]\nvmware_cmd = "{vmware_cmd}"\n'
        f'[paths]\nstate_dir = "{folder}/state"\nlog_file = "{folder}/hlb.log"\n'
        f'[jobs.default]\ntargets = "{folder}/targets"\n'
    )
    for path in (config, folder / "targets"):
        path.chmod(0o600)
    return config


@pytest.mark.parametrize("option", ["", "-I"])
def test_that_environment_does_break_what_is_not_isolated(
    runtime: Path, tmp_path: Path, option: str
) -> None:
    with poisoned(tmp_path) as environment:
        words = [option] if option else []
        done = run_python(runtime, *words, "-c", "import hlb_hooks; print('fine')", **environment)
    assert (done.stdout == "fine\n") == bool(option)
