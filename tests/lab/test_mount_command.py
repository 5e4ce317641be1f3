"""``hlb lab mount`` and ``umount``: how a mount comes and goes, and what is said if it cannot."""

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from avtar_kit import is_running
from lab_kit import make_lab, wait_for
from mount_kit import LIBRARIES, no_mount_left, serve, skip_unless_possible

from hlb_hooks.base.errors import HostError, UsageError
from hlb_hooks.lab.command.mount import add_mount_parser
from hlb_hooks.lab.layout import Lab
from hlb_hooks.lab.mount.needs import check_device, load_fuse
from hlb_hooks.lab.mount.table import find_lab_mount, list_lab_mounts


@pytest.fixture(autouse=True)
def leaves_no_mount(tmp_path: Path) -> Iterator[None]:
    with no_mount_left(tmp_path):
        yield


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return make_lab(tmp_path / "a lab, with a comma", 1)


@pytest.fixture
def mountpoint(tmp_path: Path) -> Path:
    path = tmp_path / "mounted on, so"
    path.mkdir()
    return path


def run(*words: str | Path) -> int:
    parser = argparse.ArgumentParser()
    add_mount_parser(parser.add_subparsers(required=True))
    arguments = parser.parse_args([str(word) for word in words])
    return int(arguments.run(arguments))


def find_server(lab: Lab, mountpoint: Path) -> int:
    """Give the process that serves a mount in the background."""
    wanted = b"\0".join([os.fsencode(lab.folder), os.fsencode(mountpoint), b""])
    (found,) = (
        int(path.parent.name)
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if b"hlb_hooks.lab.mount.daemon" in read_words(path) and read_words(path).endswith(wanted)
    )
    return found


