"""What the end of a run goes by, even when hlb.toml cannot be used any more."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hlb_hooks.base.config import Config, load_config
from hlb_hooks.base.config_schema import DEFAULT_STATE_DIR
from hlb_hooks.effects.guard_process import GUARD_MODULE
from hlb_hooks.entry.settings import load_end_settings


def write_config(tmp_path: Path, state_dir: Path | str, *more: str) -> str:
    """Write a configuration with one job; give its path."""
    (tmp_path / "targets").touch(0o600)
    path = tmp_path / "hlb.toml"
    lines = [
        "[paths]",
        f'state_dir = "{state_dir}"',
        "[jobs.gold]",
        f'targets = "{tmp_path}/targets"',
        *more,
    ]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    path.chmod(0o600)
    return str(path)


@contextmanager
def guarding(state_file: Path) -> Iterator[None]:
    """Let a process stand at its post that looks like the guard of this state file."""
    words = ["/bin/sh", "-c", "echo; read word", GUARD_MODULE, "--state", str(state_file)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/") as guard:
        assert guard.stdout is not None
        assert guard.stdout.readline() == b"\n"
        yield
        guard.kill()


@pytest.mark.parametrize("job", [None, "gold"])
def test_a_good_file_is_gone_by_and_is_no_trouble(tmp_path: Path, job: str | None) -> None:
    path = write_config(tmp_path, tmp_path / "state")
    settings = load_end_settings(path, job)
    assert settings.config == load_config(path)
    assert settings.state_dirs[0] == str(tmp_path / "state")
    assert settings.trouble == ""
    # The guards of others may be at their posts on this machine; the default folder is not looked
    # into, for nobody configured it.
    assert DEFAULT_STATE_DIR not in settings.state_dirs


def test_an_unknown_job_is_trouble_and_the_file_s_folder_is_kept(tmp_path: Path) -> None:
    path = write_config(tmp_path, tmp_path / "state")
    settings = load_end_settings(path, "silver")
    assert "there is no job" in settings.trouble
    assert "silver" in settings.trouble
    assert settings.config == load_config(path)
    assert settings.state_dirs[0] == str(tmp_path / "state")
    assert DEFAULT_STATE_DIR not in settings.state_dirs


@pytest.mark.parametrize("job", [None, "gold"])
def test_a_damaged_file_is_trouble_and_its_folder_is_salvaged(
    tmp_path: Path, job: str | None
) -> None:
    path = write_config(tmp_path, tmp_path / "state", "[run]", "no_such_key = 1")
    settings = load_end_settings(path, job)
    assert "no_such_key" in settings.trouble
    assert settings.config == Config(path)
    assert settings.state_dirs[:2] == (
        str(tmp_path / "state"),
        os.path.realpath(DEFAULT_STATE_DIR),
    )


def test_a_missing_file_is_trouble_and_the_default_folder_is_looked_into(tmp_path: Path) -> None:
    path = str(tmp_path / "hlb.toml")
    settings = load_end_settings(path, "gold")
    assert path in settings.trouble
    assert settings.config == Config(path)
    assert settings.state_dirs[0] == os.path.realpath(DEFAULT_STATE_DIR)


def test_the_folder_of_a_guard_at_its_post_is_looked_into_too(tmp_path: Path) -> None:
    path = write_config(tmp_path, tmp_path / "state")
    yesterday = tmp_path / "yesterday"
    with guarding(yesterday / "run.state"):
        settings = load_end_settings(path)
    assert settings.trouble == ""
    assert settings.state_dirs[0] == str(tmp_path / "state")
    assert str(yesterday) in settings.state_dirs


def test_one_folder_by_several_names_is_looked_into_once(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (tmp_path / "link").symlink_to("state")
    path = write_config(tmp_path, tmp_path / "link")
    with guarding(state / "one.state"), guarding(tmp_path / "." / "link" / "two.state"):
        settings = load_end_settings(path)
    assert [folder for folder in settings.state_dirs if str(tmp_path) in folder] == [str(state)]
    assert len(set(settings.state_dirs)) == len(settings.state_dirs)


def test_a_folder_that_is_not_there_any_more_is_named_all_the_same(tmp_path: Path) -> None:
    path = write_config(tmp_path, f"{tmp_path}/a/../gone")
    assert load_end_settings(path).state_dirs[0] == str(tmp_path / "gone")
