"""What the sweep shares: the end-to-end tests' kit, and its lines at the end of all."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "end_to_end"))

from apart import DoAll, workers

# Some of them wait for time to pass, so they are more than the processors.
WORKERS = 5
_SUMMARY = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def summary(request: pytest.FixtureRequest) -> list[str]:
    """Give the lines that are shown when all is over."""
    return request.config.stash.setdefault(_SUMMARY, [])


@pytest.fixture(scope="session")
def do_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DoAll]:
    """Give a function that has jobs done apart from everything else."""
    with workers("sweep_worker", tmp_path_factory.mktemp("sweep"), WORKERS) as do:
        yield do


@pytest.fixture(scope="session")
def strace() -> None:
    """Skip without Debian's strace, by which programs are killed at a chosen call."""
    if shutil.which("strace") is None:
        pytest.skip("the sweep needs the Debian package strace")


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for line in config.stash.get(_SUMMARY, []):
        terminalreporter.write_line(line)
