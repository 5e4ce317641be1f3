"""`hlb probe` with a client that calls hooks, cancels them and restores: what it sees is told."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from avtar_kit import HOOKS, SMALL, start_avtar
from lab_kit import Outcome, make_lab, run, run_avtar, wait_for

from hlb_hooks.entry.hook_scripts import render
from hlb_hooks.lab.layout import Lab
from hlb_hooks.lab.sample_vms import SampleVm

SECRET = "open-sesame"


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return make_lab(tmp_path / "lab", [SampleVm("wro215ts", disks=(SMALL,))], render_hook=render)


def probe(lab: Lab, *words: str) -> Outcome:
    return run(lab.programs / "hlb", "probe", *words)


def read_calls(lab: Lab) -> list[list[dict[str, Any]]]:
    calls: list[list[dict[str, Any]]] = json.loads(probe(lab, "show", "--json").stdout)["calls"]
    return calls


def has_event(lab: Lab, name: str) -> bool:
    return any(event["event"] == name for call in read_calls(lab) for event in call)


def list_events(lab: Lab, call: int) -> list[str]:
    return [event["event"] for event in read_calls(lab)[call]]


def list_scripts(lab: Lab) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (lab.sysdir / "scripts").iterdir()}


def list_datastore(lab: Lab) -> dict[str, int]:
    return {str(path): path.lstat().st_mtime_ns for path in lab.volumes.rglob("*")}


def test_a_backup_is_told_and_no_vm_was_touched(lab: Lab, tmp_path: Path) -> None:
    scripts, datastore = list_scripts(lab), list_datastore(lab)
    installed = probe(lab, "install")
    assert installed.exit_code == 0
    assert "initial_umount is inert now" in installed.stdout
    log = tmp_path / "log"
    words = ("--create", f"--password={SECRET}", f"--logfile={log}", *HOOKS, lab.volumes)
    done = run(
        lab.programs / "avtar", *words, environment={"MY_PASSWORD": SECRET, "LAB_NOTE": "seen"}
    )
    assert done.exit_code == 0, done.stdout
    assert "hlb probe: initial_backup, line 3 of 3" in done.stdout
    told = probe(lab, "show").stdout
    assert told.count("[run] owner finds the client, pid ") == 2
    assert f"its lines were in {log} as they came" in told
    assert "LD_LIBRARY_PATH=" in told
    assert told.count("left by itself with exit code 0 after ") == 2
    (called,) = [event for event in read_calls(lab)[0] if event["event"] == "called"]
    assert called["environment"]["LAB_NOTE"] == "seen"
    assert called["hook"] == "initial_backup"
    assert called["ancestors"][0]["names"][0] == "avtar"
    assert list_datastore(lab) == datastore
    assert probe(lab, "remove").exit_code == 0
    assert list_scripts(lab) == scripts
    for path in (lab.vardir / "hlb" / "probe").iterdir():
        assert SECRET not in path.read_text()
        assert path.stat().st_mode & 0o777 == 0o600


def test_what_a_hook_leaves_behind_is_watched_until_the_client_is_gone(lab: Lab) -> None:
    probe(lab, "install")
    run_avtar(lab, "--create", HOOKS[0], lab.volumes)
    wait_for(lambda: list_events(lab, 0).count("watch_over") == 2, "both watchers' end")
    told = probe(lab, "show").stdout
    assert "(child) outlived hook and client" in told
    assert "(detached) outlived hook and client" in told
    assert "the client was gone after " in told


def test_a_hook_that_is_killed_with_its_group_is_told_by_who_was_not_in_it(
    lab: Lab, tmp_path: Path
) -> None:
    probe(lab, "install", "--stay", "10m")
    words = ("--create", HOOKS[0], "--lab-kill=group", "--lab-watchdog=0.5", lab.volumes)
    with start_avtar(lab, tmp_path / "run", *words) as avtar:
        wait_for(lambda: bool(read_calls(lab)) and has_event(lab, "staying"), "the hook to stay")
        os.kill(avtar.pid, signal.SIGTERM)
        assert avtar.finish().exit_code == 163
    wait_for(lambda: has_event(lab, "watch_over"), "the detached watcher's end")
    told = probe(lab, "show").stdout
    assert "was killed after " in told
    assert "(child) was killed" in told
    assert "(detached) outlived hook and client" in told


def test_a_signal_is_told_and_the_hook_stays(lab: Lab, tmp_path: Path) -> None:
    probe(lab, "install", "--stay", "10m")
    with start_avtar(lab, tmp_path / "run", "--create", HOOKS[0], lab.volumes):
        wait_for(lambda: bool(read_calls(lab)) and has_event(lab, "staying"), "the hook to stay")
        (called,) = [event for event in read_calls(lab)[0] if event["event"] == "called"]
        os.kill(called["process"], signal.SIGTERM)
        wait_for(lambda: has_event(lab, "signal"), "the signal")
        os.kill(called["process"], signal.SIGKILL)
    told = probe(lab, "show").stdout
    assert "was sent SIGTERM after " in told
    wait_for(lambda: has_event(lab, "watch_over"), "the watchers' end")


def test_the_exit_code_shows_whether_the_end_hook_runs_after_a_failure(lab: Lab) -> None:
    probe(lab, "install", "--exit-code", "7")
    words = ("--create", *HOOKS, "--run-at-start-exit=true", "--lab-end-after-failure=yes")
    done = run_avtar(lab, *words, lab.volumes)
    assert "Back from run-at-start, exit code 7" in done.stdout
    assert [call[0]["hook"] for call in read_calls(lab)] == ["initial_backup", "initial_umount"]


def test_a_restore_shows_by_the_client_s_command_line(lab: Lab, tmp_path: Path) -> None:
    run_avtar(lab, "--create", lab.volumes)
    probe(lab, "install")
    run_avtar(lab, "-x", f"--target={tmp_path / 'back'}", HOOKS[0])
    assert " -x --target=" in probe(lab, "show").stdout


def test_a_run_that_is_not_over_keeps_its_end_hook(lab: Lab, tmp_path: Path) -> None:
    scripts = list_scripts(lab)
    words = ("--create", *HOOKS, "--lab-read-delay=60", lab.volumes)
    with start_avtar(lab, tmp_path / "run", *words) as avtar:
        avtar.wait_for_log("Loading cache files")
        refused = probe(lab, "install")
        os.kill(avtar.pid, signal.SIGTERM)
        avtar.finish()
    assert refused.exit_code == 75
    assert "its end hook is needed" in refused.stdout
    assert list_scripts(lab) == scripts


def test_a_script_that_is_not_ours_stays(lab: Lab) -> None:
    script = lab.sysdir / "scripts" / "initial_umount"
    script.write_text("#!/bin/sh\nexit 0\n")
    scripts = list_scripts(lab)
    refused = probe(lab, "install")
    assert refused.exit_code == 2
    assert "is not ours (foreign), and stays" in refused.stdout
    assert list_scripts(lab) == scripts


def test_where_nothing_is_installed_or_seen_it_says_so(lab: Lab) -> None:
    assert probe(lab, "show").stdout == "the client has called no inert hook yet\n"
    assert probe(lab, "remove").stdout == "no inert hook is installed\n"


@pytest.mark.parametrize("words", [("--exit-code", "256"), ("--stay", "long"), ("--stay", "0s")])
def test_what_no_hook_can_do_is_refused(lab: Lab, words: tuple[str, str]) -> None:
    scripts = list_scripts(lab)
    assert probe(lab, "install", *words).exit_code == 2
    assert list_scripts(lab) == scripts
