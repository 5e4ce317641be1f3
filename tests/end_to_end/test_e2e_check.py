"""``hlb check``: what stands in the way of tonight's backup, each thing with its remedy."""

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hook_kit import Site
from hook_story import Outcome
from policy_kit import COMPLETED, back_up_with_log, make_older
from rehearsing import look, run_hlb

LINE = re.compile(
    r"HLB (OK|WARNING|CRITICAL|UNKNOWN) - [^|\n]+( \| \S+=\d+s?;;;0( \S+=\d+s?;;;0)*)?\n"
)
FINDING = re.compile(r"(OK|WARNING|CRITICAL|UNKNOWN) +([a-z]+): (.*)")


@pytest.fixture(autouse=True)
def _with_scripts(site: Site) -> None:
    site.configure(paths={"scripts_dir": str(site.scripts)})


def check(site: Site, *arguments: str) -> Outcome:
    """Check; not a byte may change, and no command may that changes the host."""
    before, changing = look(site), site.changing_calls()
    outcome = run_hlb(site, "check", *arguments)
    assert look(site) == before
    assert site.changing_calls() == changing
    assert "Traceback" not in outcome.stdout + outcome.stderr
    return outcome


def monitor(site: Site) -> tuple[str, int, dict[str, int]]:
    """Give the status word, the exit code and the numbers of the plug-in."""
    outcome = check(site, "--monitoring")
    match = LINE.fullmatch(outcome.stdout)
    assert match, outcome.stdout
    numbers = dict(re.findall(r"(\S+)=(\d+)s?;", outcome.stdout.rpartition("|")[2]))
    return match[1], outcome.exit_code, {name: int(value) for name, value in numbers.items()}


def find_faults(outcome: Outcome) -> dict[str, str]:
    """Give the area and the words of each finding that is not good; each must have a remedy."""
    faults: dict[str, str] = {}
    lines = [*outcome.lines, ""]
    for line, following in itertools.pairwise(lines):
        match = FINDING.fullmatch(line)
        if match and match[1] != "OK":
            assert following.startswith("    next step: "), line
            key = f"{match[1]} {match[2]}"
            faults[key] = f"{faults.get(key, '')}{match[3]}\n"
    return faults


def back_up_well(site: Site) -> None:
    back_up_with_log(site, COMPLETED)


def note_reap(site: Site) -> None:
    """Write what a reap leaves: to run one would look at every process of this machine."""
    from hlb_hooks.effects.reap_trace import write_reap_trace

    write_reap_trace(str(site.state_dir), 0)


def test_before_the_first_night_it_says_what_is_there_and_what_is_missing(site: Site) -> None:
    site.add_vms(2)
    outcome = check(site)
    assert outcome.exit_code == 0
    assert find_faults(outcome).keys() == {"WARNING backups", "WARNING reaper"}
    assert "OK       host: " in outcome.stdout
    assert "lists 2 VMs" in outcome.stdout
    assert "initial_umount is ours, version " in outcome.stdout


def test_after_a_good_night_all_is_well(site: Site) -> None:
    site.add_vms(2)
    back_up_well(site)
    note_reap(site)
    assert find_faults(check(site)) == {}
    word, code, numbers = monitor(site)
    assert (word, code) == ("OK", 0)
    assert numbers["wanted"] == 2
    assert numbers["late"] == numbers["open"] == numbers["failed"] == 0


def test_two_nights_without_a_success_are_critical(site: Site) -> None:
    site.add_vms(2)
    back_up_well(site)
    note_reap(site)
    make_older(site.state_files(), 27 / 24)
    outcome = check(site)
    assert outcome.exit_code == 1
    assert "job default: last success" in find_faults(outcome)["CRITICAL backups"]
    word, code, numbers = monitor(site)
    assert (word, code, numbers["late"]) == ("CRITICAL", 2, 2)


def test_a_run_that_has_nobody_is_critical(site: Site) -> None:
    site.may_leave_guards = True
    site.add_vms(1)
    site.orphan_a_run()
    outcome = check(site)
    assert outcome.exit_code == 1
    assert "CRITICAL snapshots" in find_faults(outcome)
    assert "next step: its guard is gone, run hlb reap" in outcome.stdout
    assert monitor(site)[2]["open"] == 1


def test_a_run_under_way_is_no_fault(site: Site) -> None:
    site.add_vms(1)
    with site.avtar() as avtar:
        avtar.wait_started()
        outcome = run_hlb(site, "check")
        avtar.finish()
    site.wait_settled()
    assert find_faults(outcome).keys() == {"WARNING reaper"}
    assert "1 snapshots of ours are open, none for too long" in outcome.stdout


