"""The RPM is upgraded, under a run too, gone back from, and installed once more."""

from pathlib import Path

from console_kit import AVAMAR, HOME, PYTHON, SCRIPTS, Console
from lab_kit import assert_clean, begin_backup, bring_lab, wait_for_guards
from life_kit import NEXT, UNDER_WAY, age_last_switch, ask_version, sweep

from hlb_hooks import __version__


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


def test_a_run_begun_by_one_version_is_ended_by_the_next(
    console: Console, rpm_file: Path, next_rpm: Path
) -> None:
    bring_lab(console, rpm_file)
    client = begin_backup(console)
    console.install(next_rpm)
    said, _ = client.communicate(timeout=300)
    assert "Back from run-at-end, exit code 0" in said
    wait_for_guards(console)
    assert_clean(console)
