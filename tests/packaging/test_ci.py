"""What CI runs: everything, with the compiled interpreter kept outside the clone."""

import os
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT

MAKE = """#!/bin/sh
echo "$HLB_BUILD_CACHE|$HLB_NEWER_SOURCES|$*" >>"$CALLS"
[ "$1" != "$FAILING" ]
"""


def run(folder: Path, failing: str = "", **more: str) -> tuple[int, list[str]]:
    """Run it with a make that only writes down what is wanted; give exit code and calls."""
    make = folder / "make"
    make.write_text(MAKE)
    make.chmod(0o755)
    calls = folder / "calls"
    environment = {"PATH": f"{folder}:{os.defpath}", "CALLS": str(calls), "FAILING": failing}
    done = subprocess.run([ROOT / ".ci/run"], env={**environment, **more}, check=False)
    return done.returncode, calls.read_text().splitlines()


@pytest.mark.parametrize(
    ("environment", "cache"),
    [
        ({"HOME": "/home/ci"}, "/home/ci/.cache/hlb-hooks"),
        ({"HOME": "/home/ci", "XDG_CACHE_HOME": "/var/cache/ci"}, "/var/cache/ci/hlb-hooks"),
        ({}, "/root/.cache/hlb-hooks"),
    ],
)
def test_every_submission_builds_and_tests_the_packages(
    tmp_path: Path, environment: dict[str, str], cache: str
) -> None:
    exit_code, calls = run(tmp_path, **environment)
    assert exit_code == 0
    assert calls == ["||test", f"{cache}|accept|packages", "||guarantees sweep machine"]


@pytest.mark.parametrize("target", ["test", "packages", "guarantees"])
def test_whatever_fails_there_fails_it(tmp_path: Path, target: str) -> None:
    exit_code, calls = run(tmp_path, failing=target)
    assert exit_code != 0
    assert f"|{target}" in calls[-1]
