"""The lab's avtar canceled: its stages, its watchdog, and what becomes of the hooks."""

import os
import signal
from pathlib import Path

import pytest
from avtar_kit import HOOKS, VMS, WAITING_HOOK, is_running, read_pid, start_avtar
from lab_kit import make_lab, make_python_hooks, run_avtar, wait_for

from hlb_hooks.lab.client.store import Store
from hlb_hooks.lab.layout import Lab

READING_SLOWLY = ("--create", "--label=gold", "--lab-read-delay=60")
STAGES = (
    "avtar Info <7061>: Canceled by 'MCS' - exiting...\n",
    "avtar Info <9772>: Starting graceful (staged) termination, Process cancel request from MCS ",
    "avtar Info <0000>: Entering the 'final' phase of termination",
)


def make_waiting_lab(folder: Path, *names: str) -> Lab:
    bodies = dict.fromkeys(names, WAITING_HOOK)
    return make_lab(folder / "lab", VMS, render_hook=make_python_hooks(bodies))


def assert_stages(log: str) -> None:
    places = [log.index(text) for text in (*STAGES, "<5314>: Command failed")]
    assert places == sorted(places)


@pytest.mark.parametrize(("choice", "is_run"), [("yes", True), ("no", False)])
def test_a_cancel_ends_the_reading_and_an_option_says_whether_the_end_hook_runs(
    tmp_path: Path, choice: str, *, is_run: bool
) -> None:
    lab = make_waiting_lab(tmp_path)
    words = (*READING_SLOWLY, *HOOKS, f"--lab-end-after-cancel={choice}", lab.volumes)
    with start_avtar(lab, tmp_path / "run", *words) as avtar:
        avtar.wait_for_log("Loading cache files")
        os.kill(avtar.pid, signal.SIGTERM)
        outcome = avtar.finish()
    assert outcome.exit_code == 157
    assert_stages(outcome.stdout)
    assert ("Executing run-at-end" in outcome.stdout) == is_run
    assert Store(lab.store).list_backups() == []
    assert not (lab.vardir / "gold_avtar.lck").exists()
    assert list((lab.store / "contents").iterdir()) == []


def test_a_cancel_in_the_middle_of_a_file_closes_it_and_keeps_nothing(tmp_path: Path) -> None:
    lab = make_waiting_lab(tmp_path)
    big = tmp_path / "big-flat.vmdk"
    big.write_bytes(bytes(4 * 1024 * 1024))
    words = ("--create", "--lab-chunk-delay=60", big)
    with start_avtar(lab, tmp_path / "run", *words) as avtar:
        descriptors = Path(f"/proc/{avtar.pid}/fd")
        wait_for(lambda: big in {path.resolve() for path in descriptors.iterdir()}, "an open disk")
        wait_for(lambda: any((lab.store / "contents").iterdir()), "the first piece")
        os.kill(avtar.pid, signal.SIGTERM)
        assert_stages(avtar.finish().stdout)
    assert Store(lab.store).list_backups() == []
    assert list((lab.store / "contents").iterdir()) == []


def test_a_cancel_waits_for_the_start_hook_and_then_reads_nothing(tmp_path: Path) -> None:
    lab = make_waiting_lab(tmp_path, "initial_backup")
    run = tmp_path / "run"
    with start_avtar(lab, run, "--create", *HOOKS, lab.volumes) as avtar:
        pid = read_pid(run / "initial_backup")
        os.kill(avtar.pid, signal.SIGTERM)
        avtar.wait_for_log("Starting graceful")
        assert is_running(pid)
        (run / "go").touch()
        outcome = avtar.finish()
    assert "Back from run-at-start, exit code 0" in outcome.stdout
    assert "Starting back up" not in outcome.stdout
    assert_stages(outcome.stdout)


