"""Everything the hooks do, by the packaged interpreter, as on the kernel 2.6.18 of a console.

The console is a folder with the RPM's files, a static busybox and the lab; the emulation refuses
what came after that kernel, see old_kernel.c.
"""

import re
from pathlib import Path

import pytest
from conftest import ConsoleMaker
from console_kit import PYTHON, SCRIPTS, Console
from lab_kit import (
    CONFIG,
    GUARD,
    ask_lab,
    assert_clean,
    begin_backup,
    bring_lab,
    count_ours,
    look,
    wait_for,
    wait_for_guards,
)

REFUSED = {
    "utime of a link itself": 'os.utime("/tmp", follow_symlinks=False)',
    "eventfd": "os.eventfd(0)",
    "getrandom": "os.getrandom(1)",
    "pidfd": "os.pidfd_open(1)",
    "the name in /proc": 'open("/proc/self/comm", "w")',
    "the size of a pipe": "fcntl.fcntl(os.pipe()[0], fcntl.F_SETPIPE_SZ, 4096)",
    "holes": 'os.lseek(os.open("/bin/busybox", 0), 0, os.SEEK_DATA)',
    "seconds since boot, asleep too": "time.clock_gettime(7)",
}


@pytest.fixture
def console(make_console: ConsoleMaker, old_kernel: Path, rpm_file: Path) -> Console:
    return bring_lab(make_console(old_kernel), rpm_file)


def list_refused(console: Console) -> list[str]:
    lines = ["import fcntl, os, time"]
    for name, call in REFUSED.items():
        lines += [f"try: {call}", f"except OSError: print({name!r})"]
    done = console.run(PYTHON, "-I", "-c", "\n".join(lines))
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_emulation_refuses_what_came_later_and_only_that(
    make_console: ConsoleMaker, old_kernel: Path, rpm_file: Path
) -> None:
    plain, old = make_console(), make_console(old_kernel)
    for console in (plain, old):
        console.install(rpm_file)
    assert list_refused(plain) == []
    assert list_refused(old) == list(REFUSED)


def test_close_on_exec_is_ignored_by_the_kernel_and_kept_by_the_interpreter(
    console: Console,
) -> None:
    program = """
import fcntl, os
inner = os.open("/etc/passwd", os.O_RDONLY)
print(fcntl.fcntl(inner, fcntl.F_GETFD))
"""
    assert console.run(PYTHON, "-I", "-c", program).stdout == "1\n"


def test_a_whole_backup_and_a_restore_keep_every_byte(console: Console) -> None:
    said = ask_lab(console, "demo")
    match = re.search(r"(\d+) of (\d+) claims proved", said)
    assert match is not None
    assert match[1] == match[2]
    assert int(match[1]) > 20
    wait_for_guards(console)
    # hlb restore has put aside what came back with the VM and was of its backup.
    assert not [path for path in look(console)["left"] if "/before-restore/" not in path]


def test_after_a_crash_the_reaper_removes_what_was_left_open(console: Console) -> None:
    client = begin_backup(console)
    before = look(console)
    assert count_ours(before) > 0
    guards = console.find_processes(GUARD)
    assert guards
    console.kill(*guards, *console.find_processes("/lab/bin/avtar"))
    client.communicate(timeout=60)
    wait_for(lambda: not console.find_processes("/lab/bin/avtar"), "the client's end")
    assert count_ours(look(console)) == count_ours(before)
    held = console.run(PYTHON, "-I", "-m", "hlb_hooks.entry.package_removal", "--config", CONFIG)
    assert held.returncode == 4
    reaped = console.run("/usr/bin/hlb", "reap", "--config", CONFIG)
    assert reaped.returncode == 0, reaped.stdout + reaped.stderr
    assert_clean(console)


def test_after_the_client_s_death_the_guard_removes_what_was_left_open(console: Console) -> None:
    client = begin_backup(console)
    console.kill(*console.find_processes("/lab/bin/avtar"))
    client.communicate(timeout=120)
    wait_for_guards(console)
    assert_clean(console)


def test_by_hand_a_snapshot_is_made_shown_and_removed(console: Console) -> None:
    ask_lab(console, "create")
    config = ("--config", CONFIG)
    (vmx, *_) = console.run("/lab/bin/vmware-cmd", "-l").stdout.splitlines()
    made = console.run(f"/{SCRIPTS}/snap_request", *config, "--lease", "1h", vmx)
    assert made.returncode == 0, made.stdout
    assert count_ours(look(console)) == 1
    # A run of the job is alive, so that another cannot begin.
    for command, exit_code in {"plan": 75, "status": 0, "reap": 0}.items():
        done = console.run("/usr/bin/hlb", command, *config)
        assert done.returncode == exit_code, done.stdout
        assert "Traceback" not in done.stdout + done.stderr
    assert count_ours(look(console)) == 1
    (state,) = console.path("/lab/avamar/var/hlb").glob("*.state")
    removed = console.run(f"/{SCRIPTS}/snap_remove", *config, "--run", state.stem, vmx)
    assert removed.returncode == 0, removed.stdout
    assert count_ours(look(console)) == 0
    ended = console.run(f"/{SCRIPTS}/initial_umount", *config, "--run", state.stem)
    assert ended.returncode == 0, ended.stdout
    wait_for_guards(console)
    assert_clean(console)
