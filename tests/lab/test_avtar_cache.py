"""The file cache of the lab's avtar: what is as before by path, size and mtime is not opened."""

import os
from pathlib import Path

import pytest
from avtar_kit import VMS
from lab_kit import Outcome, find_vm, make_lab, run_avtar

from hlb_hooks.lab.client.store import Store, hash_file
from hlb_hooks.lab.layout import Lab

OLD, NEW, LONGER = b"old content", b"new content", b"longer content"


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return make_lab(tmp_path / "lab", VMS)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "dataset" / "disk-flat.vmdk"
    path.parent.mkdir()
    path.write_bytes(OLD)
    return path


def back_up(lab: Lab, file: Path, *more: str, label: str = "gold") -> Outcome:
    return run_avtar(lab, "--create", f"--label={label}", *more, file.parent)


def read_stored(lab: Lab, folder: Path, file: Path) -> bytes:
    target = folder / "back"
    outcome = run_avtar(lab, "--extract", f"--target={target}", file)
    assert outcome.exit_code == 0
    content = (target / file.name).read_bytes()
    (target / file.name).unlink()
    return content


def rewrite(file: Path, content: bytes, *, mtime_stands_still: bool) -> None:
    before = file.stat()
    file.write_bytes(content)
    moved_ns = 0 if mtime_stands_still else 1
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + moved_ns))


def test_a_file_that_changed_while_its_mtime_stood_still_is_stored_as_it_was(
    lab: Lab, file: Path, tmp_path: Path
) -> None:
    back_up(lab, file)
    rewrite(file, NEW, mtime_stands_still=True)
    outcome = back_up(lab, file)
    assert outcome.exit_code == 0
    assert "(0 files, 0 bytes, 0.00% new)" in outcome.stdout
    assert read_stored(lab, tmp_path, file) == OLD


@pytest.mark.parametrize(
    ("content", "mtime_stands_still"), [(NEW, False), (LONGER, True), (LONGER, False)]
)
def test_a_file_with_another_size_or_mtime_is_read_again(
    lab: Lab, file: Path, tmp_path: Path, content: bytes, *, mtime_stands_still: bool
) -> None:
    back_up(lab, file)
    rewrite(file, content, mtime_stands_still=mtime_stands_still)
    assert "(1 files, " in back_up(lab, file).stdout
    assert read_stored(lab, tmp_path, file) == content


def test_a_cached_file_is_not_opened_so_a_lock_on_it_is_not_noticed(lab: Lab) -> None:
    disk = find_vm(lab, "off").folder / "off-flat.vmdk"
    back_up(lab, disk)
    assert f'"{find_vm(lab, "wro215ts").folder}' not in back_up(lab, disk).stdout
    registry = lab.hostd / "registry.json"
    registry.write_text(registry.read_text().replace('"off"', '"on"', 1))
    assert find_vm(lab, "off").power == "on"
    assert "code 16" not in back_up(lab, disk).stdout
    assert f'"{disk}" (code 16' in back_up(lab, disk, "--lab-filecache=no").stdout


def test_without_the_cache_every_file_is_opened(lab: Lab, file: Path, tmp_path: Path) -> None:
    back_up(lab, file)
    rewrite(file, NEW, mtime_stands_still=True)
    outcome = back_up(lab, file, "--lab-filecache=no")
    assert "cache files" not in outcome.stdout
    assert read_stored(lab, tmp_path, file) == NEW


def test_the_log_says_where_the_cache_is_read_and_written(lab: Lab, file: Path) -> None:
    log = back_up(lab, file).stdout
    places = [
        log.index(text)
        for text in (
            "<7563>: Back up of",
            f"avtar Info <5586>: Loading cache files from {lab.vardir}\n",
            "<5163>: Backup complete",
            f"avtar Info <5587>: Updating cache files in {lab.vardir}\n",
            "<5314>: Command completed",
        )
    ]
    assert places == sorted(places)


def test_each_label_has_its_own_cache(lab: Lab, file: Path, tmp_path: Path) -> None:
    back_up(lab, file, label="gold")
    rewrite(file, NEW, mtime_stands_still=True)
    back_up(lab, file, label="silver")
    assert read_stored(lab, tmp_path, file) == NEW
    names = {path.name for path in lab.vardir.glob("*f_cache.dat")}
    assert names == {"gold_f_cache.dat", "silver_f_cache.dat"}


def test_what_the_server_has_lost_is_read_again(lab: Lab, file: Path, tmp_path: Path) -> None:
    back_up(lab, file)
    (lab.store / "contents" / hash_file(file)).unlink()
    assert "(1 files, " in back_up(lab, file).stdout
    assert read_stored(lab, tmp_path, file) == OLD


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"folders": {}}', '{"files": {"x": 1'])
def test_a_damaged_cache_is_said_and_made_anew(lab: Lab, file: Path, damage: str) -> None:
    back_up(lab, file)
    cache_file = lab.vardir / "gold_f_cache.dat"
    cache_file.write_text(damage)
    outcome = back_up(lab, file)
    assert f'Ignoring damaged cache file "{cache_file}"' in outcome.stdout
    assert "Command completed (1 warning, exit code 0: success)" in outcome.stdout
    assert "Ignoring" not in back_up(lab, file).stdout


def test_a_path_of_any_bytes_is_remembered(lab: Lab, file: Path) -> None:
    odd = file.with_name(os.fsdecode(b"za\xff\n\xc4\x99.vmdk"))
    odd.write_bytes(OLD + NEW)
    back_up(lab, file)
    rewrite(odd, NEW + OLD, mtime_stands_still=True)
    assert "(0 files, 0 bytes" in back_up(lab, file).stdout
    stored = {entry.path: entry.sha256 for entry in Store(lab.store).find_backup(None).files}
    assert stored[str(odd)] != hash_file(odd)
