"""What can happen to a file while avtar reads it, and the lines that say so."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from avtar_kit import VMS, RunningAvtar, start_avtar
from lab_kit import make_lab, run_avtar, wait_for

from hlb_hooks.lab.client.store import Store
from hlb_hooks.lab.layout import Lab

MIB = 1024 * 1024


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return make_lab(tmp_path / "lab", VMS)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "dataset/b-flat.vmdk"
    path.parent.mkdir()
    path.write_bytes(b"b" * 3 * MIB)
    return path


@pytest.fixture
def reader(lab: Lab, tmp_path: Path, file: Path) -> Iterator[RunningAvtar]:
    """An avtar that has read the first MiB of the file, and reads the rest in a moment."""
    words = ("--create", "--lab-chunk-delay=0.5", file.parent)
    with start_avtar(lab, tmp_path / "run", *words) as avtar:
        wait_for(lambda: any((lab.store / "contents").glob(".*.new")), "an open file")
        yield avtar


def read_stored(lab: Lab, file: Path) -> bytes:
    stored = Store(lab.store).find_backup(None).files
    (found,) = (entry for entry in stored if entry.path == str(file))
    return (lab.store / "contents" / found.sha256).read_bytes()


def test_a_file_that_grows_is_stored_with_the_size_it_had(
    lab: Lab, file: Path, reader: RunningAvtar
) -> None:
    with file.open("ab") as writer:
        writer.write(b"grown")
    outcome = reader.finish()
    assert f'avtar Warning <43225>: Ignoring increased file size (5) of "{file}"' in outcome.stdout
    assert "Command completed (1 warning, exit code 0: success)" in outcome.stdout
    assert read_stored(lab, file) == b"b" * 3 * MIB


@pytest.mark.parametrize("size_bytes", [2 * MIB + 1, 3 * MIB])
def test_a_file_that_changes_is_a_warning(
    lab: Lab, file: Path, reader: RunningAvtar, size_bytes: int
) -> None:
    os.truncate(file, size_bytes)
    os.utime(file)
    outcome = reader.finish()
    assert f'avtar Warning <0000>: "{file}" changed while it was read\n' in outcome.stdout
    assert "Command completed (1 warning, exit code 0: success)" in outcome.stdout
    assert read_stored(lab, file) == b"b" * size_bytes
    # What was read while it changed is not taken for known.
    run_avtar(lab, "--create", file.parent)
    assert read_stored(lab, file) == file.read_bytes()


def test_a_file_that_is_gone_when_its_turn_comes_is_a_warning(
    lab: Lab, tmp_path: Path, file: Path
) -> None:
    file.with_name("a").write_text("first")
    words = ("--create", "--lab-read-delay=0.3", file.parent)
    with start_avtar(lab, tmp_path / "run", *words) as avtar:
        avtar.wait_for_log("Loading cache files")
        wait_for(lambda: any((lab.store / "contents").iterdir()), "the first file")
        file.unlink()
        outcome = avtar.finish()
    line = f'avtar Warning <0000>: Unable to open "{file}" (code 2: No such file or directory).\n'
    assert line in outcome.stdout
    assert "Command completed (1 warning, exit code 0: success)" in outcome.stdout


@pytest.mark.parametrize(
    ("choice", "verdict", "exit_code"),
    [
        ("error", "Command failed (1 error, exit code 10007: miscellaneous error)", 157),
        ("warning", "Command completed (1 warning, exit code 0: success)", 0),
    ],
)
def test_a_failed_read_is_counted_as_an_option_says(
    lab: Lab, file: Path, choice: str, verdict: str, exit_code: int
) -> None:
    # The loopback device has no speed: its file of 4096 bytes opens, and no byte can be read.
    lost = Path("/sys/class/net/lo/speed")
    outcome = run_avtar(lab, "--create", f"--lab-read-failure={choice}", lost, file.parent)
    assert f'Unable to read "{lost}" (code 22: Invalid argument).\n' in outcome.stdout
    assert verdict in outcome.stdout
    assert outcome.exit_code == exit_code
    assert [entry.path for entry in Store(lab.store).find_backup(1).files] == [str(file)]


def test_a_folder_that_cannot_be_read_is_a_warning(lab: Lab, file: Path) -> None:
    process = subprocess.Popen(["true"])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    folder = f"/proc/{process.pid}/net"
    outcome = run_avtar(lab, "--create", folder, file.parent)
    process.wait()
    assert f'Unable to open "{folder}" (code 22: Invalid argument).\n' in outcome.stdout
    assert "Command completed (1 warning, exit code 0: success)" in outcome.stdout


def test_a_pipe_is_passed_over_without_a_word(lab: Lab, file: Path) -> None:
    os.mkfifo(file.with_name("pipe"))
    outcome = run_avtar(lab, "--create", file.parent)
    assert "Command completed (exit code 0: success)" in outcome.stdout
    assert [entry.path for entry in Store(lab.store).find_backup(1).files] == [str(file)]
