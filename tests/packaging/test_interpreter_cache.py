"""A compiled interpreter is used again only when it is the one that would be compiled."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT

# In place of the compiler, which takes minutes: each call leaves another interpreter.
COMPILE = """\
mkdir -p "$2"
echo x >>"$2/../../calls"
mkdir -p "$3/Lib" "$3/licenses"
ls "$1" >"$3/licenses/given"
wc -l <"$2/../../calls" >"$3/python3.13"
"""
# In place of Debian's archive: files of the pinned names; or those of a newer revision.
FETCH = """
from dataclasses import replace

def fetch_sources(folder, pinned, accepts_newer):
    folder.mkdir(exist_ok=True)
    for name in (*pinned.sums, "left-by-another-build"):
        (folder / name).touch()
    if not accepts_newer:
        return pinned
    return replace(pinned, warnings=("NOT AS PINNED: a newer one",))
"""
OLDER_MUSL = """#!/bin/sh
/usr/bin/dpkg-query "$@" | sed 's/^\\(musl-dev[^\\t]*\\)\\t.*/\\1\\t0.1/'
"""
OLDER_COMPILER = """#!/bin/sh
[ "$1" != --version ] || { echo "gcc 0.1"; exit; }
exec /usr/bin/gcc "$@"
"""


class Build:
    """The scripts of the runtime with a compiler that is quick."""

    def __init__(self, folder: Path) -> None:
        self.scripts = folder / "packaging"
        self.cache = folder / "cache"
        self.out = folder / "out"
        self.programs = folder / "programs"
        self.programs.mkdir()
        shutil.copytree(ROOT / "packaging", self.scripts)
        (self.scripts / "fetch_sources.py").write_text(FETCH)
        (self.scripts / "runtime/compile_interpreter.sh").write_text(COMPILE)

    def run(self, **more: str) -> "subprocess.CompletedProcess[str]":
        environment = {
            **os.environ,
            "HLB_BUILD_CACHE": str(self.cache),
            "PATH": f"{self.programs}:{os.environ['PATH']}",
            **more,
        }
        words = [sys.executable, self.scripts / "make_interpreter.py", self.out]
        done = subprocess.run(
            words, env=environment, stderr=subprocess.PIPE, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done

    def make(self) -> int:
        """Make the interpreter; give which compilation it is from."""
        self.run()
        return int((self.out / "python3.13").read_text())

    @property
    def archive(self) -> Path:
        (path,) = self.cache.glob("interpreter-*.tar.gz")
        return path

    def stand_in(self, name: str, text: str) -> None:
        (self.programs / name).write_text(text)
        (self.programs / name).chmod(0o755)


@pytest.fixture
def build(tmp_path: Path) -> Build:
    return Build(tmp_path)


def test_the_same_inputs_are_compiled_once(build: Build) -> None:
    assert build.make() == 1
    assert build.make() == 1


def test_the_compiler_gets_the_sources_that_are_named_and_no_others(build: Build) -> None:
    build.make()
    given = (build.out / "licenses/given").read_text().split()
    sums = (ROOT / "packaging/runtime/sources.sha256").read_text().splitlines()
    assert given == sorted(line.split()[1] for line in sums)


@pytest.mark.parametrize(
    "name",
    [
        "fetch_sources.py",
        "make_interpreter.py",
        "source_pins.py",
        "runtime/compile_interpreter.sh",
        "runtime/modules-left-out",
    ],
)
def test_another_script_or_module_list_is_compiled_anew(build: Build, name: str) -> None:
    assert build.make() == 1
    with (build.scripts / name).open("a") as file:
        file.write("# another\n")
    assert build.make() == 2


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [("sources.sha256", "a51f", "b51f"), ("sources", "+deb13u5", "+deb13u9")],
)
def test_another_source_is_compiled_anew(build: Build, name: str, old: str, new: str) -> None:
    assert build.make() == 1
    path = build.scripts / "runtime" / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    assert build.make() == 2


@pytest.mark.parametrize(("name", "text"), [("dpkg-query", OLDER_MUSL), ("gcc", OLDER_COMPILER)])
def test_another_compiler_or_c_library_is_compiled_anew(build: Build, name: str, text: str) -> None:
    assert build.make() == 1
    build.stand_in(name, text)
    assert build.make() == 2
    (build.programs / name).unlink()
    assert build.make() == 1


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
        lambda path: path.with_name(f"{path.name}.sha256").write_text(""),
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


def test_what_a_killed_build_left_is_cleared_and_nothing_else(build: Build) -> None:
    build.make()
    left = build.cache / "work.killed"
    left.mkdir()
    long_past = build.cache / "interpreter-0.tar.gz"
    long_past.touch()
    os.utime(long_past, (0, 0))
    assert build.make() == 1
    assert not left.exists()
    assert not long_past.exists()


def test_a_build_from_newer_sources_is_another_and_says_so_each_time(build: Build) -> None:
    assert build.make() == 1
    build.archive.unlink()
    for _ in range(2):
        said = build.run(HLB_NEWER_SOURCES="accept").stderr
        assert "NOT AS PINNED: a newer one" in said
        assert "NOT AS PINNED: a newer one" in (build.out / "licenses/sources").read_text()
        assert int((build.out / "python3.13").read_text()) == 2
    assert build.make() == 3


def test_the_pinned_one_from_the_cache_is_taken_though_a_newer_one_would_be(build: Build) -> None:
    assert build.make() == 1
    assert "NOT AS PINNED" not in build.run(HLB_NEWER_SOURCES="accept").stderr
    assert int((build.out / "python3.13").read_text()) == 1
