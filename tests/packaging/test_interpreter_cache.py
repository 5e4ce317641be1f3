"""A compiled interpreter is used again only when it is the one that would be compiled."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT

# In place of the compiler, which takes minutes: each call leaves another interpreter.
COMPILE = """\
echo x >>"$HLB_BUILD_CACHE/calls"
mkdir -p "$3/Lib"
wc -l <"$HLB_BUILD_CACHE/calls" >"$3/python3.13"
"""


class Build:
    """The scripts of the runtime with a compiler that is quick."""

    def __init__(self, folder: Path) -> None:
        self.scripts = folder / "packaging/runtime"
        self.cache = folder / "cache"
        self.out = folder / "out"
        self.cache.mkdir()
        shutil.copytree(ROOT / "packaging/runtime", self.scripts)
        shutil.copy(ROOT / "packaging/install_build_needs.sh", self.scripts.parent)
        (self.scripts / "fetch_sources.sh").write_text("")
        (self.scripts / "compile_interpreter.sh").write_text(COMPILE)

    def make(self) -> int:
        """Make the interpreter; give which compilation it is from."""
        environment = {**os.environ, "HLB_BUILD_CACHE": str(self.cache)}
        words = ["sh", self.scripts / "make_interpreter.sh", self.out]
        subprocess.run(words, env=environment, check=True)
        return int((self.out / "python3.13").read_text())

    @property
    def archive(self) -> Path:
        (path,) = self.cache.glob("interpreter-*.tar.gz")
        return path


@pytest.fixture
def build(tmp_path: Path) -> Build:
    return Build(tmp_path)


def test_the_same_inputs_are_compiled_once(build: Build) -> None:
    assert build.make() == 1
    assert build.make() == 1


@pytest.mark.parametrize("name", ["compile_interpreter.sh", "modules-left-out", "sources.sha256"])
def test_another_script_module_list_or_source_is_compiled_anew(build: Build, name: str) -> None:
    assert build.make() == 1
    with (build.scripts / name).open("a") as file:
        file.write("# another\n")
    assert build.make() == 2


def flip_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    "harm",
    [
        flip_byte,
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.with_name(f"{path.name}.sha256").unlink(),
        Path.unlink,
    ],
)
def test_what_is_not_as_it_was_put_there_is_compiled_anew(
    build: Build, harm: Callable[[Path], object]
) -> None:
    assert build.make() == 1
    harm(build.archive)
    assert build.make() == 2
    assert build.make() == 2


def test_a_source_that_is_not_the_pinned_one_is_refused(tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    sources.mkdir()
    scripts = tmp_path / "scripts"
    shutil.copytree(ROOT / "packaging/runtime", scripts)
    lines = (scripts / "sources.sha256").read_text().splitlines()
    for line in lines:
        (sources / line.split()[1]).write_text("something else")
    # An apt that has no archive of Debian's: nothing can be fetched instead.
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "apt-get").write_text("#!/bin/sh\n")
    (programs / "apt-get").chmod(0o755)
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["sh", scripts / "fetch_sources.sh", sources],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "no archive of Debian's" in done.stderr
