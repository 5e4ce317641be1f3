"""Two ways to put something down: one that must be on disk, one that never stands in the way."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from effects_kit import RUN, VMX, make_head, snapshot_tree

from hlb_hooks.base.errors import StateError
from hlb_hooks.effects.journal import Journal, MemoryJournal, WrittenJournal
from hlb_hooks.effects.records import Flag, make_record
from hlb_hooks.effects.run_story import Run, tell_run
from hlb_hooks.effects.state_file import StateFile, read_state_file

INTENT = make_record(Flag.INTENT_SNAP, VMX, snapshot="HLB-1", disks="[]")


def make_run(path: str) -> Run:
    run = tell_run(make_head(), path)
    assert run is not None
    return run


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "gold.state")


@pytest.fixture
def journal(path: str) -> Iterator[Journal]:
    journal = WrittenJournal(make_run(path), StateFile.create(path, make_head()))
    yield journal
    journal.close()


@pytest.fixture
def full_journal(path: str) -> Iterator[Journal]:
    """Give a journal whose disk takes nothing any more."""
    StateFile.create(path, make_head()).close()
    descriptor = os.open(path, os.O_RDONLY)
    journal = WrittenJournal(make_run(path), StateFile(path, descriptor, is_writable=False))
    yield journal
    journal.close()


def test_a_record_is_on_disk_and_in_the_story(path: str, journal: Journal) -> None:
    journal.record(INTENT)
    assert read_state_file(path).records[-1] == INTENT
    assert list(journal.run.vms[VMX].attempts) == ["HLB-1"]


def test_a_note_is_on_disk_and_in_the_story(path: str, journal: Journal) -> None:
    journal.note(Flag.OK_SNAP, VMX, snapshot="HLB-1", level="")
    last = read_state_file(path).records[-1]
    assert (last.flag, last.vmx, last.details) == (Flag.OK_SNAP, VMX, {"snapshot": "HLB-1"})
    assert Flag.OK_SNAP in journal.run.vms[VMX].flags
    assert journal.unwritten == []


def test_a_record_that_is_not_on_disk_is_an_error_and_did_not_happen(full_journal: Journal) -> None:
    with pytest.raises(StateError, match="cannot be written"):
        full_journal.record(INTENT)
    assert VMX not in full_journal.run.vms


def test_a_note_that_is_not_on_disk_is_kept_and_told(full_journal: Journal) -> None:
    full_journal.note(Flag.ENDED)
    full_journal.note(Flag.OK_UMOUNT, VMX)
    assert full_journal.run.is_ended
    assert Flag.OK_UMOUNT in full_journal.run.vms[VMX].flags
    assert len(full_journal.unwritten) == 2
    assert all(full_journal.path in text for text in full_journal.unwritten)


def test_the_story_in_memory_is_the_story_on_disk(path: str, journal: Journal) -> None:
    journal.record(make_record(Flag.CHOSEN, VMX, name="wro215ts"), INTENT)
    journal.note(Flag.OK_SNAP, VMX, snapshot="HLB-1")
    journal.note(Flag.INTENT_UMOUNT, VMX, snapshot="HLB-1")
    journal.note(Flag.OK_UMOUNT, VMX, snapshot="HLB-1", note="two\nlines")
    journal.note(Flag.ENDED)
    told = tell_run(read_state_file(path).records, path)
    assert told is not None
    assert (told.vms, told.is_ended) == (journal.run.vms, journal.run.is_ended)


def test_many_threads_write_whole_lines(path: str, journal: Journal) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        list(
            pool.map(lambda n: journal.note(Flag.LEFT_OUT, f"/{n}.vmx", note="x" * 5000), range(64))
        )
    reading = read_state_file(path)
    assert not reading.was_interrupted
    assert {record.vmx for record in reading.records[3:]} == {f"/{n}.vmx" for n in range(64)}


def test_a_rehearsal_lives_its_run_in_memory_alone(tmp_path: Path, path: str) -> None:
    before = snapshot_tree(tmp_path)
    journal = MemoryJournal(make_run(path), path)
    journal.record(INTENT)
    journal.note(Flag.OK_SNAP, VMX, snapshot="HLB-1")
    journal.close()
    assert journal.run.vms[VMX].is_open
    assert journal.run.name == RUN
    assert journal.unwritten == []
    assert snapshot_tree(tmp_path) == before


def test_in_a_run_that_has_ended_nothing_is_begun(path: str, journal: Journal) -> None:
    assert journal.end()
    with pytest.raises(StateError, match="the run has ended") as caught:
        journal.record(INTENT)
    assert caught.value.next_step
    assert read_state_file(path).records[-1].flag == Flag.ENDED
    assert journal.run.vms == {}


def test_a_run_with_something_unsettled_does_not_end(path: str, journal: Journal) -> None:
    journal.record(INTENT)
    assert not journal.end()
    assert not journal.run.is_ended
    assert read_state_file(path).records[-1] == INTENT
    journal.note(Flag.OK_UMOUNT, VMX, snapshot="HLB-1")
    assert journal.end()
    assert journal.end()
    assert [record.flag for record in read_state_file(path).records].count(Flag.ENDED) == 1