def read_words(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_a_lab_is_mounted_in_the_background_and_taken_away(
    lab: Lab, mountpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    skip_unless_possible()
    assert run("mount", lab.folder, mountpoint) == 0
    assert capsys.readouterr().out.startswith(f"{lab.folder} is mounted on {mountpoint}; ")
    assert (mountpoint / "lab.json").read_bytes() == lab.settings_file.read_bytes()
    (mount,) = (each for each in list_lab_mounts() if each.mountpoint == mountpoint)
    assert mount.folder == lab.folder
    server = find_server(lab, mountpoint)
    assert os.getsid(server) == server
    assert Path(f"/proc/{server}/cwd").readlink() == Path("/")
    assert run("umount", mountpoint) == 0
    assert capsys.readouterr().out == f"{mountpoint}: unmounted\n"
    wait_for(lambda: not is_running(server), "the server's end")
    assert list(mountpoint.iterdir()) == []
    assert (lab.folder / "mount.log").read_text().count("error") == 0


@pytest.mark.parametrize("number", [None, signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("library", LIBRARIES or ["no library"])
def test_in_the_foreground_it_ends_by_umount_or_a_signal(
    lab: Lab, mountpoint: Path, number: signal.Signals | None, library: str
) -> None:
    skip_unless_possible()
    with serve(lab, mountpoint, library) as process:
        assert (mountpoint / "lab.json").exists()
        if number is None:
            assert run("umount", mountpoint) == 0
            assert process.wait(10) == 0
        else:
            process.send_signal(number)
            process.wait(10)
        assert find_lab_mount(mountpoint) is None


def test_the_foreground_is_served_by_the_command_itself(lab: Lab, mountpoint: Path) -> None:
    skip_unless_possible()
    script = (
        "import sys\nfrom hlb_hooks.entry.hlb import main\nraise SystemExit(main(sys.argv[1:]))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, "lab", "mount", "--foreground", lab.folder, mountpoint]
    )
    try:
        wait_for(lambda: find_lab_mount(mountpoint) is not None, "the mount")
        assert run("umount", mountpoint) == 0
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()


def test_a_server_that_is_killed_leaves_no_dead_mount(lab: Lab, mountpoint: Path) -> None:
    skip_unless_possible()
    assert run("mount", lab.folder, mountpoint) == 0
    os.kill(find_server(lab, mountpoint), signal.SIGKILL)
    wait_for(lambda: find_lab_mount(mountpoint) is None, "the mount to go")
    assert list(mountpoint.iterdir()) == []


def test_a_mount_is_refused_where_one_is(lab: Lab, mountpoint: Path) -> None:
    skip_unless_possible()
    run("mount", lab.folder, mountpoint)
    try:
        with pytest.raises(UsageError, match="mounted on it already") as caught:
            run("mount", lab.folder, mountpoint)
        assert caught.value.next_step.endswith(f"hlb lab umount {mountpoint}")
    finally:
        run("umount", mountpoint)


def test_a_mount_in_use_is_not_taken_away(lab: Lab, mountpoint: Path) -> None:
    skip_unless_possible()
    run("mount", lab.folder, mountpoint)
    with (mountpoint / "lab.json").open("rb"), pytest.raises(HostError, match="busy") as caught:
        run("umount", mountpoint)
    assert "fuser -vm" in caught.value.next_step
    wait_for(lambda: is_unmounted(mountpoint), "the last file to be let go of")


def is_unmounted(mountpoint: Path) -> bool:
    try:
        return run("umount", mountpoint) == 0
    except HostError:
        return False


def test_where_no_lab_is_mounted_those_that_are_get_named(mountpoint: Path) -> None:
    with pytest.raises(UsageError, match=r"no lab is mounted on .*; labs are mounted on: "):
        run("umount", mountpoint)


@pytest.mark.parametrize("option", [(), ("--foreground",)])
def test_a_place_that_cannot_be_mounted_on_is_refused(
    lab: Lab, mountpoint: Path, tmp_path: Path, option: tuple[str, ...]
) -> None:
    skip_unless_possible()
    (mountpoint / "file").write_text("")
    (tmp_path / "empty").mkdir()
    for place, why in (
        (tmp_path / "gone", "is no folder"),
        (mountpoint / "file", "is no folder"),
        (mountpoint, "is not empty"),
        (lab.volumes, "one in the other"),
        (lab.folder, "one in the other"),
        (tmp_path, "one in the other"),
    ):
        with pytest.raises(UsageError, match=why) as caught:
            run("mount", *option, lab.folder, place)
        assert caught.value.next_step
    with pytest.raises(UsageError, match="is no lab"):
        run("mount", *option, tmp_path, tmp_path / "empty")


def test_what_the_server_says_of_its_failure_is_told(
    lab: Lab, mountpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    skip_unless_possible()
    load_fuse()
    monkeypatch.setenv("FUSE_LIBRARY_NAME", "no-such-library")
    with pytest.raises(HostError, match=r"come up on .*: libfuse is not installed") as caught:
        run("mount", lab.folder, mountpoint)
    assert "--foreground" in caught.value.next_step


def test_without_a_program_to_unmount_with_the_packages_are_named(
    lab: Lab, mountpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    skip_unless_possible()
    run("mount", lab.folder, mountpoint)
    with monkeypatch.context() as without_programs:
        without_programs.setenv("PATH", str(mountpoint.parent))
        with pytest.raises(UsageError, match="umount") as caught:
            run("umount", mountpoint)
    assert caught.value.next_step == "apt-get install mount fuse3"
    assert run("umount", mountpoint) == 0


def test_a_lack_of_the_package_is_said_with_the_extra(
    lab: Lab, mountpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mfusepy", None)
    with pytest.raises(UsageError, match="package mfusepy is not installed") as caught:
        run("mount", lab.folder, mountpoint)
    assert caught.value.next_step == "pip install 'hlb-hooks[lab]'"


def test_a_lack_of_the_library_is_said_with_debians_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "mfusepy", raising=False)
    monkeypatch.setenv("FUSE_LIBRARY_NAME", "no-such-library")
    with pytest.raises(UsageError, match="libfuse is not installed") as caught:
        load_fuse()
    assert "apt-get install fuse3" in caught.value.next_step


def test_a_lack_of_the_device_is_said_with_the_module(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be opened: No such file") as caught:
        check_device(tmp_path / "fuse")
    assert "modprobe fuse" in caught.value.next_step


def test_nothing_of_fuse_is_loaded_unless_it_is_asked_for() -> None:
    script = (
        "import sys, hlb_hooks.entry.hlb, hlb_hooks.lab.command.dispatch\n"
        "hlb_hooks.entry.hlb.main(['lab', 'mount', '--help'])\n"
        "print(sorted(name for name in sys.modules if 'fuse' in name or '.lab.mount' in name))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
