"""A file is the old one or the new one, and never a part of either."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from effects_kit import PACKAGE_ROOT

from hlb_hooks.effects.replaced_files import replace_file

DIE = (
    "import os, sys\n"
    "from hlb_hooks.effects.replaced_files import replace_file\n"
    "setattr(os, sys.argv[2], lambda *_words: os._exit(9))\n"
    "replace_file(sys.argv[1], b'new' * 100_000)\n"
)


def test_a_file_is_made_and_replaced_for_us_alone(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for data in (b"", b"first", b"second, longer", b"3rd"):
        replace_file(str(path), data)
        assert path.read_bytes() == data
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("last_call", ["fsync", "replace"])
def test_killed_on_the_way_the_old_one_is_whole_and_the_next_writer_goes_on(
    tmp_path: Path, last_call: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    environment = {"PYTHONPATH": str(PACKAGE_ROOT)}
    command = [sys.executable, "-c", DIE, str(path), last_call]
    assert subprocess.run(command, env=environment, check=False).returncode == 9
    assert path.read_bytes() == b"old"
    replace_file(str(path), b"newer")
    assert path.read_bytes() == b"newer"
    assert os.listdir(tmp_path) == ["file"]


def test_on_a_full_disk_the_old_one_stays_and_nothing_lies_about(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    program = (
        "import resource, signal, sys\n"
        "from hlb_hooks.effects.replaced_files import replace_file\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n    replace_file(sys.argv[1], b'new' * 1000)\n"
        "except OSError as error:\n    print(error.errno)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        env={"PYTHONPATH": str(PACKAGE_ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "27"
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]
