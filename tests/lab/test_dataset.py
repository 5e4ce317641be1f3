import os
from pathlib import Path

import pytest

from hlb_hooks.lab.client.dataset import Dataset

SOURCE = Path("/vmfs/volumes")
FOLDER = Path("/vmfs/volumes/4a9b/sql server (2)")


def fail(error: OSError) -> None:
    raise error


@pytest.mark.parametrize(
    ("exclude", "name", "is_excluded"),
    [
        ("*.vswp", "a-1.vswp", True),
        ("*.vswp", "a.vswp.bak", False),
        ("*-??????.vmdk", "a-000001.vmdk", True),
        ("*-??????.vmdk", "a-000001-delta.vmdk", False),
        ("*-[0-9][0-9][0-9][0-9][0-9][0-9].vmdk", "a-000001.vmdk", True),
        ("*-[0-9]*.vmdk", "a-flat.vmdk", False),
        ("off[!a]*", "offb", True),
        ("off[!a]*", "offa", False),
        ("vmfs", "what leads to the source does not count", False),
        ("/vmfs/volumes/4a9b/*/*.vswp", "a.vswp", True),
        ("/vmfs/volumes/*.vswp", "a.vswp", False),
        ("/vmfs/volumes/**.vswp", "a.vswp", True),
        ("sql server (2)/*.log", "vmware.log", True),
        ("sql server (2)", "anything", True),
        ("/vmfs/volumes/4a9b/sql server (2)/", "anything", True),
        ("sql server", "anything", False),
        ("*.LOG", "vmware.log", False),
        ("a+b", "a+b", True),
        ("a+b", "aab", False),
        ("a.b", "axb", False),
        ("[", "[", True),
    ],
)
def test_a_pattern_takes_away_what_it_means(exclude: str, name: str, *, is_excluded: bool) -> None:
    assert Dataset((), (exclude,)).is_wanted(FOLDER / name, SOURCE) != is_excluded


def test_an_include_adds_back_what_an_exclude_took_away() -> None:
    dataset = Dataset((), ("*.vmdk",), ("*-flat.vmdk",))
    assert dataset.is_wanted(FOLDER / "a-flat.vmdk", SOURCE)
    assert not dataset.is_wanted(FOLDER / "a.vmdk", SOURCE)


def test_files_are_given_in_order_and_links_are_not_followed(tmp_path: Path) -> None:
    for name in ("b/2", "b/1", "a"):
        path = tmp_path / "top" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    (tmp_path / "top/c").symlink_to(tmp_path)
    found = list(Dataset((tmp_path / "top",)).walk(fail))
    assert [str(path.relative_to(tmp_path)) for path in found] == [
        "top/a",
        "top/b/1",
        "top/b/2",
        "top/c",
    ]


def test_a_single_file_is_a_source_too(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    assert list(Dataset((tmp_path / "a",)).walk(fail)) == [tmp_path / "a"]


def test_an_include_inside_an_excluded_folder_is_found(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    for name in ("keep", "drop"):
        (tmp_path / "out" / name).write_text("")
    found = list(Dataset((tmp_path,), ("out",), ("out/keep",)).walk(fail))
    assert found == [tmp_path / "out/keep"]


def test_a_source_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(Dataset((tmp_path / "gone",)).walk(fail))


def test_a_folder_that_cannot_be_read_is_reported_and_passed_over(tmp_path: Path) -> None:
    (tmp_path / "after").write_text("")
    ended = os.fork()
    if ended == 0:
        os._exit(0)
    try:
        os.waitid(os.P_PID, ended, os.WEXITED | os.WNOWAIT)
        # Of a process that has ended the kernel lists no network: a folder that is none.
        broken = Path(f"/proc/{ended}/net")
        reported: list[OSError] = []
        found = list(Dataset((broken, tmp_path)).walk(reported.append))
    finally:
        os.waitpid(ended, 0)
    assert found == [tmp_path / "after"]
    assert [error.filename for error in reported] == [str(broken)]
