"""A mistake in hlb.toml does not hide where the state files are."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlb_hooks.base.config_salvage import salvage_state_dirs

DEFAULT = "/usr/local/avamar/var/hlb"


def salvage(tmp_path: Path, content: bytes, mode: int = 0o600) -> list[str]:
    """Give what is salvaged from a configuration of this content."""
    path = tmp_path / "hlb.toml"
    path.write_bytes(content)
    path.chmod(mode)
    return salvage_state_dirs(str(path))


@pytest.mark.parametrize(
    ("content", "folders"),
    [
        (b'[paths]\nstate_dir = "/srv/hlb"\n[run]\nlanguage = 3\n', ["/srv/hlb"]),
        (b"[paths]\nstate_dir = '/srv/a b'\n", ["/srv/a b"]),
        (b'[paths]\nstate_dir = "/srv/\\u0142"\n', ["/srv/ł"]),
        (b'\xef\xbb\xbf[paths]\r\nstate_dir = "/srv/hlb"\r\n', ["/srv/hlb"]),
        (b'[paths]\n  state_dir="/srv/hlb"\nlog_file = \n', ["/srv/hlb"]),
        (b'paths.state_dir = "/srv/hlb"\n[[[\n', ["/srv/hlb"]),
        (b"paths = { state_dir = '/srv/hlb' \n", ["/srv/hlb"]),
        (b'[path]\nstate_dir = "/srv/hlb"\n', ["/srv/hlb"]),
        (b'[paths]\nstate_dir = "/srv/na\xef"\n', ["/srv/na\udcef"]),
        (b'[paths]\nstate_dir = "/one"\nstate_dir = "/two"\n', ["/one", "/two"]),
        (b'[paths]\nstate_dir = "/one"\n[run]\nx = "/two', ["/one"]),
        (b'[paths]\n# state_dir = "/old"\n= \n', []),
        (b'[paths]\nstate_dir = "relative"\n', []),
        (b'[paths]\nmy_state_dir = "/other"\n', []),
        (b"[paths]\nstate_dir = 7\n", []),
        (b"paths = 7\n", []),
        (b"", []),
        (b'[paths]\nstate_dir = "' + DEFAULT.encode() + b'"\n', []),
        (b"\0\xff" * 1000, []),
        (b"a = " + b"[" * 100_000 + b'\nstate_dir = "/srv/hlb"\n', ["/srv/hlb"]),
    ],
)
def test_the_folder_of_a_damaged_configuration_is_found_and_the_default_comes_last(
    tmp_path: Path, content: bytes, folders: list[str]
) -> None:
    assert salvage(tmp_path, content) == [*folders, DEFAULT]


def test_a_configuration_that_others_may_write_names_no_folder_they_can_fill(
    tmp_path: Path,
) -> None:
    private, public = tmp_path / "private", tmp_path / "public"
    private.mkdir(mode=0o700)
    public.mkdir()
    public.chmod(0o777)
    for folder, expected in (
        (private, [str(private), DEFAULT]),
        (public, [DEFAULT]),
        (tmp_path / "none", [DEFAULT]),
    ):
        content = b'[paths]\nstate_dir = "%s"\n' % os.fsencode(folder)
        assert salvage(tmp_path, content, mode=0o666) == expected


@pytest.mark.parametrize("name", ["none", "loop", "folder", "fifo", "a\0b", "x" * 300])
def test_what_is_no_readable_file_leaves_the_default(tmp_path: Path, name: str) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    assert salvage_state_dirs(f"{tmp_path}/{name}") == [DEFAULT]


def test_a_file_that_fails_while_it_is_read_leaves_the_default() -> None:
    # Nothing is mapped at the first address of a process.
    assert salvage_state_dirs("/proc/self/mem") == [DEFAULT]


@given(content=st.binary())
def test_no_content_at_all_makes_it_raise(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    folders = salvage(tmp_path_factory.getbasetemp(), content)
    assert folders[-1] == DEFAULT
