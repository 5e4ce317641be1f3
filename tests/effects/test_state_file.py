"""The file of one run on a real disk: locked, appended whole or not at all, and never lost."""

import errno
import os
import random
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from effects_kit import PACKAGE_ROOT, VMX, make_head, read_line, running, tell

from hlb_hooks.base.errors import StateError
from hlb_hooks.effects.records import Flag, encode_record, make_record
from hlb_hooks.effects.state_file import StateFile, read_state_file

NOTE = make_record(Flag.OK_SNAP, VMX, snapshot="HLB-1")


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "gold.state")


@pytest.fixture
def state_file(path: str) -> Iterator[StateFile]:
    opened = StateFile.create(path, make_head())
    yield opened
    opened.close()


def test_a_new_file_is_ours_alone_and_holds_its_head(path: str, state_file: StateFile) -> None:
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    flags = [record.flag for record in state_file.read().records]
    assert flags == [Flag.STATE, Flag.OWNER, Flag.CONFIG]
    assert state_file.is_writable


def test_what_is_appended_is_read_back(path: str, state_file: StateFile) -> None:
    state_file.append([NOTE])
    assert read_state_file(path).records[-1] == NOTE
    assert state_file.read() == read_state_file(path)


def test_a_file_that_is_there_is_never_written_over(path: str, state_file: StateFile) -> None:
    before = Path(path).read_bytes()
    with pytest.raises(StateError, match="File exists"):
        StateFile.create(path, make_head())
    assert Path(path).read_bytes() == before


@pytest.mark.parametrize("name", ["missing/gold.state", "file/gold.state"])
def test_a_folder_that_takes_no_file_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateError, match="cannot be written") as caught:
        StateFile.create(str(tmp_path / name), make_head())
    assert name in caught.value.message


def test_appending_costs_the_same_whatever_is_there(path: str, state_file: StateFile) -> None:
    state_file.append([NOTE] * 10_000)
    size = os.stat(path).st_size
    state_file.append([NOTE])
    assert os.stat(path).st_size - size == len(encode_record(NOTE))


def test_only_one_holder_acts_for_a_run(path: str, state_file: StateFile) -> None:
    other = StateFile.open(path)
    with pytest.raises(BlockingIOError):
        other.lock_or_raise()
    state_file.unlock()
    other.lock_or_raise()
    with pytest.raises(BlockingIOError):
        state_file.lock_or_raise()
    other.close()
    state_file.lock_or_raise()


HOLD = (
    "import sys\nfrom hlb_hooks.effects.state_file import StateFile\n"
    "held = StateFile.open(sys.argv[1]); held.lock_or_raise(); print('held', flush=True)\n"
    "sys.stdin.readline()\n"
)


def test_the_lock_of_a_killed_process_is_free(path: str) -> None:
    StateFile.create(path, make_head()).close()
    mine = StateFile.open(path)
    with running(HOLD, path) as other:
        with pytest.raises(BlockingIOError):
            mine.lock_or_raise()
        other.kill()
        other.wait()
        mine.lock_or_raise()
    mine.close()


