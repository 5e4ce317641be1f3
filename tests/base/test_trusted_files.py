"""Only files that nobody else could have written decide what we do."""

import os
from pathlib import Path

import pytest

from hlb_hooks.base.errors import ConfigurationError
from hlb_hooks.base.trusted_files import check_trusted, read_trusted


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """Give a file that only its owner may write."""
    path = tmp_path / "it's a hook"
    path.write_bytes(b"content")
    path.chmod(0o755)
    return path


def explain_refusal(path: Path | str, max_bytes: int = 100) -> ConfigurationError:
    """Read and check a file that must be refused by both, and give the error of the reading."""
    with pytest.raises(ConfigurationError) as caught:
        read_trusted(str(path), "targets file", max_bytes)
    return caught.value


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o644, 0o755, 0o555])
def test_a_file_that_only_its_owner_may_write_is_read(script: Path, mode: int) -> None:
    script.chmod(mode)
    check_trusted(str(script))
    assert read_trusted(str(script), "targets file", 7) == b"content"


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666, 0o777, 0o4775])
def test_a_file_that_others_may_write_is_refused_with_the_command_to_mend_it(
    script: Path, mode: int
) -> None:
    script.chmod(mode)
    error = explain_refusal(script)
    assert f"{script}: group or others may write this targets file" in error.message
    assert f"mode {mode:04o}" in error.message
    assert error.exit_code == 2
    assert "chmod go-w '" in error.next_step
    with pytest.raises(ConfigurationError, match="group or others may write this hook"):
        check_trusted(str(script), "hook")


def test_the_file_behind_a_symlink_is_the_one_that_counts(tmp_path: Path, script: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(script.name)
    assert read_trusted(str(link), "hook", 100) == b"content"
    real = script.rename(tmp_path / "real")
    link.unlink()
    link.symlink_to("real")
    real.chmod(0o666)
    error = explain_refusal(link)
    assert error.message.startswith(f"{link}: ")
    assert error.next_step.endswith(f"chmod go-w {real}")


def test_a_file_of_root_is_trusted_by_everybody() -> None:
    assert read_trusted("/etc/passwd", "file", 1 << 20).startswith(b"root:")


def test_a_file_of_another_user_is_refused(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() == 0:
        os.chown(script, 12345, 0)
    else:
        # Only root can give a file away; whoever else runs this becomes the other.
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
    error = explain_refusal(script)
    assert f"belongs to user {script.stat().st_uid}, expected root" in error.message
    assert "chown root" in error.next_step


def test_a_missing_file_is_refused_with_the_next_step_of_the_caller(tmp_path: Path) -> None:
    path = tmp_path / "nope"
    assert explain_refusal(path).message == f"{path}: there is no such targets file"
    with pytest.raises(ConfigurationError) as caught:
        read_trusted(str(path), "targets file", 100, if_missing="write one")
    assert caught.value.next_step == "write one"


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert "no regular file" in explain_refusal(tmp_path).message


def test_a_fifo_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path, 0o600)
    assert "no regular file" in explain_refusal(path).message


def test_a_device_is_refused() -> None:
    assert "no regular file" in explain_refusal("/dev/zero").message


def test_a_file_larger_than_the_limit_is_refused(script: Path) -> None:
    assert "larger than 6 bytes" in explain_refusal(script, max_bytes=6).message


@pytest.mark.parametrize("name", ["loop", "it's a hook/below", "a\0b", "x" * 300])
def test_a_path_that_cannot_be_opened_is_refused_with_the_reason(script: Path, name: str) -> None:
    (script.parent / "loop").symlink_to("loop")
    error = explain_refusal(f"{script.parent}/{name}")
    assert "this targets file cannot be read: " in error.message
    assert "\0" not in error.message


def test_a_file_that_fails_while_it_is_read_is_refused_with_the_reason() -> None:
    # Nothing is mapped at the first address of a process.
    error = explain_refusal("/proc/self/mem")
    assert "/proc/self/mem: this targets file cannot be read: Input/output error" in error.message
