"""The RPM on a console: install, verify, relocate, and what cron and logrotate make of it."""

import os
import stat
import subprocess
from pathlib import Path

from console_kit import AVAMAR, HOME, SCRIPTS, Console
from life_kit import NEXT, TALKS_OWN, age_last_switch, ask_version

from hlb_hooks import __version__
from hlb_hooks.entry.arguments import HOOKS


def test_after_an_install_every_program_runs_and_verifies(console: Console, rpm_file: Path) -> None:
    console.install(rpm_file)
    for hook in HOOKS:
        assert ask_version(console, f"/{SCRIPTS}/{hook}") == __version__
        assert stat.S_IMODE(console.path(f"{SCRIPTS}/{hook}").stat().st_mode) == 0o755
    assert ask_version(console, "/usr/bin/hlb") == __version__
    assert console.run("hlb", "status").stdout.splitlines()[0] == "no snapshot of ours is open"
    state = console.path(f"{AVAMAR}/var/hlb").stat()
    assert (stat.S_IMODE(state.st_mode), state.st_uid, state.st_gid) == (0o700, 0, 0)
    verified = console.rpm("-V", "hlb-hooks")
    assert (verified.returncode, verified.stdout) == (0, "")
    console.path(f"{SCRIPTS}/initial_umount").write_text("#!/bin/sh\n")
    assert f"/{SCRIPTS}/initial_umount" in console.rpm("-V", "hlb-hooks").stdout


def test_the_configuration_as_installed_is_one_that_the_hooks_take(
    console: Console, rpm_file: Path
) -> None:
    console.install(rpm_file)
    done = console.run(f"/{SCRIPTS}/compare_backup")
    assert "/usr/bin/vmware-cmd cannot be run: there is no such file" in done.stdout
    assert done.returncode == 2


def test_the_lab_stays_out(console: Console, rpm_file: Path) -> None:
    console.install(rpm_file)
    done = console.run("hlb", "lab", "demo")
    assert done.returncode == 2
    assert "comes without the lab" in done.stdout


def test_scripts_of_the_same_names_are_moved_aside_and_named(
    console: Console, rpm_file: Path
) -> None:
    scripts = console.path(SCRIPTS)
    (scripts / "initial_backup").write_text(TALKS_OWN)
    (scripts / "initial_umount").symlink_to("/nowhere")
    (scripts / "snap_request").write_text("newer")
    (scripts / "snap_request.before-hlb-hooks").write_text("older")
    (scripts / "other").write_text("nobody's business")
    said = console.install(rpm_file).stdout
    assert (scripts / "initial_backup.before-hlb-hooks").read_text() == TALKS_OWN
    assert os.readlink(scripts / "initial_umount.before-hlb-hooks") == "/nowhere"
    assert (scripts / "snap_request.before-hlb-hooks").read_text() == "older"
    assert (scripts / "snap_request.before-hlb-hooks-2").read_text() == "newer"
    for name in ("initial_backup", "initial_umount", "snap_request"):
        assert f"/{SCRIPTS}/{name} was there and is not of this package" in said
        assert ask_version(console, f"/{SCRIPTS}/{name}") == __version__
    assert said.count("was there") == 3
    assert (scripts / "other").read_text() == "nobody's business"


def test_a_client_elsewhere_has_its_hooks_and_its_files_there(
    console: Console, rpm_file: Path, next_rpm: Path
) -> None:
    elsewhere = "--relocate", f"/{AVAMAR}=/dockerclient"
    console.install(rpm_file, *elsewhere)
    assert not list(console.path(SCRIPTS).iterdir())
    assert ask_version(console, "/dockerclient/etc/scripts/initial_backup") == __version__
    done = console.run("/dockerclient/etc/scripts/initial_backup", "--help")
    assert "/dockerclient/etc/hlb/hlb.toml" in " ".join(done.stdout.split())
    config = console.path("/dockerclient/etc/hlb/hlb.toml")
    config.write_text("[run]\nno_such_key = 1\n")
    assert "/dockerclient/etc/hlb/hlb.toml" in console.run("hlb", "plan").stdout
    rotated = console.path("/etc/logrotate.d/hlb-hooks").read_text()
    assert '"/dockerclient/var/hlb/hlb.log" {' in rotated
    assert "/usr/local" not in rotated
    assert stat.S_IMODE(console.path("/dockerclient/var/hlb").stat().st_mode) == 0o700

    refused = console.rpm("-U", "--relocate", f"/{AVAMAR}=/other", next_rpm)
    assert refused.returncode != 0
    assert "is installed for the client in /dockerclient" in refused.stderr
    assert ask_version(console, "/dockerclient/etc/scripts/initial_backup") == __version__
    console.install(next_rpm, *elsewhere)
    assert ask_version(console, "/dockerclient/etc/scripts/initial_backup") == NEXT
    assert config.read_text() == "[run]\nno_such_key = 1\n"


def test_cron_says_nothing_while_all_is_well_and_all_when_it_is_not(
    console: Console, rpm_file: Path
) -> None:
    console.install(rpm_file)
    vmware_cmd = console.path("/usr/bin/vmware-cmd")
    vmware_cmd.write_text("#!/bin/sh\n")
    vmware_cmd.chmod(0o755)
    console.path(f"{HOME}/versions/unused").mkdir()
    age_last_switch(console)
    quiet = console.run(f"/{HOME}/package/reap-from-cron")
    assert console.versions == [__version__]
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")
    console.path(f"{AVAMAR}/var/hlb/bad.state").write_text("no record\nat all\n")
    loud = console.run(f"/{HOME}/package/reap-from-cron")
    assert loud.returncode == 1
    assert "bad.state" in loud.stdout


def test_the_cron_entry_names_a_program_that_is_there(console: Console, rpm_file: Path) -> None:
    console.install(rpm_file)
    (entry,) = [
        line
        for line in console.path("/etc/cron.d/hlb-hooks").read_text().splitlines()
        if not line.startswith("#")
    ]
    *when, user, program = entry.split()
    assert (when, user) == (["*/10", "*", "*", "*", "*"], "root")
    assert os.access(console.path(program), os.X_OK)


def test_logrotate_takes_the_entry_and_rotates(console: Console, rpm_file: Path) -> None:
    console.install(rpm_file)
    log = console.path(f"{AVAMAR}/var/hlb/hlb.log")
    log.write_text("{}\n")
    entry = console.path("/etc/logrotate.d/hlb-hooks")
    entry.write_text(entry.read_text().replace("/usr/local/avamar", f"{console.root}/{AVAMAR}"))
    subprocess.run(
        ["logrotate", "--force", "--state", console.path("/rotated"), entry],
        check=True,
        capture_output=True,
    )
    assert (log.read_bytes(), (log.parent / "hlb.log.1").read_text()) == (b"", "{}\n")
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