def test_a_file_on_a_read_only_folder_can_still_be_locked_and_read(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    path = str(folder / "gold.state")
    StateFile.create(path, make_head()).close()
    program = (
        "import subprocess, sys\n"
        "from hlb_hooks.effects.state_file import StateFile\n"
        "from hlb_hooks.base.errors import StateError\n"
        "from hlb_hooks.effects.records import Flag, make_record\n"
        "folder, path = sys.argv[1:]\n"
        "for words in (['--bind', folder, folder], ['-o', 'remount,bind,ro', folder]):\n"
        "    subprocess.run(['mount', *words], check=True)\n"
        "state = StateFile.open(path); state.lock_or_raise()\n"
        "print(state.is_writable, len(state.read().records))\n"
        "try:\n    state.append([make_record(Flag.ENDED)])\n"
        "except StateError as error:\n    print(error.message)\n"
        "print(len(state.read().records))\n"
    )
    done = subprocess.run(
        ["unshare", "-m", sys.executable, "-c", program, str(folder), path],
        capture_output=True,
        env={"PYTHONPATH": str(PACKAGE_ROOT), "PATH": os.environ["PATH"]},
        check=False,
    )
    if b"Operation not permitted" in done.stderr or b"permission denied" in done.stderr.lower():
        pytest.skip("mounting takes root")
    lines = done.stdout.decode().splitlines()
    assert lines[0] == "False 3", done.stderr
    assert lines[1] == f"{path}: cannot be written: Read-only file system"
    assert lines[2] == "3"


FILL = (
    "import sys\nfrom hlb_hooks.effects.state_file import StateFile\n"
    "from hlb_hooks.base.errors import StateError\n"
    "from hlb_hooks.effects.records import Flag, make_record\n"
    "state = StateFile.open(sys.argv[1]); state.lock_or_raise()\n"
    "written = 0\n"
    "try:\n"
    "    while True:\n"
    "        state.append([make_record(Flag.OK_SNAP, '/vm.vmx', note=f'{written:0300d}')])\n"
    "        written += 1\n"
    "except StateError as error:\n    print(written, error.message)\n"
)


def test_a_full_disk_takes_a_record_whole_or_not_at_all(path: str) -> None:
    StateFile.create(path, make_head()).close()

    def limit_files() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    done = subprocess.run(
        [sys.executable, "-c", FILL, path],
        capture_output=True,
        preexec_fn=limit_files,
        env={"PYTHONPATH": str(PACKAGE_ROOT)},
        check=True,
    )
    written, _, message = done.stdout.decode().partition(" ")
    assert path in message
    reading = read_state_file(path)
    assert not reading.was_interrupted
    assert len(reading.records) == 3 + int(written)
    assert 40 < int(written) < 100
    # With room again it goes on behind a whole line.
    state = StateFile.open(path)
    state.append([NOTE])
    state.close()
    assert read_state_file(path).records[-1] == NOTE


def test_a_full_disk_lets_no_run_begin_and_leaves_no_rest(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting takes root")
    try:
        note = make_record(Flag.PRESENT, VMX, note="x" * 10_000)
        with pytest.raises(StateError, match="No space left on device"):
            StateFile.create(str(folder / "gold.state"), [*make_head(), note])
        assert os.listdir(folder) == []
    finally:
        subprocess.run(["umount", str(folder)], check=True)


WRITE = (
    "import sys\nfrom hlb_hooks.effects.state_file import StateFile\n"
    "from hlb_hooks.effects.records import Flag, make_record\n"
    "state = StateFile.open(sys.argv[1]); state.lock_or_raise()\n"
    "reading = state.read(); state.drop_interrupted_write(reading)\n"
    "print('begun', flush=True); number = len(reading.records) - 3\n"
    "while True:\n"
    "    state.append([make_record(Flag.OK_SNAP, f'/vm{number}.vmx', note='x' * 3000)])\n"
    "    number += 1\n"
)


def test_a_writer_killed_at_any_instant_leaves_whole_records(path: str) -> None:
    StateFile.create(path, make_head()).close()
    chance = random.Random(20261122)
    for _ in range(8):
        with running(WRITE, path) as writer:
            grown = os.stat(path).st_size + chance.randrange(1, 60_000)
            while os.stat(path).st_size < grown:
                assert writer.poll() is None
            writer.kill()
        names = [record.vmx for record in read_state_file(path).records[3:]]
        assert names == [f"/vm{number}.vmx" for number in range(len(names))]


def test_a_reader_beside_a_writer_never_sees_damage(path: str) -> None:
    StateFile.create(path, make_head()).close()
    with running(WRITE, path) as writer:
        counts = [len(read_state_file(path).records) for _ in range(50)]
        assert writer.poll() is None
    assert counts == sorted(counts)


def test_an_interrupted_write_is_cut_off_before_the_next(path: str) -> None:
    StateFile.create(path, make_head()).close()
    with open(path, "ab") as file:
        file.write(encode_record(NOTE)[:-9])
    state = StateFile.open(path)
    reading = state.read()
    assert reading.was_interrupted
    state.drop_interrupted_write(reading)
    state.append([NOTE])
    state.close()
    assert read_state_file(path).records[3:] == (NOTE,)


def test_nothing_is_cut_off_a_whole_file(path: str, state_file: StateFile) -> None:
    before = Path(path).read_bytes()
    state_file.drop_interrupted_write(state_file.read())
    assert Path(path).read_bytes() == before


def test_a_missing_file_is_an_error_not_an_empty_run(tmp_path: Path) -> None:
    for read in (read_state_file, StateFile.open):
        with pytest.raises(StateError, match="cannot be read: No such file"):
            read(str(tmp_path / "gone.state"))


def test_a_folder_in_a_file_s_place_is_an_error(tmp_path: Path) -> None:
    for read in (read_state_file, StateFile.open):
        with pytest.raises(StateError, match="Is a directory"):
            read(str(tmp_path))


def test_a_file_nobody_of_ours_wrote_is_not_read_into_memory(path: str) -> None:
    with open(path, "wb") as file:
        file.truncate(257 * 1024 * 1024)
    with pytest.raises(StateError, match="too many for a state file"):
        read_state_file(path)


def test_a_lock_is_taken_over_when_the_holder_lets_go(path: str) -> None:
    StateFile.create(path, make_head()).close()
    mine = StateFile.open(path)
    with running(HOLD, path) as other:
        tell(other)
        other.wait()
        mine.lock_or_raise()
    mine.close()


def test_two_creators_of_one_name_get_one_file(path: str) -> None:
    program = (
        "import sys\nfrom effects_kit import make_head\n"
        "from hlb_hooks.effects.state_file import StateFile\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "try:\n    StateFile.create(sys.argv[1], make_head()); print('made', flush=True)\n"
        "except Exception as error:\n    print(type(error).__name__, flush=True)\n"
        "sys.stdin.readline()\n"
    )
    program = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n{program}"
    with running(program, path) as first, running(program, path) as second:
        tell(first)
        tell(second)
        assert sorted([read_line(first), read_line(second)]) == ["StateError", "made"]


def test_half_a_line_that_could_not_be_taken_back_is_cut_before_the_next(
    path: str, state_file: StateFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that takes neither the rest of a line nor the cutting: no real one is at hand."""
    write, cut = os.write, os.ftruncate
    with monkeypatch.context() as broken:

        def write_half(descriptor: int, data: bytes) -> int:
            write(descriptor, data[: len(data) // 2])
            raise OSError(errno.EIO, "Input/output error")

        def cut_nothing(_descriptor: int, _length: int) -> None:
            raise OSError(errno.EIO, "Input/output error")

        broken.setattr(os, "write", write_half)
        broken.setattr(os, "ftruncate", cut_nothing)
        for _ in range(2):
            with pytest.raises(StateError, match="cannot be written"):
                state_file.append([NOTE])
    assert os.ftruncate is cut
    state_file.append([NOTE])
    assert not read_state_file(path).was_interrupted
    assert read_state_file(path).records[-1] == NOTE
    assert len(read_state_file(path).records) == len(make_head()) + 1