@pytest.mark.parametrize(
    ("spoil", "fault", "words"),
    [
        (lambda site: (site.scripts / "initial_backup").unlink(), "scripts", "is not there"),
        (lambda site: (site.scripts / "initial_umount").chmod(0o644), "scripts", "not executable"),
        (lambda site: (site.scripts / "initial_umount").chmod(0o777), "scripts", "may write"),
        (lambda site: site.host.vmware_cmd.unlink(), "host", "no such program"),
        (lambda site: site.targets.unlink(), "configuration", "no such targets file"),
        (lambda site: site.targets.chmod(0o666), "configuration", "may write"),
        (
            lambda site: site.state_dir.mkdir(0o777) or site.state_dir.chmod(0o777),
            "state",
            "others",
        ),
    ],
)
def test_what_would_keep_a_backup_from_being_made_is_critical(
    site: Site, spoil: Any, fault: str, words: str
) -> None:
    site.add_vms(1)
    spoil(site)
    outcome = check(site)
    assert outcome.exit_code == 1
    assert words in find_faults(outcome)[f"CRITICAL {fault}"]
    assert monitor(site)[:2] == ("CRITICAL", 2)


def test_a_configuration_that_cannot_be_used_is_named_and_the_rest_is_looked_at(
    site: Site,
) -> None:
    site.add_vms(1)
    back_up_well(site)
    site.configure(run={"ownr": ["avtar*"]})
    outcome = check(site)
    assert outcome.exit_code == 2
    assert "did you mean run.owner?" in find_faults(outcome)["CRITICAL configuration"]
    assert "OK       snapshots: " in outcome.stdout
    assert monitor(site)[:2] == ("CRITICAL", 2)


def test_a_hook_of_a_job_that_is_not_configured_is_a_warning(site: Site) -> None:
    (site.scripts / "initial_backup.silver").symlink_to("initial_backup")
    assert "for job silver" in find_faults(check(site))["WARNING scripts"]


def test_every_job_needs_its_own_hooks(site: Site) -> None:
    site.configure(**{"jobs.gold": {"targets": str(site.targets)}})
    assert "initial_umount.gold is not there" in check(site).stdout
    for hook in ("initial_backup", "initial_umount"):
        (site.scripts / f"{hook}.gold").symlink_to(hook)
    assert "CRITICAL scripts" not in find_faults(check(site))


def test_another_client_needs_no_scripts_folder(site: Site) -> None:
    site.configure(run={"owner": ["borgmatic*"]}, paths={"scripts_dir": "/nowhere"})
    assert "another client runs the hooks" in check(site).stdout


def test_a_host_that_does_not_answer_is_critical_and_the_rest_is_looked_at(site: Site) -> None:
    site.add_vms(1)
    site.host.vmware_cmd.write_text("#!/bin/sh\necho 'VMControl error -14: down'\nexit 14\n")
    outcome = check(site)
    assert "CRITICAL host" in find_faults(outcome)
    assert "OK       state: " in outcome.stdout


def test_a_vm_whose_files_cannot_be_read_is_named(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    Path(vmx).write_bytes(b"\0")
    assert vmx in find_faults(check(site))["WARNING backups"]


def test_a_state_file_that_is_damaged_is_critical(site: Site) -> None:
    site.add_vms(1)
    back_up_well(site)
    content = bytearray(site.state_file.read_bytes())
    content[40] ^= 1
    site.state_file.write_bytes(bytes(content))
    outcome = check(site)
    assert "line 1 is damaged" in find_faults(outcome)["CRITICAL state"]
    assert monitor(site)[2]["damaged"] == 1


def test_a_clock_that_was_set_back_is_a_warning(site: Site) -> None:
    site.add_vms(1)
    back_up_well(site)
    make_older(site.state_files(), -1)
    assert "the clock was set back" in find_faults(check(site))["WARNING clock"]


def test_metrics_that_nobody_writes_are_a_warning(site: Site) -> None:
    site.add_vms(1)
    back_up_well(site)
    site.configure(paths={"metrics_file": str(site.root / "nowhere" / "hlb.prom")})
    assert "older than the last run" in find_faults(check(site))["WARNING state"]


def test_for_programs_it_says_the_same_as_json(site: Site) -> None:
    site.add_vms(1)
    (site.scripts / "initial_backup").unlink()
    told = json.loads(check(site, "--json").stdout)
    assert (told["format"], told["version"]) == ("hlb-check", 1)
    assert (told["status"], told["exit"]) == ("CRITICAL", 1)
    first = told["findings"][0]
    assert (first["area"], first["severity"]) == ("scripts", "CRITICAL")
    assert first["next_step"].startswith("link the installed hook to ")
    assert told["numbers"]["open"] == 0


def test_what_cannot_be_done_at_all_is_unknown_to_monitoring(site: Site) -> None:
    outcome = run_hlb(site, "check", "--monitoring", "--config=")
    assert outcome.exit_code == 3
    assert outcome.stdout == "HLB UNKNOWN - --config is empty\n"


def test_it_speaks_polish_where_that_is_asked_for(site: Site) -> None:
    site.configure(run={"language": "pl"})
    (site.scripts / "initial_backup").unlink()
    outcome = check(site)
    assert "CRITICAL scripts: nie ma " in outcome.stdout
    assert "    co dalej: podlinkuj " in outcome.stdout
