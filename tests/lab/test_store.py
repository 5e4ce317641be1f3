import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hlb_hooks.base.errors import HlbError, UsageError
from hlb_hooks.lab.client.store import Backup, Store, StoredFile, hash_file, select_files

ODD_PATH = os.fsdecode(b"/vmfs/two\nlines/za\xff.vmdk")


def add_file(store: Store, path: str, content: bytes) -> StoredFile:
    sha256, size_bytes, _ = store.add_content([content])
    return StoredFile(path, size_bytes, 0o640, 1_255_000_000_123_456_789, sha256=sha256)


def test_a_file_comes_back_with_content_mode_and_time(tmp_path: Path) -> None:
    store = Store(tmp_path)
    file = add_file(store, "/x", b"content" * 400_000)
    store.restore_content(file, tmp_path / "x")
    status = (tmp_path / "x").stat()
    assert (tmp_path / "x").read_bytes() == b"content" * 400_000
    assert (status.st_mode & 0o7777, status.st_mtime_ns) == (0o640, file.mtime_ns)


def test_the_same_content_is_kept_once(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.add_content([b"a"])[2]
    assert not store.add_content([b"a"])[2]
    assert len(list((tmp_path / "contents").iterdir())) == 1


def test_a_source_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> Iterator[bytes]:
        yield b"half"
        raise OSError(errno.EIO, "lost")

    store = Store(tmp_path)
    with pytest.raises(OSError, match="lost"):
        store.add_content(fail())
    assert list((tmp_path / "contents").iterdir()) == []


def test_backups_are_numbered_and_paths_of_any_bytes_survive(tmp_path: Path) -> None:
    store = Store(tmp_path)
    files = [add_file(store, ODD_PATH, b"")]
    for label in ("one", "two"):
        store.add_backup(label, "/clients/lab", "2009-10-07 12:53:46 CEST", files)
    assert [(backup.number, backup.label) for backup in Store(tmp_path).list_backups()] == [
        (1, "one"),
        (2, "two"),
    ]
    assert Store(tmp_path).find_backup(None).files == files
    assert Store(tmp_path).find_backup(1).label == "one"


def test_a_backup_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with pytest.raises(UsageError, match="there are: none"):
        store.find_backup(None)
    store.add_backup("one", "/clients/lab", "", [])
    with pytest.raises(UsageError, match="no backup #7; there are: 1"):
        store.find_backup(7)


def test_damage_in_the_store_is_noticed(tmp_path: Path) -> None:
    store = Store(tmp_path)
    file = add_file(store, "/x", b"content")
    (tmp_path / "contents" / file.sha256).write_bytes(b"c0ntent")
    with pytest.raises(HlbError, match="damaged"):
        store.restore_content(file, tmp_path / "x")


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    store = Store(tmp_path)
    (tmp_path / "x").write_text("mine")
    with pytest.raises(FileExistsError):
        store.restore_content(add_file(store, "/x", b"theirs"), tmp_path / "x")
    assert (tmp_path / "x").read_text() == "mine"


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ((), {"/v/a/1": "/", "/v/a/2": "/", "/v/ab/1": "/"}),
        (("/v/a",), {"/v/a/1": "/v", "/v/a/2": "/v"}),
        (("/v/a/2", "/v/ab"), {"/v/a/2": "/v/a", "/v/ab/1": "/v"}),
        (("/w",), {}),
    ],
)
def test_what_is_asked_for_is_selected_by_whole_names(
    wanted: tuple[str, ...], expected: dict[str, str]
) -> None:
    files = [StoredFile(path, 0, 0, 0) for path in ("/v/a/1", "/v/a/2", "/v/ab/1")]
    backup = Backup(1, "", "", "", files)
    found = select_files(backup, tuple(Path(path) for path in wanted))
    assert {file.path: str(top) for file, top in found} == expected


def test_a_files_hash_is_its_sha256(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"")
    assert hash_file(tmp_path / "x").startswith("e3b0c44298fc1c14")
