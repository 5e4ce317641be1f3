"""The end-to-end suite on a console: its tests, the emulated host and pytest, all run by the
packaged interpreter.

No Python and no library of this machine is there. What pytest needs of CPython's library and the
package leaves out lies in a folder of its own, which no hook's ``-I`` looks into.
"""

import importlib.metadata
import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from conftest import ROOT
from console_kit import PYTHON, SCRIPTS, Console

from hlb_hooks.entry.arguments import HOOKS

_FOLDERS = ("end_to_end", "emulation", "guarantees", "monitoring")
_LIBRARIES = ("iniconfig", "packaging", "pluggy", "pygments", "pytest")
_PROGRAMS = "/suite/programs"
# As tests/conftest.py, which cannot be taken: hypothesis is of machine code.
_CONFTEST = """
import sys
for folder in ("emulation", "guarantees", "monitoring"):
    sys.path.insert(0, f"/suite/tests/{folder}")
"""
_START = """
import sys
sys.path.insert(0, "/suite/libraries")
sys.path.append("/suite/standard-library")
import pytest
raise SystemExit(pytest.main(sys.argv[1:]))
"""


@dataclass(frozen=True)
class Verdict:
    """What pytest said at its end: its exit code, how many tests passed, and its words."""

    exit_code: int
    passed_count: int
    text: str


def bring_suite(console: Console) -> None:
    """Put the suite on a console that has the packages installed."""
    suite = console.path("/suite")
    plain = shutil.ignore_patterns("__pycache__")
    for folder in _FOLDERS:
        shutil.copytree(ROOT / "tests" / folder, suite / "tests" / folder, ignore=plain)
    (suite / "tests/conftest.py").write_text(_CONFTEST)
    shutil.copy(ROOT / "setup.cfg", suite)
    shutil.copytree(ROOT / "build/interpreter/Lib", suite / "standard-library", ignore=plain)
    for library in _LIBRARIES:
        for file in importlib.metadata.files(library) or []:
            if file.suffix == ".py" or ".dist-info" in file.parts[0]:
                target = suite / "libraries" / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(Path(str(file.locate())), target)
    programs = console.path(_PROGRAMS)
    programs.mkdir()
    (programs / "python").symlink_to(PYTHON)
    (programs / "hlb").symlink_to("/usr/bin/hlb")
    for hook in HOOKS:
        (programs / hook).symlink_to(f"/{SCRIPTS}/{hook}")


def start_suite(
    console: Console, files: Iterable[str], left_out: Iterable[str] = ()
) -> "subprocess.Popen[str]":
    """Start the tests of these files, but for those whose node ids are left out."""
    options = ["-q", "-rs", "-p", "no:cacheprovider", "--rootdir=/suite", "-c", "/suite/setup.cfg"]
    options.append("--basetemp=/tmp/suite")
    options += [f"--deselect=tests/end_to_end/{test}" for test in left_out]
    words = [*options, *(f"/suite/tests/end_to_end/{file}" for file in files)]
    return console.start(PYTHON, "-I", "-c", _START, *words, HLB_TEST_PROGRAMS=_PROGRAMS)


def read_verdict(process: "subprocess.Popen[str]") -> Verdict:
    """Wait for the tests' end."""
    text, _ = process.communicate()
    passed = re.search(r"(\d+) passed.*\s*\Z", text)
    return Verdict(process.returncode, int(passed[1]) if passed else 0, text)
