"""``hlb history`` and the last successes of ``hlb status``: what is known of all the nights."""

import json
from typing import Any

import pytest
from hook_kit import Site
from hook_story import Outcome
from policy_kit import COMPLETED, FAILED, back_up_with_log, make_older
from rehearsing import look, run_hlb


def ask(site: Site, command: str, *arguments: str) -> Outcome:
    """Ask for what is known: not a byte may change."""
    before, calls = look(site), site.host.calls()
    outcome = run_hlb(site, command, *arguments)
    assert look(site) == before
    assert site.host.calls() == calls
    assert "Traceback" not in outcome.stdout + outcome.stderr
    return outcome


def ask_json(site: Site, command: str, *arguments: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(ask(site, command, "--json", *arguments).stdout)
    assert told["format"] == f"hlb-{command}"
    return told


@pytest.fixture
def three_nights(site: Site) -> Site:
    """Two VMs: read ten days ago, failed to be read three days ago; last night vm2 was not due."""
    site.add_vms(2)
    back_up_with_log(site, COMPLETED)
    make_older(site.state_files(), 7)
    back_up_with_log(site, FAILED)
    make_older(site.state_files(), 3)
    site.choose("vm1", "vm2 BCK_FVM=1M")
    back_up_with_log(site, COMPLETED)
    return site


def test_each_night_is_a_line_the_newest_first(three_nights: Site) -> None:
    outcome = ask(three_nights, "history")
    assert outcome.exit_code == 0
    runs = [run["run"] for run in ask_json(three_nights, "history")["runs"]]
    assert [line.split("  ")[0] for line in outcome.lines] == runs
    assert [line.split("  ")[-1] for line in outcome.lines] == [
        "1 chosen: 1 protected, 0 failed; 1 not due",
        "2 chosen: 0 protected, 2 failed",
        "2 chosen: 2 protected, 0 failed",
    ]
    without_index = outcome.stdout
    run_hlb(three_nights, "reap")
    assert (three_nights.state_dir / "finished.index").exists()
    assert ask(three_nights, "history").stdout == without_index


def test_it_is_narrowed_by_time_job_and_vm(three_nights: Site) -> None:
    assert len(ask(three_nights, "history", "--since", "4d").lines) == 2
    assert len(ask(three_nights, "history", "--since", "2020-01-01").lines) == 3
    assert ask(three_nights, "history", "--since", "2099-01-01").lines == ["no run since then"]
    assert ask(three_nights, "history", "--job", "gold").lines == ["no run is known"]
    told = ask(three_nights, "history", "--vm", "vm2")
    assert [line.rpartition(": ")[2] for line in told.lines[1::2]] == [
        "not due",
        f"see hlb report {told.lines[2].split('  ')[0]}",
        "protected, and read by the client",
    ]


@pytest.mark.parametrize(
    "arguments", [["--since", "soon"], ["--vm", "nobody"], ["--output", ""], ["--html"]]
)
def test_what_cannot_be_asked_is_a_usage_error(three_nights: Site, arguments: list[str]) -> None:
    outcome = ask(three_nights, "history", *arguments)
    assert outcome.exit_code == 2
    assert "error: " in outcome.stdout


def test_before_the_first_night_there_is_nothing(site: Site) -> None:
    assert ask(site, "history").lines == ["no run is known"]
    assert ask_json(site, "history")["runs"] == []


def test_status_knows_the_last_success_of_each_vm(three_nights: Site) -> None:
    told = ask_json(three_nights, "status")
    assert (told["open"], told["runs"], told["to_do"]) == (0, [], [])
    first, second = told["last_successes"]
    runs = [run["run"] for run in ask_json(three_nights, "history")["runs"]]
    assert (first["name"], first["run"]) == ("vm2", runs[2])
    assert (second["name"], second["run"]) == ("vm1", runs[0])
    outcome = ask(three_nights, "status")
    assert outcome.exit_code == 0
    assert "last success of each VM, the oldest first:" in outcome.lines
    assert any("/vm2.vmx: " in line and "(10 d ago)" in line for line in outcome.lines)


def test_a_vm_that_nobody_has_ever_read_is_named_with_the_reason(site: Site) -> None:
    site.add_vms(1)
    site.back_up()
    site.wait_settled()
    outcome = ask(site, "status")
    assert any(line.endswith("/vm1.vmx: no success is known") for line in outcome.lines)
    assert f"run {site.run_name} does not count" in outcome.stdout
    site.configure(**{"jobs.default": {"success": "hooks"}})
    assert "no success is known" not in ask(site, "status").stdout


def test_status_tells_a_program_what_is_open_and_what_is_to_be_done(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    site.orphan_a_run()
    told = ask_json(site, "status")
    (run,) = told["runs"]
    assert (run["run"], run["kept_by"]) == (site.run_name, None)
    (vm,) = run["vms"]
    assert (vm["vmx"], vm["flags"], vm["hours"]) == (vmx, ["OK_snap"], 0.0)
    assert vm["snapshot"] == site.host.snapshots(vmx)[0]
    (to_do,) = told["to_do"]
    assert to_do["what"] == site.run_name
    assert "hlb reap" in to_do["next_step"]
    assert run_hlb(site, "reap").exit_code == 0


@pytest.mark.parametrize("command", ["history", "status"])
def test_a_damaged_state_file_is_named_and_hides_no_other(three_nights: Site, command: str) -> None:
    path = three_nights.state_files()[0]
    damaged = path.with_name("default-20990101T000000Z-00000000.state")
    damaged.write_bytes(path.read_bytes().replace(b"\tCHOSEN", b"\tCHOSEM"))
    outcome = ask(three_nights, command)
    assert outcome.exit_code == 1
    assert f"warning: {damaged}: line " in outcome.lines[0]
    told = ask_json(three_nights, command)
    assert [str(damaged) in each["message"] for each in told["problems"]] == [True]
    assert len(told.get("last_successes", told["runs"])) >= 2
