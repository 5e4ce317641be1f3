"""The sources come by the machine's own apt, held to the pinned sums or to the signed index."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from apt_archive import SUITE, Archive
from conftest import ROOT

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
FETCH = """
import os, sys
from pathlib import Path
from fetch_sources import fetch_sources
from source_pins import read_sources
here = Path(sys.argv[1])
pinned = read_sources((here / "sources").read_text(), (here / "sources.sha256").read_text())
accepts = os.environ.get("HLB_NEWER_SOURCES") == "accept"
print(fetch_sources(here / "fetched", pinned, accepts).render())
"""
ORIG = {"thing_1.0.orig.tar.xz": "the release"}
PINNED = ORIG | {"thing_1.0-1.debian.tar.xz": "fixes"}
LATER = ORIG | {"thing_1.0-1+deb13u1.debian.tar.xz": "more fixes"}


class Build:
    """An archive, what is pinned of it, and a machine whose apt knows the archive."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.archive = Archive(folder)
        self.fetched = folder / "fetched"
        self._apt = self.archive.configure_apt(folder / "apt")
        (folder / "sources").write_text(f"{SUITE} thing 1.0-1\n")
        sums = [f"{hash_text(text)}  {name}\n" for name, text in PINNED.items()]
        (folder / "sources.sha256").write_text("".join(sums))

    def fetch(self, **more: str) -> "subprocess.CompletedProcess[str]":
        """Fetch with Debian's keys exchanged for the archive's, which no other process sees."""
        script = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'
        way = ["unshare", "--mount", "sh", "-c", script, "sh", self.archive.keyring, KEYRING]
        environment = {
            **os.environ,
            "APT_CONFIG": str(self._apt),
            "PYTHONPATH": str(ROOT / "packaging"),
            **more,
        }
        words = [*way, sys.executable, "-c", FETCH, self.folder]
        return subprocess.run(words, env=environment, capture_output=True, text=True, check=False)

    def later_comes(self) -> None:
        self.archive.add("thing", "1.0-1+deb13u1", LATER)
        self.archive.drop("thing", "1.0-1")


def hash_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Build]:
    if os.geteuid():
        pytest.skip("an apt with other keys needs root")
    build = Build(tmp_path)
    build.archive.add("thing", "1.0-1", PINNED)
    yield build
    build.archive.close()


def test_the_pinned_sources_are_fetched_by_settings_that_name_no_sources(build: Build) -> None:
    done = build.fetch()
    assert done.returncode == 0, done.stderr
    for name, text in PINNED.items():
        assert (build.fetched / name).read_text() == text
    assert "thing 1.0-1\n" in done.stdout
    # Once they are there, nothing is asked for.
    shutil.rmtree(build.archive.root / "dists")
    assert build.fetch().returncode == 0


def test_a_source_that_was_exchanged_is_fetched_anew(build: Build) -> None:
    assert build.fetch().returncode == 0
    # apt links to an archive that is a folder.
    (build.fetched / "thing_1.0.orig.tar.xz").unlink()
    (build.fetched / "thing_1.0.orig.tar.xz").write_text("something else")
    done = build.fetch()
    assert done.returncode == 0, done.stderr
    assert (build.fetched / "thing_1.0.orig.tar.xz").read_text() == "the release"


def test_a_source_that_the_index_has_and_the_pins_have_not_is_refused(build: Build) -> None:
    build.archive.add("thing", "1.0-1", {**PINNED, "thing_1.0.orig.tar.xz": "another release"})
    done = build.fetch(HLB_NEWER_SOURCES="accept")
    assert done.returncode == 1
    assert "is not what packaging/runtime/sources.sha256 names" in done.stderr
    assert f"thing_1.0.orig.tar.xz has {hash_text('another release')}" in done.stderr


def test_the_day_a_later_revision_comes_the_build_says_what_to_do(build: Build) -> None:
    build.later_comes()
    done = build.fetch()
    assert done.returncode == 1
    assert "thing 1.0-1 is gone from Debian's archive, which has 1.0-1+deb13u1 now" in done.stderr
    assert f"{hash_text('more fixes')}  thing_1.0-1+deb13u1.debian.tar.xz" in done.stderr
    assert not build.fetched.exists()


def test_an_accepted_later_revision_is_fetched_and_named(build: Build) -> None:
    build.later_comes()
    done = build.fetch(HLB_NEWER_SOURCES="accept")
    assert done.returncode == 0, done.stderr
    assert "NOT AS PINNED: thing 1.0-1+deb13u1" in done.stdout
    assert (build.fetched / "thing_1.0-1+deb13u1.debian.tar.xz").read_text() == "more fixes"


def test_a_later_revision_that_is_not_as_the_index_says_is_not_taken(build: Build) -> None:
    build.later_comes()
    (build.archive.pool / "thing_1.0-1+deb13u1.debian.tar.xz").write_text("evil fixes")
    done = build.fetch(HLB_NEWER_SOURCES="accept")
    assert done.returncode != 0
    assert not (build.fetched / "thing_1.0-1+deb13u1.debian.tar.xz").exists()


def test_an_index_that_debian_did_not_sign_is_not_believed(build: Build) -> None:
    assert build.fetch().returncode == 0
    build.later_comes()
    index = build.archive.root / "dists" / SUITE / "InRelease"
    index.write_text(index.read_text().replace("Codename: trixie", "Codename:  trixie"))
    shutil.rmtree(build.fetched)
    done = build.fetch(HLB_NEWER_SOURCES="accept")
    assert done.returncode != 0
    assert not build.fetched.exists()


def test_without_an_archive_of_debian_s_the_remedy_is_named(build: Build) -> None:
    (build.folder / "apt/sources.list").write_text("")
    done = build.fetch()
    assert done.returncode == 1
    assert "apt-get update" in done.stderr


def test_no_address_of_a_package_source_is_written_down() -> None:
    folders = (ROOT / "packaging", ROOT / ".ci")
    files = [path for folder in folders for path in folder.rglob("*") if path.suffix != ".pyc"]
    files += [ROOT / name for name in ("Makefile", "setup.cfg", "pyproject.toml")]
    files += (ROOT / "tests").glob("*.sh")
    assert len(files) > 30
    named = {
        file.name: found
        for file in files
        if file.is_file() and (found := re.findall(r"[a-z]+://|\w+\.debian\.org", file.read_text()))
    }
    assert named == {}
