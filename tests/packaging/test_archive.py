"""The archive for hosts without rpm: the same files, the same care."""

import os
import stat
from pathlib import Path

import pytest
from console_kit import AVAMAR, HOME, SCRIPTS, Console
from life_kit import NEXT, UNINSTALL, ask_version, install_archive, unpack

from hlb_hooks import __version__
from hlb_hooks.entry.arguments import HOOKS


def test_it_installs_what_the_rpm_does(
    console: Console, archive_file: Path, rpm_file: Path, make_console: object
) -> None:
    said = install_archive(console, archive_file).stdout
    assert f"version {__version__} is installed for the client in /{AVAMAR}" in said
    for hook in HOOKS:
        assert ask_version(console, f"/{SCRIPTS}/{hook}") == __version__
    assert ask_version(console, "/usr/bin/hlb") == __version__
    state = console.path(f"{AVAMAR}/var/hlb").stat()
    assert stat.S_IMODE(state.st_mode) == 0o700
    assert callable(make_console)
    by_rpm = make_console()
    by_rpm.install(rpm_file)
    expected, found = (list_files(each) for each in (by_rpm, console))
    added = {f"{HOME}/package/installed-files", f"{HOME}/package/uninstall"}
    assert found - added == expected


def list_files(console: Console) -> set[str]:
    """Give the files of the package, each with its mode."""
    folders = (f"{HOME}/package", "usr", "etc")
    return {
        path.relative_to(console.root).as_posix()
        for folder in folders
        for path in console.path(folder).rglob("*")
        if not path.is_dir() and path.name != "passwd"
    }


def test_an_upgrade_keeps_what_is_the_administrator_s(
    console: Console, archive_file: Path, next_archive: Path
) -> None:
    (console.path(SCRIPTS) / "initial_backup").write_text("the talk's own")
    first = install_archive(console, archive_file).stdout
    assert f"/{SCRIPTS}/initial_backup was there" in first
    targets = console.path(f"{AVAMAR}/etc/hlb/targets")
    targets.write_text("wro215ts\n")
    second = install_archive(console, next_archive).stdout
    assert "was there" not in second
    assert ask_version(console, f"/{SCRIPTS}/initial_backup") == NEXT
    assert targets.read_text() == "wro215ts\n"
    assert "# The VMs to back up" in targets.with_name("targets.new").read_text()
    assert not targets.with_name("hlb.toml.new").exists()


def test_a_client_elsewhere_is_named(console: Console, archive_file: Path) -> None:
    install_archive(console, archive_file, "/opt/avamar client")
    assert ask_version(console, "/opt/avamar client/etc/scripts/initial_backup") == __version__
    done = console.run("/opt/avamar client/etc/scripts/initial_backup", "--help")
    assert "/opt/avamar client/etc/hlb/hlb.toml" in " ".join(done.stdout.split())
    removed = console.run(UNINSTALL)
    assert removed.returncode == 0
    assert not list(console.path("/opt/avamar client/etc/scripts").iterdir())


@pytest.mark.parametrize("word", ["avamar", "./avamar"])
def test_a_folder_that_is_no_whole_path_is_refused(
    console: Console, archive_file: Path, word: str
) -> None:
    done = console.run("/bin/sh", f"{unpack(console, archive_file)}/install.sh", word)
    assert done.returncode == 1
    assert "whole path" in done.stderr
    assert not console.path(HOME).exists()


def test_it_does_not_mix_with_the_rpm(console: Console, archive_file: Path) -> None:
    rpm = console.path("/bin/rpm")
    rpm.unlink()
    rpm.write_text('#!/bin/sh\n[ "$*" = "-q hlb-hooks" ]\n')
    rpm.chmod(0o755)
    done = console.run("/bin/sh", f"{unpack(console, archive_file)}/install.sh")
    assert done.returncode == 1
    assert "installed as an RPM" in done.stderr


def test_uninstall_leaves_state_and_configuration_and_nothing_else(
    console: Console, archive_file: Path
) -> None:
    install_archive(console, archive_file)
    console.path(f"{AVAMAR}/var/hlb/hlb.log").write_text("{}\n")
    done = console.run(UNINSTALL)
    assert done.returncode == 0, done.stderr
    assert f"state and log stay in /{AVAMAR}/var/hlb" in done.stdout
    assert list_files(console) == {
        f"{AVAMAR}/etc/hlb/hlb.toml",
        f"{AVAMAR}/etc/hlb/targets",
        f"{AVAMAR}/var/hlb/hlb.log",
        "etc/logrotate.d/hlb-hooks",
    }
    assert not console.path(HOME).exists()


def test_uninstall_is_refused_while_it_could_lose_a_snapshot(
    console: Console, archive_file: Path
) -> None:
    install_archive(console, archive_file)
    console.path(f"{AVAMAR}/var/hlb/bad.state").write_text("no record\nat all\n")
    done = console.run(UNINSTALL)
    assert done.returncode == 1
    assert f"{UNINSTALL} anyway" in done.stderr
    assert ask_version(console, f"/{SCRIPTS}/initial_backup") == __version__
    assert console.run(UNINSTALL, "anyway").returncode == 0
    assert not os.path.lexists(console.path(f"{SCRIPTS}/initial_backup"))


def test_where_systemd_runs_a_timer_is_set_instead_of_cron(
    console: Console, archive_file: Path
) -> None:
    console.path("/run/systemd/system").mkdir(parents=True)
    systemctl = console.path("/usr/bin/systemctl")
    systemctl.parent.mkdir(parents=True, exist_ok=True)
    systemctl.write_text('#!/bin/sh\necho "$@" >>/systemctl.log\n')
    systemctl.chmod(0o755)
    install_archive(console, archive_file)
    assert console.path("/etc/systemd/system/hlb-reap.timer").exists()
    assert not console.path("/etc/cron.d/hlb-hooks").exists()
    called = console.path("/systemctl.log").read_text().splitlines()
    assert called == ["daemon-reload", "enable --quiet --now hlb-reap.timer"]
    assert console.run(UNINSTALL).returncode == 0
    assert not console.path("/etc/systemd/system/hlb-reap.timer").exists()
