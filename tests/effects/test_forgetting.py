"""Deleting what is over: only what is finished, and never without putting down that it was."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest
from effects_kit import PACKAGE_ROOT, begin_run, snapshot_tree

from hlb_hooks.base import clock
from hlb_hooks.base.errors import StateError
from hlb_hooks.effects.found_runs import FoundRun, find_runs, read_horizon
from hlb_hooks.effects.records import Flag, make_record
from hlb_hooks.effects.rehearsed_store import RehearsedStateFolder
from hlb_hooks.effects.run_store import StateFolder

ENDED = make_record(Flag.ENDED)
RUNS = [f"gold-2026112{day}T010000Z-0000000{day}" for day in range(3)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    for name in RUNS:
        begin_run(folder, ENDED, run=name)
    return folder


def find(folder: Path) -> list[FoundRun]:
    return list(find_runs(str(folder)).runs)


def test_a_finished_run_is_deleted_and_how_far_back_the_memory_goes_is_known(folder: Path) -> None:
    assert find_runs(str(folder)).forgotten_until is None
    first, *others = find(folder)
    assert StateFolder(str(folder)).forget(first)
    assert [entry.name for entry in find(folder)] == [entry.name for entry in others]
    assert find_runs(str(folder)).forgotten_until == first.digest.latest


def test_the_horizon_never_comes_nearer_again(folder: Path) -> None:
    horizon = folder / "forgotten-until"
    horizon.write_text("2090-01-01T00:00:00Z\n")
    assert StateFolder(str(folder)).forget(find(folder)[0])
    assert horizon.read_text() == "2090-01-01T00:00:00Z\n"


@pytest.mark.parametrize("content", [b"", b"yesterday", b"\xff"])
def test_a_horizon_that_cannot_be_read_counts_as_now(folder: Path, content: bytes) -> None:
    before = clock.read_utc_now()
    (folder / "forgotten-until").write_bytes(content)
    read = read_horizon(str(folder))
    assert read is not None
    assert before <= read <= clock.read_utc_now()


def test_a_run_that_is_not_finished_any_more_is_kept(folder: Path) -> None:
    first = find(folder)[0]
    Path(first.path).unlink()
    begin_run(folder, run=first.name)
    assert not StateFolder(str(folder)).forget(first)
    assert Path(first.path).exists()
    assert read_horizon(str(folder)) is None


def test_a_run_that_somebody_is_at_work_on_is_kept(folder: Path) -> None:
    first = find(folder)[0]
    with open(first.path, "rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert not StateFolder(str(folder)).forget(first)
    assert StateFolder(str(folder)).forget(first)


def test_without_the_horizon_on_disk_nothing_is_deleted(folder: Path) -> None:
    (folder / "forgotten-until.new").mkdir()
    first = find(folder)[0]
    with pytest.raises(StateError, match="cannot be deleted") as caught:
        StateFolder(str(folder)).forget(first)
    assert "[run] keep_days" in caught.value.next_step
    assert Path(first.path).exists()


def test_killed_before_the_deletion_the_horizon_is_there_already(folder: Path) -> None:
    program = (
        "import os, sys\n"
        "from hlb_hooks.effects.run_store import StateFolder\n"
        "os.unlink = lambda path: os._exit(9)\n"
        "store = StateFolder(sys.argv[1])\n"
        "store.forget(store.find_runs().runs[0])\n"
    )
    environment = {"PYTHONPATH": str(PACKAGE_ROOT)}
    done = subprocess.run([sys.executable, "-c", program, folder], env=environment, check=False)
    assert done.returncode == 9
    assert len(find(folder)) == len(RUNS)
    assert read_horizon(str(folder)) is not None


def test_one_tidies_up_at_a_time_and_nobody_waits(folder: Path) -> None:
    first, second = StateFolder(str(folder)), StateFolder(str(folder))
    with first.tidying() as is_ours:
        assert is_ours
        with second.tidying() as is_others:
            assert not is_others
        # A start hook is not held up by it.
        with second.beginning(0):
            pass
    with second.tidying() as is_ours:
        assert is_ours


def test_a_rehearsal_tidies_nothing_up(folder: Path) -> None:
    store = RehearsedStateFolder(str(folder))
    before = snapshot_tree(folder)
    with store.tidying() as is_ours:
        assert is_ours
        assert store.forget(find(folder)[0])
        store.save_index(find(folder))
    assert snapshot_tree(folder) == before


def test_a_file_that_is_deleted_while_the_folder_is_listed_is_no_damage(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = sorted(os.listdir(folder))
    (folder / f"{RUNS[1]}.state").unlink()
    monkeypatch.setattr(os, "listdir", lambda _folder: names)
    found = find_runs(str(folder))
    assert [entry.name for entry in found.runs] == [RUNS[0], RUNS[2]]
    assert found.errors == ()
