"""Prometheus's own tool, which nobody here wrote, as a reader of metrics and rules."""

import shutil
import subprocess
from pathlib import Path

import pytest


def run_promtool(
    *arguments: str | Path, stdin: str = "", folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run promtool; skip where it is not installed."""
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not there: install the Debian package prometheus")
    return subprocess.run(
        [program, *arguments], input=stdin, capture_output=True, text=True, cwd=folder, check=False
    )


def check_metrics(text: str) -> None:
    """Let promtool read metrics and judge their names. Anything it says is too much."""
    done = run_promtool("check", "metrics", stdin=text)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
