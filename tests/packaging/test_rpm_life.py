"""The RPM's life on a console: install, verify, upgrade under a run, relocate, erase."""

import os
import stat
import subprocess
import time
from pathlib import Path

import pytest
from console_kit import AVAMAR, HOME, PYTHON, SCRIPTS, Console

from hlb_hooks import __version__
from hlb_hooks.entry.arguments import HOOKS

NEXT = f"{__version__}.1"
TALKS_OWN = "#!/bin/sh\necho '--initial_backup--'\n"
# A hook in the middle of its work, as far as the code it needs goes.
UNDER_WAY = """
import os, subprocess, sys, time
print("started", flush=True)
while not os.path.exists("/go-on"):
    time.sleep(0.05)
import structlog, sh
import hlb_hooks.steps.settle, hlb_hooks.steps.reap, hlb_hooks.entry.guard
from hlb_hooks import __version__
child = [sys.executable, "-I", "-c", "import hlb_hooks; print(hlb_hooks.__version__)"]
print(__version__, subprocess.run(child, capture_output=True, text=True).stdout, end="")
"""


def ask_version(console: Console, program: str) -> str:
    done = console.run(program, "--version")
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[1]


def age_last_switch(console: Console) -> None:
    """Let the last upgrade have been an hour ago."""
    then = time.time() - 3600
    os.utime(console.path(PYTHON), (then, then), follow_symlinks=False)


def sweep(console: Console) -> None:
    done = console.run(f"/{HOME}/package/sweep-versions")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


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


def test_an_upgrade_keeps_configuration_and_state(
    console: Console, rpm_file: Path, next_rpm: Path
) -> None:
    console.install(rpm_file)
    config = console.path(f"{AVAMAR}/etc/hlb/hlb.toml")
    config.write_text('[run]\nlanguage = "pl"\n')
    targets = console.path(f"{AVAMAR}/etc/hlb/targets")
    targets.write_text("wro215ts\n")
    state = console.path(f"{AVAMAR}/var/hlb/old.state")
    state.write_text("kept")
    said = console.install(next_rpm).stdout
    assert "was there" not in said
    assert ask_version(console, f"/{SCRIPTS}/initial_backup") == NEXT
    assert ask_version(console, "/usr/bin/hlb") == NEXT
    assert (config.read_text(), targets.read_text()) == ('[run]\nlanguage = "pl"\n', "wro215ts\n")
    assert state.read_text() == "kept"
    assert console.rpm("-q", "hlb-hooks").stdout == f"hlb-hooks-{NEXT}-1.x86_64\n"


def test_a_run_under_way_goes_on_with_its_own_version(
    console: Console, rpm_file: Path, next_rpm: Path
) -> None:
    console.install(rpm_file)
    running = console.start(PYTHON, "-I", "-c", UNDER_WAY)
    assert running.stdout is not None
    assert running.stdout.readline() == "started\n"
    console.install(next_rpm)
    assert ask_version(console, f"/{SCRIPTS}/initial_backup") == NEXT
    age_last_switch(console)
    sweep(console)
    assert console.versions == [__version__, NEXT]
    console.path("go-on").touch()
    said, _ = running.communicate(timeout=60)
    assert said == f"{__version__} {__version__}\n"
    sweep(console)
    assert console.versions == [NEXT]


def test_a_version_is_not_swept_right_after_the_switch(
    console: Console, rpm_file: Path, next_rpm: Path
) -> None:
    console.install(rpm_file)
    console.install(next_rpm)
    sweep(console)
    assert console.versions == [__version__, NEXT]


def test_a_version_that_is_about_to_be_switched_to_is_not_swept(
    console: Console, rpm_file: Path
) -> None:
    """As in the moment between the copy and the switch, or after a setup that was killed there."""
    console.install(rpm_file)
    home = console.path(HOME)
    for name in ("new", "unused"):
        (home / "versions" / name).mkdir()
    (home / "bin/.python").symlink_to("../versions/new/bin/python3.13")
    age_last_switch(console)
    sweep(console)
    assert console.versions == [__version__, "new"]
    done = console.run(f"/{HOME}/package/activate", f"/{AVAMAR}")
    assert done.returncode == 0
    assert ask_version(console, f"/{SCRIPTS}/initial_backup") == __version__


