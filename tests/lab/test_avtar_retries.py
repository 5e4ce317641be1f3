"""A failed backup begun again, hooks and all: by the same process, or by a new one."""

import os
import signal
from pathlib import Path

import pytest
from avtar_kit import HOOKS, VMS, WAITING_HOOK, read_pid, start_avtar
from lab_kit import make_lab, make_python_hooks, wait_for

from hlb_hooks.lab.layout import Lab

# The first so many start hooks fail; each notes avtar's number, which is its parent's.
FAILING_HOOK = (
    "folder = os.environ['LAB_TEST_FOLDER']",
    "open(folder + '/owners', 'a').write(f'{os.getppid()}\\n')",
    "open(folder + '/names', 'a').write(open(f'/proc/{os.getppid()}/comm').read())",
    "failed = len(open(folder + '/owners').readlines())",
    "sys.exit(failed <= int(os.environ['LAB_TEST_FAILURES']))",
)
ABORTING = ("--create", "--run-at-start-exit=true", *HOOKS)


def make_failing_lab(folder: Path, monkeypatch: pytest.MonkeyPatch, failures: int) -> Lab:
    monkeypatch.setenv("LAB_TEST_FAILURES", str(failures))
    hooks = make_python_hooks({"initial_backup": FAILING_HOOK})
    return make_lab(folder / "lab", VMS, render_hook=hooks)


@pytest.mark.parametrize("where", ["same", "new"])
@pytest.mark.parametrize(
    ("failures", "retries", "runs", "exit_code"),
    [(0, 3, 1, 0), (1, 3, 2, 0), (2, 1, 2, 157), (1, 0, 1, 157)],
)
def test_a_command_is_begun_again_while_it_fails(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
    failures: int,
    retries: int,
    runs: int,
    exit_code: int,
) -> None:
    lab = make_failing_lab(tmp_path, monkeypatch, failures)
    words = (*ABORTING, f"--lab-retries={retries}", f"--lab-retry-in={where}", lab.volumes)
    run = tmp_path / "run"
    with start_avtar(lab, run, *words) as avtar:
        outcome = avtar.finish()
        pid = avtar.pid
    owners = (run / "owners").read_text().split()
    assert len(owners) == runs
    assert (run / "names").read_text() == "avtar\n" * runs
    is_new = where == "new" and retries > 0
    assert len(set(owners)) == (runs if is_new else 1)
    assert (str(pid) in owners) != is_new
    assert outcome.exit_code == exit_code
    for text in ("-----  START avtar log", "Back from run-at-end", "<5314>", "----- END"):
        assert outcome.stdout.count(text) == runs
    assert outcome.stdout.count("Command failed") == min(failures, runs)


def test_what_starts_the_new_processes_bears_another_name(tmp_path: Path) -> None:
    hooks = make_python_hooks({"initial_backup": WAITING_HOOK})
    lab = make_lab(tmp_path / "lab", VMS, render_hook=hooks)
    run = tmp_path / "run"
    with start_avtar(lab, run, *ABORTING, "--lab-retries=1", lab.volumes) as avtar:
        read_pid(run / "initial_backup")
        assert Path(f"/proc/{avtar.pid}/comm").read_text() == "avagent\n"
        (run / "go").touch()
        assert avtar.finish().exit_code == 0


@pytest.mark.parametrize("where", ["same", "new"])
@pytest.mark.parametrize("whom", ["first", "nearest"])
def test_what_was_canceled_is_not_begun_again(tmp_path: Path, where: str, whom: str) -> None:
    hooks = make_python_hooks({"initial_backup": WAITING_HOOK})
    lab = make_lab(tmp_path / "lab", VMS, render_hook=hooks)
    run = tmp_path / "run"
    words = (*ABORTING, "--lab-retries=2", f"--lab-retry-in={where}", lab.volumes)
    with start_avtar(lab, run, *words) as avtar:
        hook = read_pid(run / "initial_backup")
        status = Path(f"/proc/{hook}/stat").read_text()
        owner = int(status.rpartition(")")[2].split()[1])
        assert (owner == avtar.pid) == (where == "same")
        os.kill(avtar.pid if whom == "first" else owner, signal.SIGTERM)
        avtar.wait_for_log("Canceled by")
        (run / "go").touch()
        outcome = avtar.finish()
    assert outcome.exit_code == 157
    assert outcome.stdout.count("-----  START avtar log") == 1


def test_an_avtar_that_was_killed_has_failed(tmp_path: Path) -> None:
    hooks = make_python_hooks({"initial_backup": WAITING_HOOK})
    lab = make_lab(tmp_path / "lab", VMS, render_hook=hooks)
    run = tmp_path / "run"
    words = (*ABORTING, "--lab-retries=1", lab.volumes)
    with start_avtar(lab, run, *words) as avtar:
        hook = read_pid(run / "initial_backup")
        status = Path(f"/proc/{hook}/stat").read_text()
        os.kill(int(status.rpartition(")")[2].split()[1]), signal.SIGKILL)
        wait_for(lambda: avtar.log.count("START avtar log") == 2, "the second avtar")
        (run / "go").touch()
        assert avtar.finish().exit_code == 0


def test_the_watchdogs_code_comes_through(tmp_path: Path) -> None:
    hooks = make_python_hooks({"initial_backup": WAITING_HOOK})
    lab = make_lab(tmp_path / "lab", VMS, render_hook=hooks)
    run = tmp_path / "run"
    words = (*ABORTING, "--lab-retries=1", "--lab-watchdog=0", lab.volumes)
    with start_avtar(lab, run, *words) as avtar:
        read_pid(run / "initial_backup")
        os.kill(avtar.pid, signal.SIGTERM)
        assert avtar.finish().exit_code == 163
    assert avtar.log.count("START avtar log") == 1
