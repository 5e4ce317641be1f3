"""What the tests of the packages share: what was built, and consoles to put it on."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from console_kit import Console, open_console

import hlb_hooks

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
ConsoleMaker = Callable[..., Console]


def find_built(pattern: str) -> Path:
    """Give the one file of dist/ that is of this version."""
    found = list((ROOT / "dist").glob(pattern.format(version=hlb_hooks.__version__)))
    assert len(found) == 1, f"dist/ has {found} for {pattern}: run make rpm"
    return found[0]


def run_apart(
    words: Sequence[str | Path], environment: dict[str, str]
) -> "subprocess.CompletedProcess[str]":
    """Run a program that sees no processes but its own; whatever it leaves ends with it."""
    if os.geteuid():
        pytest.skip("processes of one's own need root")
    apart = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    # The first process of a namespace is to wait for others' children too: a shell does.
    return subprocess.run(
        [*apart, "sh", "-c", '"$@"; exit $?', "sh", *words],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(autouse=True)
def as_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each build of a test begin without what CI says to its own."""
    for name in ("HLB_NEWER_SOURCES", "HLB_BUILD_CACHE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def runtime() -> Path:
    folder = ROOT / "build" / "runtime"
    assert (folder / "VERSION").exists(), "run make runtime"
    return folder


@pytest.fixture(scope="session")
def rpm_file() -> Path:
    return find_built("hlb-hooks-{version}-1.x86_64.rpm")


@pytest.fixture(scope="session")
def archive_file() -> Path:
    return find_built("hlb-hooks-{version}.x86_64.tar.gz")


@pytest.fixture(scope="session")
def next_version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the packages of the version that comes next; give their dist folder."""
    copy = tmp_path_factory.mktemp("next") / "source"
    left_out = shutil.ignore_patterns(".*", "build", "dist", "tests", "__pycache__", "*.egg-info")
    shutil.copytree(ROOT, copy, ignore=left_out)
    init = copy / "hlb_hooks/__init__.py"
    now, later = (f'__version__ = "{hlb_hooks.__version__}{more}"' for more in ("", ".1"))
    text = init.read_text("utf-8")
    assert now in text
    init.write_text(text.replace(now, later), "utf-8")
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    interpreter = ROOT / "build" / "interpreter"
    for program, *words in (
        ("lay_out_runtime.py", interpreter, copy / "runtime"),
        ("stage.py", copy / "runtime", copy / "stage"),
        ("make_rpm.py", copy / "stage", copy / "dist"),
        ("make_archive.py", copy / "stage", copy / "dist"),
    ):
        command = [sys.executable, copy / "packaging" / program, *words]
        subprocess.run(command, env=environment, check=True)
    return copy / "dist"


@pytest.fixture(scope="session")
def next_rpm(next_version: Path) -> Path:
    (path,) = next_version.glob("*.rpm")
    return path


@pytest.fixture(scope="session")
def next_archive(next_version: Path) -> Path:
    (path,) = next_version.glob("*.tar.gz")
    return path


@pytest.fixture(scope="session")
def old_kernel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compile the emulation of 2.6.18; static, as it is copied to consoles."""
    program = tmp_path_factory.mktemp("emulation") / "old_kernel"
    words = ["gcc", "-static", "-O2", "-Wall", "-Wextra", "-Werror", "-o", program]
    subprocess.run([*words, HERE / "old_kernel.c"], check=True)
    return program


@pytest.fixture
def make_console(tmp_path: Path) -> Iterator[ConsoleMaker]:
    """Make a console: ``make_console()``, or ``make_console(emulator)``."""
    if os.geteuid():
        pytest.skip("a console of one's own needs root")
    with ExitStack() as stack:
        number = 0

        def make(emulator: Path | None = None) -> Console:
            nonlocal number
            number += 1
            return stack.enter_context(open_console(tmp_path / f"console{number}", emulator))

        yield make


@pytest.fixture
def console(make_console: ConsoleMaker) -> Console:
    return make_console()
