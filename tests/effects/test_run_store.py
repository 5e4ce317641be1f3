"""The state folder: who may have it, what is found in it, and who acts for a run."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from effects_kit import (
    PACKAGE_ROOT,
    RUN,
    VMX,
    begin_run,
    make_head,
    read_line,
    running,
    snapshot_tree,
    tell,
)

from hlb_hooks.base.errors import ConfigurationError, HlbError, NotNowError, StateError
from hlb_hooks.effects.found_runs import find_runs
from hlb_hooks.effects.records import Flag, encode_record, make_record
from hlb_hooks.effects.rehearsed_store import RehearsedStateFolder
from hlb_hooks.effects.run_store import RunStore, StateFolder, state_path
from hlb_hooks.effects.state_file import read_state_file

KIT = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"


def both(folder: Path) -> list[RunStore]:
    return [StateFolder(str(folder)), RehearsedStateFolder(str(folder))]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    return folder


def test_a_missing_folder_holds_no_run(tmp_path: Path) -> None:
    for store in both(tmp_path / "var" / "hlb"):
        found = store.find_runs()
        assert (found.runs, found.errors) == ((), ())
    assert os.listdir(tmp_path) == []


def test_runs_are_found_with_their_files_oldest_name_first(folder: Path) -> None:
    names = ["b-20261122T010000Z-00000000", "a-20261122T010000Z-00000000"]
    for name in names:
        begin_run(folder, run=name)
    for store in both(folder):
        found = store.find_runs()
        assert [entry.run.name for entry in found.runs] == sorted(names)
        assert [entry.path for entry in found.runs] == [
            state_path(str(folder), name) for name in sorted(names)
        ]


def test_a_damaged_file_stands_beside_the_good_ones(folder: Path) -> None:
    begin_run(folder, run="good-20261122T010000Z-00000000")
    damaged = Path(begin_run(folder, make_record(Flag.ENDED), run="bad-20261122T010000Z-00000000"))
    content = damaged.read_bytes()
    damaged.write_bytes(content.replace(b"OWNER", b"OWNED"))
    newer = folder / "newer.state"
    newer.write_bytes(b"".join(map(encode_record, make_head(version="2"))))
    (folder / "garbage.state").write_bytes(b"\xff\xfe\nnot ours\n")
    (folder / "folder.state").mkdir()
    before = snapshot_tree(folder)
    for store in both(folder):
        found = store.find_runs()
        assert [entry.run.name for entry in found.runs] == ["good-20261122T010000Z-00000000"]
        texts = [error.message for error in found.errors]
        assert len(texts) == 4
        for name in (damaged.name, "newer.state", "garbage.state", "folder.state"):
            assert sum(name in text for text in texts) == 1
    assert snapshot_tree(folder) == before


def test_a_run_that_was_killed_in_its_head_is_none(folder: Path) -> None:
    whole = b"".join(map(encode_record, make_head()))
    for length in range(len(whole)):
        (folder / "gold.state").write_bytes(whole[:length])
        found = find_runs(str(folder))
        assert (found.runs, found.errors) == ((), ())


def test_another_file_in_the_folder_is_nothing_to_us(folder: Path) -> None:
    (folder / "begin.lock").touch()
    (folder / "gold.state~").write_text("x")
    (folder / "hlb.log").write_text("{}")
    found = find_runs(str(folder))
    assert (found.runs, found.errors) == ((), ())


def test_the_folder_of_a_first_run_is_made_for_us_alone(tmp_path: Path) -> None:
    path = begin_run(tmp_path / "var" / "hlb")
    assert stat.S_IMODE((tmp_path / "var" / "hlb").stat().st_mode) == 0o700
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def begin_in(store: RunStore) -> None:
    with store.beginning(30):
        store.find_runs()
        store.begin(RUN, make_head()).close()


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777, 0o1777, 0o722])
def test_a_folder_that_others_may_write_is_refused(folder: Path, mode: int) -> None:
    folder.chmod(mode)
    before = snapshot_tree(folder.parent)
    for store in both(folder):
        for act in (store.find_runs, lambda: begin_in(store)):  # noqa: B023  called at once
            with pytest.raises(ConfigurationError, match="may be written by others") as caught:
                act()
            assert "chmod 700" in caught.value.next_step
    assert snapshot_tree(folder.parent) == before


@pytest.mark.parametrize("mode", [0o700, 0o750, 0o755])
def test_a_folder_that_others_may_only_look_into_is_good(folder: Path, mode: int) -> None:
    folder.chmod(mode)
    for store in both(folder):
        begin_in(store)


def test_a_folder_of_somebody_else_is_refused(folder: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("giving a folder away takes root")
    os.chown(folder, 12345, 12345)
    for store in both(folder):
        with pytest.raises(ConfigurationError, match="may be written by others"):
            begin_in(store)


def make_file(tmp_path: Path) -> Path:
    (tmp_path / "file").write_text("x")
    return tmp_path / "file"


def make_below_file(tmp_path: Path) -> Path:
    return make_file(tmp_path) / "state"


@pytest.mark.parametrize("make_place", [make_file, make_below_file])
def test_a_rehearsal_meets_the_trouble_of_the_real_thing(
    tmp_path: Path, make_place: Callable[[Path], Path]
) -> None:
    place = make_place(tmp_path)
    before = snapshot_tree(tmp_path)
    met: list[HlbError] = []
    for store in both(place):
        with pytest.raises(HlbError) as caught:
            begin_in(store)
        met.append(caught.value)
    assert met[0].exit_code == met[1].exit_code
    assert met[0].message == met[1].message
    assert all(str(place) in error.message and error.next_step for error in met)
    assert snapshot_tree(tmp_path) == before


READ_ONLY = (
    KIT + "import subprocess\n"
    "from effects_kit import make_head\n"
    "from hlb_hooks.base.errors import HlbError\n"
    "from hlb_hooks.effects.rehearsed_store import RehearsedStateFolder\n"
    "from hlb_hooks.effects.run_store import StateFolder\n"
    "outer = sys.argv[1]\n"
    "for words in (['--bind', outer, outer], ['-o', 'remount,bind,ro', outer]):\n"
    "    subprocess.run(['mount', *words], check=True)\n"
    "for folder in (outer, outer + '/var/hlb'):\n"
    "    for kind in (StateFolder, RehearsedStateFolder):\n"
    "        try:\n"
    "            with kind(folder).beginning(30):\n                print('began')\n"
    "        except HlbError as error:\n"
    "            print(int(error.exit_code), 'cannot be written' in error.message)\n"
)


def test_a_rehearsal_sees_that_the_folder_is_read_only(folder: Path) -> None:
    done = subprocess.run(
        ["unshare", "-m", sys.executable, "-c", READ_ONLY, str(folder)],
        capture_output=True,
        env={"PYTHONPATH": str(PACKAGE_ROOT), "PATH": os.environ["PATH"]},
        check=False,
    )
    if b"ermi" in done.stderr:
        pytest.skip("mounting takes root")
    assert done.stdout.decode().splitlines() == ["1 True"] * 4


def test_a_file_in_the_folder_s_place_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is not a folder"):
        begin_in(StateFolder(str(make_file(tmp_path))))


def test_a_rehearsal_begins_and_takes_over_without_a_trace(folder: Path) -> None:
    begin_run(folder)
    before = snapshot_tree(folder)
    store = RehearsedStateFolder(str(folder))
    with store.beginning(30):
        journal = store.begin("dry-run", make_head(run="dry-run"))
        journal.note(Flag.ENDED)
    [found] = store.find_runs().runs
    other = store.take_over(found, 0)
    other.note(Flag.ENDED)
    assert (journal.run.is_ended, other.run.is_ended) == (True, True)
    assert snapshot_tree(folder) == before


def test_a_run_begins_with_its_head(folder: Path) -> None:
    for store in both(folder):
        with pytest.raises(AssertionError, match="its head"):
            store.begin(RUN, make_head()[:2])
    assert os.listdir(folder) == []


def test_a_run_s_name_is_given_once(folder: Path) -> None:
    begin_run(folder)
    with pytest.raises(StateError, match="File exists"):
        begin_run(folder)


BEGIN = (
    KIT + "from hlb_hooks.effects.run_store import StateFolder\n"
    "store = StateFolder(sys.argv[1])\n"
    "with store.beginning(30):\n"
    "    print('inside', flush=True)\n"
    "    sys.stdin.readline()\n"
    "print('outside', flush=True); sys.stdin.readline()\n"
)


def test_two_start_hooks_begin_one_after_the_other(folder: Path) -> None:
    with running(BEGIN, str(folder)) as first:
        waiter = (
            KIT + "from hlb_hooks.effects.run_store import StateFolder\n"
            "print('waiting', flush=True)\n"
            "with StateFolder(sys.argv[1]).beginning(30):\n    print('inside', flush=True)\n"
        )
        with running(waiter, str(folder)) as second:
            assert second.poll() is None
            tell(first)
            assert read_line(first) == "outside"
            assert read_line(second) == "inside"


def test_a_start_hook_that_hangs_is_told_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter(range(0, 10_000, 7))
    monkeypatch.setattr(
        "hlb_hooks.base.clock.read_seconds_since_boot", lambda: float(next(seconds))
    )
    monkeypatch.setattr("hlb_hooks.base.clock.sleep_seconds", lambda _seconds: None)
    with (
        running(BEGIN, str(folder)),
        pytest.raises(
            NotNowError,
            match=r"another start hook .* \(waited 30 s, \[run\] lock_timeout_seconds\)",
        ),
    ):
        begin_in(StateFolder(str(folder)))
    assert [name for name in os.listdir(folder) if name.endswith(".state")] == []


def test_the_begin_lock_of_a_killed_hook_is_free(folder: Path) -> None:
    with running(BEGIN, str(folder)) as first:
        first.kill()
        first.wait()
        begin_in(StateFolder(str(folder)))


TAKE = (
    KIT + "from hlb_hooks.effects.run_store import StateFolder\n"
    "from hlb_hooks.effects.records import Flag\n"
    "store = StateFolder(sys.argv[1]); [found] = store.find_runs().runs\n"
    "journal = store.take_over(found, 0); print('mine', flush=True)\n"
    "sys.stdin.readline(); journal.note(Flag.HANDED_OVER); journal.close()\n"
)


def test_a_run_in_other_hands_is_waited_for_no_longer_than_said(folder: Path) -> None:
    begin_run(folder)
    store = StateFolder(str(folder))
    [found] = store.find_runs().runs
    with running(TAKE, str(folder)):
        for limit in (0.0, 0.3):
            with pytest.raises(NotNowError, match=f"run {RUN} .* \\(waited {limit:g} s, "):
                store.take_over(found, limit)


def test_a_run_taken_over_has_what_was_written_meanwhile(folder: Path) -> None:
    begin_run(folder)
    store = StateFolder(str(folder))
    [found] = store.find_runs().runs
    with running(TAKE, str(folder)) as other:
        tell(other)
        journal = store.take_over(found, 30)
    assert not found.run.is_handed_over
    assert journal.run.is_handed_over
    journal.close()


def test_an_interrupted_write_does_not_stand_in_the_way_of_the_next(folder: Path) -> None:
    path = begin_run(folder)
    note = encode_record(make_record(Flag.CHOSEN, VMX, name="wro215ts"))
    with open(path, "ab") as file:
        file.write(note[:-5])
    store = StateFolder(str(folder))
    [found] = store.find_runs().runs
    journal = store.take_over(found, 0)
    journal.note(Flag.ENDED)
    journal.close()
    reading = read_state_file(path)
    assert not reading.was_interrupted
    assert [record.flag for record in reading.records[3:]] == [Flag.ENDED]


def test_a_run_damaged_meanwhile_is_not_taken_over_and_not_held(folder: Path) -> None:
    path = begin_run(folder, make_record(Flag.STARTED))
    store = StateFolder(str(folder))
    [found] = store.find_runs().runs
    Path(path).write_bytes(Path(path).read_bytes().replace(b"OWNER", b"OWNED"))
    before = Path(path).read_bytes()
    for _ in range(2):
        with pytest.raises(StateError, match="line 2 is damaged"):
            store.take_over(found, 0)
    assert Path(path).read_bytes() == before


def test_the_package_is_found_by_the_other_processes() -> None:
    assert (PACKAGE_ROOT / "hlb_hooks").is_dir()
