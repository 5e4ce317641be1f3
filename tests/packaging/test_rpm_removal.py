"""The RPM is erased, but not while a snapshot of ours could be forgotten by that."""

import shutil
from pathlib import Path

import pytest
from console_kit import AVAMAR, HOME, PYTHON, SCRIPTS, Console, Done
from lab_kit import (
    CONFIG,
    ask_lab,
    assert_clean,
    begin_backup,
    bring_lab,
    count_ours,
    look,
    put_lab_beside,
    wait_for_guards,
)
from life_kit import TALKS_OWN, UNDER_WAY, UNINSTALL, install_archive

from hlb_hooks import __version__


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


@pytest.mark.parametrize("way", [("rpm", "-e", "hlb-hooks"), (UNINSTALL,)])
def test_a_snapshot_of_ours_that_is_open_holds_the_package(
    console: Console, rpm_file: Path, archive_file: Path, way: tuple[str, ...]
) -> None:
    def remove() -> Done:
        return console.rpm(*way[1:]) if way[0] == "rpm" else console.run(*way)

    if way[0] == "rpm":
        console.install(rpm_file)
    else:
        install_archive(console, archive_file)
    put_lab_beside(console)
    ask_lab(console, "create")
    # As on a host: the configuration is where everything looks for it.
    shutil.copy(console.path(CONFIG), console.path(f"{AVAMAR}/etc/hlb/hlb.toml"))
    (vmx, *_) = console.run("/lab/bin/vmware-cmd", "-l").stdout.splitlines()
    made = console.run(f"/{SCRIPTS}/snap_request", "--lease", "1h", vmx)
    assert made.returncode == 0, made.stdout
    (state,) = console.path("/lab/avamar/var/hlb").glob("*.state")
    held = remove()
    assert held.returncode != 0
    said = held.stdout + held.stderr
    assert vmx in said
    assert state.stem in said
    assert "hlb-hooks is not removed" in said
    assert count_ours(look(console)) == 1
    assert console.run(f"/{SCRIPTS}/snap_remove", "--run", state.stem, vmx).returncode == 0
    assert console.run(f"/{SCRIPTS}/initial_umount", "--run", state.stem).returncode == 0
    wait_for_guards(console)
    assert_clean(console)
    gone = remove()
    assert gone.returncode == 0, gone.stdout + gone.stderr
    assert state.exists()
    assert not console.path(f"{SCRIPTS}/initial_backup").exists()


def test_whoever_knows_better_leaves_the_guard_its_work(console: Console, rpm_file: Path) -> None:
    client = begin_backup(bring_lab(console, rpm_file))
    assert count_ours(look(console)) > 0
    shutil.copy(console.path(CONFIG), console.path(f"{AVAMAR}/etc/hlb/hlb.toml"))
    assert console.rpm("-e", "hlb-hooks").returncode != 0
    assert console.rpm("-e", "--nopreun", "hlb-hooks").returncode == 0
    # Hooks and link are gone, so nobody but the guard is left to do it.
    client.communicate(timeout=300)
    wait_for_guards(console)
    program = f"/{HOME}/versions/{__version__}/bin/python3.13"
    assert_clean(console, program)
