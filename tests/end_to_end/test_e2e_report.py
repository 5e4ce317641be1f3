"""``hlb report`` tells last night to a person and to a program, and changes nothing."""

import json
import os
import pty
import subprocess
from typing import Any

import pytest
from hook_kit import Site
from hook_story import Outcome
from policy_kit import COMPLETED, back_up_with_log, make_older
from rehearsing import BIN, look, run_hlb

ADMIN = "before the update"


def ask(site: Site, *arguments: str) -> Outcome:
    """Ask for a report: not a byte may change."""
    before, calls = look(site), site.host.calls()
    outcome = run_hlb(site, "report", *arguments)
    assert look(site) == before
    assert site.host.calls() == calls
    assert "Traceback" not in outcome.stdout + outcome.stderr
    return outcome


def ask_json(site: Site, *arguments: str) -> dict[str, Any]:
    outcome = ask(site, "--json", *arguments)
    assert outcome.stderr == ""
    told: dict[str, Any] = json.loads(outcome.stdout)
    assert outcome.exit_code == told["run"]["exit"] or told["problems"]
    return told


def test_the_report_is_the_hooks_own_with_how_long_each_part_took(site: Site) -> None:
    good, taken = site.add_vms(2)
    site.host.take_admin_snapshot(taken, ADMIN)
    story = back_up_with_log(site, COMPLETED)
    outcome = ask(site)
    assert outcome.exit_code == 1
    assert list(outcome.report) == list(story.ended.report)
    assert outcome.flags(good) == ["OK_snap", "OK_read", "OK_umount"]
    told = outcome.words(taken).splitlines()
    assert told[:2] == story.ended.words(taken).splitlines()
    assert told[0] == f"reason: it has a snapshot that is not ours: {ADMIN}"
    assert "waited " in outcome.words(good)
    assert ", open " in outcome.words(good)
    assert outcome.machine["run"] == site.run_name
    assert outcome.counts == {"chosen": 2, "ready": 1, "failed": 1, "open": 0}
    assert "2 chosen: 1 protected, 1 failed" in outcome.lines
    assert "\x1b" not in outcome.stdout


def test_a_program_is_told_the_same(site: Site) -> None:
    good, taken = site.add_vms(2)
    site.host.take_admin_snapshot(taken, ADMIN)
    back_up_with_log(site, COMPLETED)
    told = ask_json(site)
    assert (told["format"], told["version"], told["problems"]) == ("hlb-report", 1, [])
    run = told["run"]
    assert (run["run"], run["job"], run["exit"], run["state"]) == (
        site.run_name,
        "default",
        1,
        "finished",
    )
    assert [vm["vmx"] for vm in run["vms"]] == [taken, good]
    assert [vm["outcome"] for vm in run["vms"]] == ["failed", "protected"]
    assert [phase["kind"] for phase in run["vms"][1]["phases"]] == [
        "waiting",
        "making",
        "open",
        "removing",
    ]
    assert run["vms"][1]["consistency"] == "quiesced"
    assert run["vms"][1]["is_read"] is True


def test_disks_that_no_snapshot_covers_are_told_to_programs_by_node_and_path(site: Site) -> None:
    site.host.add_vm("web", disks=[b"x" * 512, b"y" * 512], independent=[1])
    site.back_up()
    site.wait_settled()
    (vm,) = ask_json(site)["run"]["vms"]
    (disk,) = vm["missed_disks"]
    assert (disk["node"], disk["why"]) == ("scsi0:1", "independent_disk")
    assert disk["path"].endswith(".vmdk")
    assert any("scsi0:1 is independent" in note for note in vm["notes"])


def test_a_run_is_found_by_its_beginning_and_by_its_job(site: Site) -> None:
    site.configure(**{"jobs.gold": {"targets": str(site.targets)}})
    site.add_vms(1)
    for start in ("initial_backup", "initial_backup.gold", "initial_backup"):
        (site.scripts / "initial_backup.gold").unlink(missing_ok=True)
        (site.scripts / "initial_backup.gold").symlink_to(site.scripts / "initial_backup")
        site.back_up(start=start)
        site.wait_settled()
        make_older(site.state_files(), 1)
    runs = sorted((path.stem for path in site.state_files()), key=lambda name: name[-25:])
    by_age = sorted(runs, key=lambda name: ask_json(site, name)["run"]["begun"])
    assert ask_json(site)["run"]["run"] == by_age[-1]
    assert ask_json(site, "--job", "gold")["run"]["run"] == by_age[1]
    assert ask_json(site, "gold")["run"]["run"] == by_age[1]
    assert ask_json(site, by_age[0])["run"]["run"] == by_age[0]
    several = ask(site, "default")
    assert several.exit_code == 2
    assert by_age[0] in several.stdout
    assert by_age[2] in several.stdout
    assert "say more of its name" in several.stdout


@pytest.mark.parametrize("arguments", [[], ["gold"], ["--job", "gold"], [""]])
def test_a_run_that_is_not_there_is_a_usage_error_and_no_data(
    site: Site, arguments: list[str]
) -> None:
    outcome = ask(site, *arguments)
    assert outcome.exit_code == 2
    assert "error: no run is known" in outcome.stdout
    assert "next step: " in outcome.stdout
    outcome = ask(site, "--json", *arguments)
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert "error: no run is known" in outcome.stderr
    assert not site.state_dir.exists()