def test_an_older_version_can_be_gone_back_to(
    console: Console, rpm_file: Path, next_rpm: Path
) -> None:
    console.install(next_rpm)
    assert console.rpm("-U", rpm_file).returncode != 0
    console.install(rpm_file, "--oldpackage")
    assert ask_version(console, f"/{SCRIPTS}/initial_backup") == __version__


def test_installing_the_same_again_mends_what_was_damaged(console: Console, rpm_file: Path) -> None:
    console.install(rpm_file)
    library = console.path(f"{HOME}/versions/{__version__}/lib/python3.13")
    (library / "site-packages/hlb_hooks/entry/hooks.pyc").write_bytes(b"damaged")
    assert console.run(f"/{SCRIPTS}/initial_backup", "--version").returncode != 0
    console.install(rpm_file, "--force")
    assert ask_version(console, f"/{SCRIPTS}/initial_backup") == __version__
    assert console.versions == [__version__, f"{__version__}-2"]


def test_an_interpreter_that_does_not_run_here_is_not_switched_to(
    console: Console, rpm_file: Path
) -> None:
    console.install(rpm_file)
    package = console.path(f"{HOME}/package")
    (package / "VERSION").write_text("broken\n")
    program = package / "bin/python3.13"
    program.unlink()
    program.write_text("#!/bin/false\n")
    program.chmod(0o755)
    done = console.run(f"/{HOME}/package/activate", f"/{AVAMAR}")
    assert done.returncode == 1
    assert "does not run on this host" in done.stderr
    assert ask_version(console, f"/{SCRIPTS}/initial_backup") == __version__


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


def test_an_erase_leaves_state_and_changed_configuration_behind(
    console: Console, rpm_file: Path
) -> None:
    console.path(f"{SCRIPTS}/initial_backup").write_text(TALKS_OWN)
    console.install(rpm_file)
    console.path(f"{AVAMAR}/etc/hlb/targets").write_text("wro215ts\n")
    console.path(f"{AVAMAR}/var/hlb/hlb.log").write_text("{}\n")
    done = console.rpm("-e", "hlb-hooks")
    assert done.returncode == 0, done.stderr
    assert f"state and log stay in /{AVAMAR}/var/hlb" in done.stdout
    left = {
        path.relative_to(console.root).as_posix()
        for folder in ("opt", "usr", "etc")
        for path in console.path(folder).rglob("*")
        if not path.is_dir()
    }
    assert left - {"etc/passwd"} == {
        f"{AVAMAR}/etc/hlb/targets.rpmsave",
        f"{AVAMAR}/var/hlb/hlb.log",
        f"{SCRIPTS}/initial_backup.before-hlb-hooks",
    }
    assert not console.path(HOME).exists()


def test_what_a_process_still_runs_outlives_the_erase(console: Console, rpm_file: Path) -> None:
    console.install(rpm_file)
    running = console.start(PYTHON, "-I", "-c", UNDER_WAY)
    assert running.stdout is not None
    assert running.stdout.readline() == "started\n"
    done = console.rpm("-e", "hlb-hooks")
    assert done.returncode == 0
    assert f"remove /{HOME}/versions/{__version__} when it ended" in done.stdout
    console.path("go-on").touch()
    said, _ = running.communicate(timeout=60)
    assert said == f"{__version__} {__version__}\n"


@pytest.mark.parametrize("damage", ["no record\nat all\n", None])
def test_an_erase_that_could_lose_a_snapshot_is_refused(
    console: Console, rpm_file: Path, damage: str | None
) -> None:
    console.install(rpm_file)
    if damage:
        console.path(f"{AVAMAR}/var/hlb/bad.state").write_text(damage)
    else:
        library = console.path(f"{HOME}/versions/{__version__}/lib/python3.13")
        (library / "site-packages/hlb_hooks/base/errors.pyc").unlink()
    done = console.rpm("-e", "hlb-hooks")
    assert done.returncode != 0
    assert "rpm -e --nopreun hlb-hooks" in done.stderr
    assert console.rpm("-q", "hlb-hooks").returncode == 0
    assert console.path(f"{SCRIPTS}/initial_backup").exists()
    anyway = console.rpm("-e", "--nopreun", "hlb-hooks")
    assert anyway.returncode == 0
    assert not console.path(f"{SCRIPTS}/initial_backup").exists()


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
