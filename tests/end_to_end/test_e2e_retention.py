"""What is old of our own traces goes, by those who have time, and never what is needed."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hook_kit import Site
from policy_kit import COMPLETED, back_up_with_log, list_due, make_older
from rehearsing import rehearse, run_hlb

from hlb_hooks.effects.found_runs import find_runs


def names(site: Site) -> set[str]:
    return {path.name for path in site.state_files()}


def newest(site: Site) -> Path:
    return max(site.state_files(), key=lambda path: path.stat().st_mtime_ns)


def test_the_guard_that_goes_home_deletes_what_is_older_than_keep_days(site: Site) -> None:
    site.configure(run={"keep_days": 30})
    site.add_vms(2)
    site.choose("vm1")
    back_up_with_log(site, COMPLETED)
    old = newest(site)
    site.choose("vm2")
    back_up_with_log(site, COMPLETED)
    only_success = newest(site)
    make_older([old, only_success], 31)
    site.choose("vm1")
    back_up_with_log(site, COMPLETED)
    assert not old.exists()
    # vm2 has been backed up by no other run.
    assert only_success.exists()
    assert len(site.state_files()) == 2
    forgotten = find_runs(str(site.state_dir)).forgotten_until
    assert forgotten is not None
    assert (site.state_dir / "finished.index").exists()
    (event,) = [each for each in site.log_events() if each["event"] == "run_forgotten"]
    assert event["old"] == old.stem


def test_what_is_open_and_what_cannot_be_read_stays(site: Site) -> None:
    site.configure(run={"keep_days": 7}, **{"jobs.default": {"success": "hooks"}})
    site.add_vms(1)
    orphan = site.orphan_a_run()
    damaged = site.state_dir / "damaged-20200101T000000Z-00000000.state"
    damaged.write_bytes(orphan.read_bytes().replace(b"\tCHOSEN", b"\tCHOSEM"))
    make_older([orphan], 300)
    before = names(site)
    rehearse(site, "hlb reap")
    outcome = run_hlb(site, "reap")
    assert outcome.exit_code == 1
    assert "is damaged" in outcome.stdout
    # It was settled just now: its last record is young.
    assert names(site) == before
    assert not site.leftovers()


def test_the_reaper_deletes_too_and_says_what_and_a_rehearsal_only_says(site: Site) -> None:
    site.configure(run={"keep_days": 30})
    site.add_vms(1)
    back_up_with_log(site, COMPLETED)
    old = newest(site)
    back_up_with_log(site, COMPLETED)
    make_older([old], 30.5)
    said = f"{old}: deleted, its run ended more than 30 days ago ([run] keep_days)"
    assert f"WOULD {said}" in rehearse(site, "hlb reap").lines
    assert said in run_hlb(site, "reap").lines
    assert not old.exists()
    assert said not in run_hlb(site, "reap").lines
    assert run_hlb(site, "status").exit_code == 0


def test_start_and_end_hook_and_what_only_looks_delete_nothing(site: Site) -> None:
    site.configure(run={"keep_days": 7})
    site.add_vms(1)
    back_up_with_log(site, COMPLETED)
    old = newest(site)
    back_up_with_log(site, COMPLETED)
    make_older([old], 8)
    for program in ("hlb plan", "hlb status", "initial_umount", "compare_backup"):
        rehearse(site, program)
    with site.avtar() as avtar:
        avtar.wait_started()
        assert old.exists()
        avtar.finish()
    site.wait_settled()
    assert not old.exists()


@pytest.mark.parametrize("obstacle", ["finished.index.new", "forgotten-until.new", "tidy.lock"])
def test_a_folder_that_cannot_be_tidied_up_keeps_no_guard_and_fails_no_run(
    site: Site, obstacle: str
) -> None:
    site.configure(run={"keep_days": 7})
    (vmx,) = site.add_vms(1)
    back_up_with_log(site, COMPLETED)
    make_older(site.state_files(), 8)
    old = newest(site)
    (site.state_dir / "tidy.lock").unlink()
    (site.state_dir / obstacle).mkdir()
    story = back_up_with_log(site, COMPLETED)
    assert story.ended.exit_code == 0
    assert "OK_read" in newest(site).read_text("utf-8")
    assert [each for each in site.log_events() if each["event"] == "not_tidied_up"]
    assert old.exists() is (obstacle != "finished.index.new")
    outcome = run_hlb(site, "reap")
    assert outcome.exit_code == 0, outcome.stdout
    assert "cannot be" in outcome.stdout
    (site.state_dir / obstacle).rmdir()
    assert "warning" not in run_hlb(site, "reap").stdout
    assert not old.exists()
    assert vmx in newest(site).read_text("utf-8")


def test_without_the_index_all_is_as_with_it(site: Site) -> None:
    site.add_vms(2)
    site.choose("vm1 BCK_FVM=1M", "vm2 BCK_FVM=1D")
    back_up_with_log(site, COMPLETED)
    make_older(site.state_files(), 2)
    run_hlb(site, "reap")
    with_index = list_due(site), site.run("compare_backup").stdout
    (site.state_dir / "finished.index").unlink()
    assert (list_due(site), site.run("compare_backup").stdout) == with_index
    (site.state_dir / "finished.index").write_bytes(b"garbage")
    assert (list_due(site), site.run("compare_backup").stdout) == with_index
    assert with_index[0] == ({"vm2"}, {"vm1"})


def list_opened(site: Site, *words: str) -> str:
    """Run ``hlb`` and give what it opened in the state folder: guards of others lead elsewhere."""
    trace = site.root / "trace"
    command = ["strace", "-f", "-qq", "-e", "trace=open,openat", "-o", str(trace)]
    hlb = Path(sys.executable).parent / "hlb"
    subprocess.run([*command, hlb, *words, "--config", site.config], check=False, stdout=-3)
    lines = trace.read_text("utf-8", "replace").splitlines()
    text = "\n".join(line for line in lines if str(site.state_dir) in line)
    assert "finished.index" in text
    return text


def test_finished_runs_are_not_read_again_by_status(site: Site) -> None:
    site.add_vms(1)
    back_up_with_log(site, COMPLETED)
    assert ".state" not in list_opened(site, "status")


def test_of_the_runs_made_by_hand_since_the_last_night_none_is_read_by_a_check(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    night = back_up_with_log(site, COMPLETED).end.machine["run"]
    for _ in range(3):
        run = site.run("snap_request", "--lease", "1h", vmx).machine["run"]
        assert site.run("initial_umount", "--run", run).exit_code == 0
        site.wait_settled()
    opened = list_opened(site, "check")
    assert set(re.findall(r"/([^/\"]+)\.state\"", opened)) == {night}