def test_a_damaged_state_file_is_named_and_hides_no_other(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    back_up_with_log(site, COMPLETED)
    damaged = site.state_dir / "default-20990101T000000Z-00000000.state"
    damaged.write_bytes(site.state_file.read_bytes().replace(b"\tCHOSEN", b"\tCHOSEM"))
    outcome = ask(site)
    assert outcome.exit_code == 1
    assert f"warning: {damaged}: line " in outcome.stdout
    assert outcome.flags(vmx) == ["OK_snap", "OK_read", "OK_umount"]
    told = ask_json(site)
    (problem,) = told["problems"]
    assert str(damaged) in problem["message"]
    assert told["run"]["exit"] == 0
    missing = ask(site, damaged.stem)
    assert missing.exit_code == 2
    assert f"error: {damaged}: line " in missing.stdout


def test_a_broken_configuration_is_said_and_the_report_is_there(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    with site.avtar() as avtar:
        avtar.wait_started()
        good = site.config.read_text("utf-8")
        site.config.write_text(
            "[run]\nunknown = 1\nother = 2\n" + good.replace("[run]", ""), "utf-8"
        )
        outcome = ask(site)
        assert "warning: " in outcome.lines[0]
        assert "run.unknown" in outcome.lines[0]
        assert "run.other" in outcome.lines[1]
        assert outcome.flags(vmx) == ["OK_snap"]
        assert outcome.exit_code == 4
        site.config.write_text(good, "utf-8")
        avtar.finish()
    site.wait_settled()


def test_during_a_backup_it_says_how_far_it_is(site: Site) -> None:
    site.add_vms(1)
    with site.avtar() as avtar:
        avtar.wait_started()
        told = ask_json(site)["run"]
        assert (told["state"], told["ended"], told["totals"]["open"]) == ("backing up", None, 1)
        assert told["vms"][0]["phases"][-1]["ended"] is None
        text = ask(site).stdout
        assert "the client is reading" in text
        assert "open for " in text
        avtar.finish()
    site.wait_settled()


def test_it_is_written_into_a_file_whole_and_stdout_stays_empty(site: Site) -> None:
    site.add_vms(1)
    site.back_up()
    site.wait_settled()
    path = site.root / "a b.json"
    outcome = run_hlb(site, "report", "--json", "--output", str(path))
    assert (outcome.exit_code, outcome.stdout, outcome.stderr) == (0, "", "")
    assert json.loads(path.read_bytes())["run"]["run"] == site.run_name
    run_hlb(site, "report", "--output", str(path))
    assert path.read_text("utf-8").splitlines()[-1].startswith("HLB job=default")
    missing = run_hlb(site, "report", "--output", str(site.root / "no" / "x"))
    assert missing.exit_code == 2
    assert f"--output {site.root / 'no' / 'x'}: cannot be written" in missing.stdout


def test_the_page_is_written_whole_and_a_name_is_a_name_on_it(site: Site) -> None:
    hostile = "<script>alert('it')<&>"
    site.host.add_vm(hostile, display_name=hostile)
    site.add_vms(1)
    site.back_up()
    site.wait_settled()
    path = site.root / "report.html"
    outcome = run_hlb(site, "report", "--html", "--output", str(path))
    assert (outcome.exit_code, outcome.stdout, outcome.stderr) == (0, "", "")
    page = path.read_text("utf-8")
    assert page.startswith("<!DOCTYPE html>\n<html")
    assert page.endswith("</html>\n")
    assert "<script" not in page
    assert "&lt;script&gt;alert('it')&lt;&amp;&gt;" in page
    assert len(run_hlb(site, "report", "--html").stdout) == len(page)
    both = run_hlb(site, "report", "--html", "--json")
    assert both.exit_code == 2
    missing = run_hlb(site, "report", "--html", "gold")
    assert (missing.exit_code, missing.stdout) == (2, "")


def test_polish_operators_read_polish(site: Site) -> None:
    site.configure(run={"language": "pl"})
    site.add_vms(1)
    site.back_up()
    site.wait_settled()
    outcome = ask(site)
    assert "**RAPORT**" in outcome.lines
    assert "czekala " in outcome.stdout


@pytest.mark.parametrize(
    ("environment", "has_colour"),
    [({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False), ({}, False)],
)
def test_colour_is_for_a_terminal_alone(
    site: Site, environment: dict[str, str], has_colour: bool
) -> None:
    site.add_vms(1)
    site.back_up()
    site.wait_settled()
    ours, theirs = pty.openpty()
    command = [BIN / "hlb", "report", "--config", site.config]
    subprocess.run(command, stdout=theirs, env=environment, check=True)
    os.close(theirs)
    said = b""
    while chunk := read_terminal(ours):
        said += chunk
    os.close(ours)
    assert b"OK_umount" in said
    assert (b"\x1b[" in said) is has_colour


def read_terminal(descriptor: int) -> bytes:
    """Give what is there; at the end a terminal says EIO."""
    try:
        return os.read(descriptor, 1 << 16)
    except OSError:
        return b""


def test_a_report_that_stdout_did_not_take_is_no_success(site: Site) -> None:
    site.add_vms(1)
    site.back_up()
    site.wait_settled()
    with open("/dev/full", "wb") as full:
        for form in ([], ["--json"]):
            command = [BIN / "hlb", "report", "--config", site.config, *form]
            assert subprocess.run(command, stdout=full, check=False).returncode == 1
