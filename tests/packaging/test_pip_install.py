"""``pip install`` of the wheel and of the source archive, as on a newer Linux client."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT, run_apart

from hlb_hooks import __version__
from hlb_hooks.entry.arguments import HOOKS

SUITE = ROOT / "tests" / "end_to_end"
# The whole cycle is what the demo goes through.
CHOSEN = ("test_e2e_by_hand.py", "test_e2e_reap.py", "test_e2e_status.py")
BUILD_SDIST = "import sys, setuptools.build_meta as build; build.build_sdist(sys.argv[1])"


def make_venv(folder: Path) -> Path:
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    return folder / "bin"


def pip(programs: Path, *words: str | Path) -> None:
    command = [programs / "python", "-m", "pip", "--quiet", "--disable-pip-version-check", *words]
    subprocess.run(command, check=True)


@pytest.fixture(scope="session")
def archives(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Build the source archive, a wheel from the checkout, and one from the source archive."""
    folder = tmp_path_factory.mktemp("archives")
    source = folder / "source"
    left_out = shutil.ignore_patterns(".*", "build", "dist", "__pycache__", "*.egg-info")
    shutil.copytree(ROOT, source, ignore=left_out)
    programs = make_venv(folder / "builder")
    pip(programs, "install", "setuptools>=64")
    words = [programs / "python", "-c", BUILD_SDIST, folder]
    subprocess.run(words, cwd=source, check=True, stdout=subprocess.DEVNULL)
    (sdist,) = folder.glob("*.tar.gz")
    wheels = {}
    for name, origin in {"wheel": source, "wheel of sdist": sdist}.items():
        pip(programs, "wheel", "--no-deps", "--wheel-dir", folder / name, origin)
        (wheels[name],) = (folder / name).iterdir()
    return {"sdist": sdist, **wheels}


@pytest.fixture(scope="session")
def programs(archives: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into a fresh environment; give the folder of its programs."""
    programs = make_venv(tmp_path_factory.mktemp("client") / "venv")
    pip(programs, "install", archives["wheel"])
    return programs


def test_the_wheel_is_of_this_version_and_for_any_platform(archives: dict[str, Path]) -> None:
    assert archives["wheel"].name == f"hlb_hooks-{__version__}-py3-none-any.whl"


def test_the_source_archive_becomes_the_same_wheel(archives: dict[str, Path]) -> None:
    def list_files(path: Path) -> dict[str, int]:
        with zipfile.ZipFile(path) as file:
            return {
                each.filename: each.CRC
                for each in file.infolist()
                if not each.filename.endswith("/RECORD")
            }

    files = list_files(archives["wheel"])
    assert files == list_files(archives["wheel of sdist"])
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "hlb_hooks").rglob("*.py")}
    assert {name for name in files if name.endswith(".py")} == modules


def test_nothing_of_the_checkout_is_needed(programs: Path) -> None:
    for program in (*HOOKS, "hlb"):
        done = subprocess.run(
            [programs / program, "--version"],
            env={},
            cwd="/",
            check=True,
            capture_output=True,
            text=True,
        )
        assert done.stderr == ""
        assert done.stdout.split()[1] == __version__
    where = "import hlb_hooks; print(hlb_hooks.__file__)"
    done = subprocess.run(
        [programs / "python", "-I", "-c", where], capture_output=True, text=True, check=True
    )
    assert Path(done.stdout.strip()).is_relative_to(programs.parent)


def test_links_in_the_scripts_folder_are_hooks(programs: Path, tmp_path: Path) -> None:
    """As the README sets it up; a link's name says the job."""
    (tmp_path / "targets").write_text("none\n")
    vmware_cmd = tmp_path / "vmware-cmd"
    vmware_cmd.write_text("#!/bin/sh\necho\n")
    vmware_cmd.chmod(0o755)
    config = tmp_path / "hlb.toml"
    config.write_text(
        f'[host]\nvmware_cmd = "{vmware_cmd}"\n'
        f'[paths]\nstate_dir = "{tmp_path}/state"\nlog_file = "{tmp_path}/hlb.log"\n'
        f'[jobs.gold]\ntargets = "{tmp_path}/targets"\n'
    )
    for path in (config, tmp_path / "targets"):
        path.chmod(0o600)
    hook = tmp_path / "initial_backup.gold"
    hook.symlink_to(programs / "initial_backup")
    done = subprocess.run(
        [hook, "--config", config, "--lease", "1h"],
        check=False,
        env={},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("HLB job=gold ")


def test_the_lab_comes_with_it_and_proves_every_claim(programs: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [programs / "hlb", "lab", "demo"],
        cwd=tmp_path,
        env={"PATH": os.defpath},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "claims proved" in done.stdout


def test_the_hooks_pass_their_end_to_end_tests(programs: Path, tmp_path: Path) -> None:
    words = ["--basetemp", str(tmp_path / "suite"), *(str(SUITE / name) for name in CHOSEN)]
    done = run_apart(
        [sys.executable, "-m", "pytest", "-q", *words],
        {**os.environ, "HLB_TEST_PROGRAMS": str(programs)},
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr
