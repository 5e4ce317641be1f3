"""``hlb status`` says what is open and what a person has to do; ``hlb plan`` what would be done."""

import fcntl
import json
import os
import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from hook_kit import Site
from hook_story import Outcome
from rehearsing import look, run_hlb

from hlb_hooks.effects.records import decode_records, encode_record

ADMIN = "before the update"


def ask(site: Site, command: str = "status", *arguments: str) -> Outcome:
    """Run a command that only reads: not a byte may change, and nobody is kept waiting."""
    with ExitStack() as stack:
        for guard in site.guards():
            # Nobody else may be what changes something meanwhile.
            stack.enter_context(freezing(guard))
        before, changing = look(site), site.changing_calls()
        outcome = run_hlb(site, command, *arguments)
        assert look(site) == before
        assert site.changing_calls() == changing
    assert "Traceback" not in outcome.stdout + outcome.stderr
    return outcome


def to_do(outcome: Outcome) -> list[str]:
    """Give what a person has to do, each with its next step."""
    _, mark, rest = outcome.stdout.partition("to be done by hand:\n")
    return rest.splitlines() if mark else []


@contextmanager
def freezing(pid: int) -> Iterator[None]:
    """Have a process do nothing for a while."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_where_nothing_was_ever_open_nothing_is_to_be_done(site: Site) -> None:
    outcome = ask(site)
    assert outcome.exit_code == 0
    assert outcome.lines == ["no snapshot of ours is open", "nothing to do by hand"]
    assert site.host.calls() == []
    assert not site.state_dir.exists()


def test_during_a_backup_what_is_open_is_shown_with_who_keeps_it(site: Site) -> None:
    vmx, taken = site.add_vms(2)
    site.host.take_admin_snapshot(taken, ADMIN)
    with site.avtar() as avtar:
        avtar.wait_started()
        (guard,) = site.guards()
        calls = len(site.host.calls())
        outcome = ask(site)
        assert outcome.exit_code == 0, outcome.stdout
        assert site.run_name in outcome.stdout
        assert f"its client avtar (pid {avtar.pid})" in outcome.stdout
        assert f"its guard (pid {guard})" in outcome.stdout
        assert f"    {vmx} OK_snap" in outcome.lines
        assert f"{site.host.snapshots(vmx)[0]}, open for 0." in outcome.stdout
        # It was left out, and nothing of ours is on it.
        assert f"    {taken} " not in outcome.stdout
        assert "no snapshot of ours is open" not in outcome.stdout
        assert outcome.lines[-1] == "nothing to do by hand"
        # What is under way has not failed, and is not to be counted yet.
        assert "failed for" not in outcome.stdout
        assert "does not count" not in outcome.stdout
        assert len(site.host.calls()) == calls
        avtar.finish()
    site.wait_settled()
    lines = ask(site).lines
    assert (lines[0], lines[-1]) == ("no snapshot of ours is open", "nothing to do by hand")


def test_a_last_night_with_failures_is_pointed_out_until_the_next_good_one(site: Site) -> None:
    _, taken = site.add_vms(2)
    site.host.take_admin_snapshot(taken, ADMIN)
    site.back_up()
    site.wait_settled()
    outcome = ask(site)
    # Nothing is open, so nothing has to be done by hand; but nobody is to take it for a good night.
    assert outcome.exit_code == 0
    failed, last = outcome.lines[-2:]
    assert last == "nothing to do by hand"
    assert failed == (
        f"the last run of job default failed for 1 VMs: see hlb report {site.run_name}"
    )
    told = json.loads(run_hlb(site, "status", "--json").stdout)
    (run,) = told["failed_runs"]
    assert (run["job"], run["run"], run["failed"]) == ("default", site.run_name, 1)
    site.host.remove_admin_snapshots(taken)
    site.back_up()
    site.wait_settled()
    assert "failed for" not in ask(site).stdout


def test_after_a_failed_removal_it_says_what_a_person_has_to_do(site: Site) -> None:
    site.configure(run={"guard_retry_seconds": 600})
    vmx, _ = site.add_vms(2)
    with site.avtar() as avtar:
        avtar.wait_started()
        site.host.take_admin_snapshot(vmx, ADMIN)
        assert avtar.finish().ended.exit_code == 4
    name = site.host.snapshots(vmx)[0]
    outcome = ask(site)
    assert outcome.exit_code == 4
    assert f"    {vmx} OK_snap FAILED_umount" in outcome.lines
    what, next_step = to_do(outcome)
    assert vmx in what
    assert ADMIN in what
    assert re.search(rf"next step: remove {name}\b", next_step)
    assert "its client" not in outcome.stdout
    site.may_leave_guards = True


def test_a_run_that_nobody_keeps_is_for_the_reaper(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    site.orphan_a_run()
    outcome = ask(site)
    assert outcome.exit_code == 4
    assert "kept by nobody" in outcome.stdout
    what, next_step = to_do(outcome)
    assert site.run_name in what
    assert "run hlb reap" in next_step
    with site.flat_path(vmx).open("rb"):
        assert ask(site).exit_code == 4
    assert run_hlb(site, "reap").exit_code == 0
    assert ask(site).exit_code == 0


def test_a_guard_that_waits_says_what_for(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    with site.avtar() as avtar:
        avtar.wait_started()
        with site.flat_path(vmx).open("rb"):
            avtar.kill()
            outcome = ask(site)
            assert f"which waits: {site.flat_path(vmx)} is still being read" in outcome.stdout
            assert str(os.getpid()) in outcome.stdout
            assert outcome.exit_code == 0
    site.wait_settled()


def make_older(path: Path, age: timedelta) -> None:
    """Write a state file as if all of it had happened so long ago."""
    records = decode_records(path.read_bytes(), str(path)).records
    older = [record._replace(moment=record.moment - age) for record in records]
    path.write_bytes(b"".join(map(encode_record, older)))


def test_what_is_open_for_too_long_is_named_with_the_limit(site: Site) -> None:
    site.configure(snapshot={"alarm_open_hours": 12})
    (vmx,) = site.add_vms(1)
    with site.avtar() as avtar:
        avtar.wait_started()
        (guard,) = site.guards()
        make_older(site.state_file, timedelta(hours=11, minutes=30))
        assert ask(site).exit_code == 0
        make_older(site.state_file, timedelta(hours=1))
        outcome = ask(site)
        assert outcome.exit_code == 4
        what, next_step = to_do(outcome)
        assert f"{vmx}: open for 12." in what
        assert "[snapshot] alarm_open_hours is 12" in what
        assert site.run_name in next_step
        assert site.guards() == [guard]
        avtar.finish()
    site.wait_settled()


def test_a_damaged_state_file_is_named_and_hides_no_other(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    whole = site.orphan_a_run()
    lines = whole.read_bytes().splitlines(keepends=True)
    damaged = whole.with_name("default-20260101T000000Z-00000000.state")
    damaged.write_bytes(b"".join([*lines[:3], b"damage\n", *lines[3:]]))
    outcome = ask(site)
    assert outcome.exit_code == 1
    assert f"warning: {damaged}: line 4 is damaged" in outcome.stdout
    assert f"    {vmx} OK_snap" in outcome.lines
    first, its_step, second, _ = to_do(outcome)
    assert str(damaged) in first
    assert "it is left as it is" in its_step
    assert whole.stem in second
    assert "2 to be done by hand:" in outcome.lines


@pytest.mark.parametrize("text", ["nonsense = [\n", "[run]\nunknown = 1\n"])
def test_a_broken_configuration_is_said_and_the_runs_are_found(site: Site, text: str) -> None:
    (vmx,) = site.add_vms(1)
    with site.avtar() as avtar:
        avtar.wait_started()
        config = site.config.read_text("utf-8")
        site.config.write_text(text + config, "utf-8")
        outcome = ask(site)
        site.config.write_text(config, "utf-8")
        assert f"    {vmx} OK_snap" in outcome.lines, outcome.stdout
        assert f"warning: {site.config}" in outcome.stdout
        avtar.finish()
    site.wait_settled()


def test_a_run_in_yesterday_s_state_folder_is_found_by_its_guard(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    with site.avtar() as avtar:
        avtar.wait_started()
        old = site.settings["paths"]["state_dir"]
        site.configure(paths={"state_dir": str(site.root / "new")})
        assert f"    {vmx} OK_snap" in ask(site).lines
        site.configure(paths={"state_dir": old})
        avtar.finish()
    site.wait_settled()


def test_it_takes_no_lock_and_waits_for_none(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    with site.avtar() as avtar:
        avtar.wait_started()
        with site.state_file.open("rb") as file, (site.state_dir / "begin.lock").open() as lock:
            fcntl.flock(file, fcntl.LOCK_EX)
            fcntl.flock(lock, fcntl.LOCK_EX)
            outcome = ask(site)
            assert outcome.exit_code == 0
            assert vmx in outcome.stdout
        avtar.finish()
    site.wait_settled()


# ---- the plan


def strip_times(text: str) -> str:
    """Leave out what differs between two runs: their names, the owner, the guard's owner."""
    text = re.sub(r"default-[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}", "RUN", text)
    return re.sub(r"\S+ \(pid [0-9]+\)", "OWNER", text)


def test_the_plan_is_what_the_start_hook_would_do_without_any_client(site: Site) -> None:
    first, taken = site.add_vms(2)
    site.host.take_admin_snapshot(taken, ADMIN)
    site.choose("*", "missing")
    planned = ask(site, "plan")
    rehearsed = site.run("initial_backup", "--dry-run", "--owner-pid", str(os.getpid()))
    assert planned.exit_code == rehearsed.exit_code == 0
    assert strip_times(planned.stdout) == strip_times(rehearsed.stdout)
    assert planned.flags(taken) == ["LEFT_OUT"]
    assert f"WOULD run: {site.host.vmware_cmd} {first} createsnapshot" in planned.stdout
    assert not site.state_dir.exists()
    story = site.back_up()
    assert story.start.flags(first) == planned.flags(first)
    assert story.start.words(taken) == planned.words(taken)


def test_a_job_that_is_not_configured_is_a_usage_error(site: Site) -> None:
    outcome = ask(site, "plan", "--job", "gold")
    assert outcome.exit_code == 2
    assert "gold" in outcome.stdout
    assert site.host.calls() == []
    site.configure(**{"jobs.gold": {"targets": str(site.targets)}})
    (vmx,) = site.add_vms(1)
    assert ask(site, "plan", "--job", "gold").machine["job"] == "gold"
    assert ask(site, "plan", "--job", "gold").flags(vmx) == ["OK_snap"]


def test_a_host_that_does_not_answer_is_no_empty_plan(site: Site) -> None:
    site.add_vms(1)
    down = "VMControl error -14: Unexpected response from vmware-hostd"
    site.host.configure(fail=[{"exit_code": 14, "text": down, "command": "-l"}])
    outcome = ask(site, "plan")
    assert outcome.exit_code == 1
    assert "-14" in outcome.stdout
    assert not site.state_dir.exists()


def test_the_plan_of_a_job_that_is_active_is_not_now(site: Site) -> None:
    site.add_vms(1)
    with site.avtar() as avtar:
        avtar.wait_started()
        assert ask(site, "plan").exit_code == 75
        avtar.finish()
    site.wait_settled()
