"""The index only saves reading: it may be lost, cut, old or a lie about files that have changed."""

import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from effects_kit import VMX, begin_run, snapshot_tree
from hypothesis import given
from hypothesis import strategies as st

from hlb_hooks.base import clock
from hlb_hooks.base.errors import StateError
from hlb_hooks.effects import found_runs
from hlb_hooks.effects.found_runs import FoundRun, find_runs
from hlb_hooks.effects.owner import LeaseOwner
from hlb_hooks.effects.records import Flag, Reading, make_record
from hlb_hooks.effects.run_digest import RunDigest, VmIdentity
from hlb_hooks.effects.run_index import IndexEntry, Stamp, read_index, write_index
from hlb_hooks.effects.run_store import StateFolder

ENDED = make_record(Flag.ENDED)
FIRST = "gold-20261122T010000Z-00000001"
SECOND = "gold-20261123T010000Z-00000002"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a state folder with a run that is finished and one that is not."""
    folder = tmp_path / "state"
    chosen = make_record(Flag.CHOSEN, VMX, name="web", uuid="56 4d")
    ready = [make_record(Flag.READABLE, VMX), make_record(Flag.OK_READ, VMX)]
    begin_run(folder, chosen, *ready, ENDED, run=FIRST)
    begin_run(folder, chosen, run=SECOND)
    return folder


def index(folder: Path) -> None:
    StateFolder(str(folder)).save_index(find_runs(str(folder)).runs)


def tell(folder: Path) -> list[tuple[str, bool, RunDigest]]:
    return [(each.name, each.is_ended, each.digest) for each in find_runs(str(folder)).runs]


def test_what_is_found_is_the_same_with_the_index_and_without(folder: Path) -> None:
    before = tell(folder)
    assert [(name, is_ended) for name, is_ended, _ in before] == [(FIRST, True), (SECOND, False)]
    assert before[0][2].read == (VmIdentity(VMX, "56 4d"),)
    index(folder)
    assert tell(folder) == before
    assert list(read_index(str(folder))) == [f"{FIRST}.state"]
    (folder / "finished.index").unlink()
    assert tell(folder) == before


def test_a_finished_run_that_the_index_knows_is_not_read_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(folder)
    read: list[str] = []
    real = found_runs.read_state_file

    def note(path: str) -> Reading:
        read.append(path)
        return real(path)

    monkeypatch.setattr(found_runs, "read_state_file", note)
    tell(folder)
    assert read == [str(folder / f"{SECOND}.state")]


def test_looking_changes_nothing(folder: Path) -> None:
    index(folder)
    before = snapshot_tree(folder)
    tell(folder)
    assert snapshot_tree(folder) == before


def test_a_state_file_that_has_changed_is_read_again(folder: Path) -> None:
    index(folder)
    path = folder / f"{FIRST}.state"
    begin_run(folder, ENDED, run="other-20261122T010000Z-00000003", job="other")
    replaced = (folder / "other-20261122T010000Z-00000003.state").read_bytes()
    path.write_bytes(replaced)
    (found,) = [each for each in find_runs(str(folder)).runs if each.path == str(path)]
    assert found.job == "other"
    path.write_bytes(replaced.replace(b"OWNER", b"OWNED"))
    assert [FIRST in error.message for error in find_runs(str(folder)).errors] == [True]


def test_a_file_with_another_inode_of_the_same_size_and_time_is_read_again(folder: Path) -> None:
    index(folder)
    path = folder / f"{FIRST}.state"
    content, status = path.read_bytes(), path.stat()
    path.unlink()
    path.write_bytes(content.replace(b"OWNER", b"OWNED"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert len(find_runs(str(folder)).errors) == 1


def test_a_finished_run_that_is_deleted_by_hand_is_gone(folder: Path) -> None:
    index(folder)
    (folder / f"{FIRST}.state").unlink()
    assert [name for name, _, _ in tell(folder)] == [SECOND]


def test_a_finished_run_is_read_in_full_when_that_is_asked(folder: Path) -> None:
    index(folder)
    found = find_runs(str(folder)).runs[0]
    assert found.run.vms[VMX].name == "web"
    (folder / f"{FIRST}.state").unlink()
    assert found.run.vms[VMX].name == "web"  # once read it is there
    gone = FoundRun(found.path, None, found.entry)
    with pytest.raises(StateError, match="cannot be read"):
        _ = gone.run


@given(st.data())
def test_an_index_that_is_damaged_anywhere_is_none(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("index")
    write_index(str(folder), [entry_of(FIRST, [VmIdentity(VMX, "u")])])
    path = folder / "finished.index"
    content = path.read_bytes()
    assert len(read_index(str(folder))) == 1
    where = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        path.write_bytes(content[:where])
    else:
        bit = 1 << data.draw(st.integers(0, 7))
        path.write_bytes(content[:where] + bytes([content[where] ^ bit]) + content[where + 1 :])
    assert read_index(str(folder)) == {}


@pytest.mark.parametrize("kind", ["folder", "pipe", "another version", "garbage"])
def test_what_is_no_index_is_none(folder: Path, kind: str) -> None:
    path = folder / "finished.index"
    index(folder)
    content = path.read_bytes()
    path.unlink()
    match kind:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "another version":
            path.write_bytes(content.replace(b"HLB-INDEX\t3", b"HLB-INDEX\t9"))
        case _:
            path.write_bytes(b"\xff\xfe\nnot ours")
    assert read_index(str(folder)) == {}
    assert [name for name, _, _ in tell(folder)] == [FIRST, SECOND]


NAMES = st.text(st.characters(exclude_categories=[])).map("/".__add__)
VMS = st.lists(st.builds(VmIdentity, NAMES, st.text()), max_size=5)


def entry_of(name: str, read: list[VmIdentity], unread: Sequence[VmIdentity] = ()) -> IndexEntry:
    now = clock.read_utc_now()
    digest = RunDigest(
        name=name,
        job="gold",
        host="esx1",
        begun=now,
        latest=now + timedelta(hours=1),
        owner=LeaseOwner(now, 1.0, "boot"),
        config_path="/etc/hlb.toml",
        is_handed_over=True,
        is_night=True,
        read=tuple(read),
        unread=tuple(unread),
        failed=tuple(unread),
        not_due=tuple(read),
        held=tuple(unread),
        names=tuple((vm.vmx, vm.uuid) for vm in unread),
        opened=tuple(vm.vmx for vm in read),
        unseen=tuple((vm.vmx, "HLB-x") for vm in unread),
        closed="0123abcd",
    )
    return IndexEntry(f"{name}.state", Stamp(1, 2, 3, 4), digest)


@given(st.lists(st.tuples(VMS, VMS), max_size=4))
def test_whatever_a_host_calls_its_vms_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, runs: list[tuple[list[VmIdentity], list[VmIdentity]]]
) -> None:
    folder = str(tmp_path_factory.mktemp("index"))
    entries = [entry_of(f"run{number}", *vms) for number, vms in enumerate(runs)]
    write_index(folder, entries)
    assert list(read_index(folder).values()) == entries


def test_an_index_that_says_it_already_is_not_written_again(folder: Path) -> None:
    index(folder)
    before = snapshot_tree(folder)
    (folder / "finished.index.new").mkdir()  # nothing could be
    index(folder)
    (folder / "finished.index.new").rmdir()
    assert snapshot_tree(folder) == before


def test_a_folder_that_takes_no_index_keeps_the_old_one(folder: Path) -> None:
    index(folder)
    before = read_index(str(folder))
    begin_run(folder, ENDED, run="gold-20261124T010000Z-00000003")
    (folder / "finished.index.new").mkdir()
    with pytest.raises(StateError, match=r"finished\.index: cannot be written"):
        index(folder)
    assert read_index(str(folder)) == before


def test_a_record_of_a_run_that_goes_on_is_not_missed(folder: Path) -> None:
    index(folder)
    store = StateFolder(str(folder))
    found = find_runs(str(folder)).runs[1]
    journal = store.take_over(found, 0)
    journal.note(Flag.ENDED)
    journal.close()
    assert [is_ended for _, is_ended, _ in tell(folder)] == [True, True]