@pytest.mark.parametrize("hook", ["initial_backup", "initial_umount"])
def test_the_watchdog_kills_a_hook_that_goes_on_and_leaves_with_163(
    tmp_path: Path, hook: str
) -> None:
    lab = make_waiting_lab(tmp_path, hook)
    run = tmp_path / "run"
    words = ("--create", "--lab-watchdog=0.2", *HOOKS, lab.volumes)
    with start_avtar(lab, run, *words) as avtar:
        pid = read_pid(run / hook)
        os.kill(avtar.pid, signal.SIGTERM)
        outcome = avtar.finish()
        assert outcome.exit_code == 163
        wait_for(lambda: not is_running(pid), "the hook's end")
    assert "Command" not in outcome.stdout.partition("Canceled by")[2]
    assert outcome.stdout.endswith(
        "avtar FATAL <12477>: WATCHDOG TIMEOUT (cancellation exceeded 0.2 secs): "
        "Exiting with code=163\n"
    )


@pytest.mark.parametrize(("scope", "survives"), [("hook", True), ("group", False)])
def test_an_option_says_whether_the_hooks_children_are_killed_with_it(
    tmp_path: Path, scope: str, *, survives: bool
) -> None:
    hook = (
        "import time",
        "folder = os.environ['LAB_TEST_FOLDER']",
        "child = os.fork()",
        "if child == 0: time.sleep(600)",
        "open(folder + '/new', 'w').write(str(child))",
        "os.rename(folder + '/new', folder + '/child')",
        "time.sleep(600)",
    )
    hooks = make_python_hooks({"initial_backup": hook})
    lab = make_lab(tmp_path / "lab", VMS, render_hook=hooks)
    run = tmp_path / "run"
    words = ("--create", "--lab-watchdog=0", f"--lab-kill={scope}", *HOOKS, lab.volumes)
    with start_avtar(lab, run, *words) as avtar:
        child = read_pid(run / "child")
        try:
            os.kill(avtar.pid, signal.SIGTERM)
            assert avtar.finish().exit_code == 163
            if not survives:
                wait_for(lambda: not is_running(child), "the end of the hook's child")
            assert is_running(child) == survives
        finally:
            if is_running(child):
                os.kill(child, signal.SIGKILL)


def test_an_avtar_that_is_killed_leaves_its_hook_alone(tmp_path: Path) -> None:
    lab = make_waiting_lab(tmp_path, "initial_backup")
    run = tmp_path / "run"
    with start_avtar(lab, run, "--create", *HOOKS, lab.volumes) as avtar:
        pid = read_pid(run / "initial_backup")
        avtar.process.kill()
        assert avtar.finish().exit_code == -signal.SIGKILL
        assert is_running(pid)
        (run / "go").touch()
        wait_for(lambda: not is_running(pid), "the hook's own end")
    assert "Back from" not in avtar.log


def test_the_server_cancels_by_label_and_leaves_the_others_alone(tmp_path: Path) -> None:
    lab = make_waiting_lab(tmp_path)
    words = ("--create", "--lab-read-delay=60", lab.volumes)
    with (
        start_avtar(lab, tmp_path / "gold", "--label=gold", *words) as gold,
        start_avtar(lab, tmp_path / "silver", "--label=silver", *words) as silver,
    ):
        gold.wait_for_log("Loading cache files")
        silver.wait_for_log("Loading cache files")
        canceled = run_avtar(lab, "--lab-cancel=gold")
        assert (canceled.exit_code, canceled.stdout) == (0, "canceled: 1\n")
        assert_stages(gold.finish().stdout)
        assert is_running(silver.pid)
        assert "Canceled" not in silver.log


def test_a_label_that_nobody_runs_is_said(tmp_path: Path) -> None:
    outcome = run_avtar(make_waiting_lab(tmp_path), "--lab-cancel=bronze")
    assert outcome.exit_code == 157
    assert "no avtar with the label 'bronze' runs" in outcome.stderr


def test_a_restore_is_canceled_like_a_backup(tmp_path: Path) -> None:
    lab = make_waiting_lab(tmp_path)
    assert run_avtar(lab, "--create", lab.volumes).exit_code == 0
    target = tmp_path / "back"
    words = ("--extract", f"--target={target}", "--lab-read-delay=60")
    with start_avtar(lab, tmp_path / "run", *words) as avtar:
        avtar.wait_for_log("Starting restore")
        os.kill(avtar.pid, signal.SIGTERM)
        assert_stages(avtar.finish().stdout)
    assert not target.exists()
