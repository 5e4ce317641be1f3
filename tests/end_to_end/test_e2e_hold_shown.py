"""Where an operator sees what is left alone, without having asked for it."""

import json
import shlex
from typing import Any

import pytest
from hook_kit import Site
from rehearsing import run_hlb


def ask(site: Site, *words: str) -> dict[str, Any]:
    outcome = run_hlb(site, *words, "--json")
    assert outcome.exit_code == 0, outcome.stdout
    told: dict[str, Any] = json.loads(outcome.stdout)
    return told


def test_the_status_shows_each_wish_and_how_it_ends(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    run_hlb(site, "hold", "vm1", "--reason", "patch day")
    run_hlb(site, "drain", "--reason", "new firmware")
    outcome = run_hlb(site, "status")
    assert outcome.exit_code == 0, "it is a wish, and nothing that waits for a hand"
    assert "left alone by an operator's wish:" in outcome.lines
    assert f"    {vmx}: " in outcome.stdout
    assert ": patch day\n" in outcome.stdout
    assert f"next step: when it may be backed up again: hlb hold --release {vmx}\n" in (
        outcome.stdout
    )
    assert "    the whole host: " in outcome.stdout
    assert "hlb drain --release" in outcome.stdout


def test_programs_find_the_same_wishes_in_the_status_and_in_the_holds(site: Site) -> None:
    vmx = site.host.add_vm(b"a\xff", display_name="Serwer ksi\u0119gowo\u015bci")
    run_hlb(site, "hold", vmx, "--reason", "it's \\ odd")
    run_hlb(site, "drain")
    told = ask(site, "hold")
    assert (told["format"], told["version"]) == ("hlb-holds", 1)
    held, drained = told["holds"]
    assert held["vmx"].endswith("/a\\xff/a\\xff.vmx")
    assert (held["name"], held["why"]) == ("Serwer ksi\u0119gowo\u015bci", "it's \\\\ odd")
    assert (drained["vmx"], drained["name"], drained["why"]) == (None, None, None)
    assert ask(site, "status")["holds"] == told["holds"]


def test_nothing_held_is_an_empty_list(site: Site) -> None:
    assert ask(site, "hold")["holds"] == ask(site, "status")["holds"] == []


def test_a_form_is_refused_with_a_vm_and_nothing_is_held(site: Site) -> None:
    site.add_vms(1)
    refused = run_hlb(site, "hold", "vm1", "--json")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "without VM" in refused.stderr
    assert ask(site, "hold")["holds"] == []


def test_wishes_that_cannot_be_read_wait_for_a_hand(site: Site) -> None:
    site.add_vms(1)
    run_hlb(site, "hold", "vm1")
    (site.state_dir / "holds.json").write_text("{")
    outcome = run_hlb(site, "status")
    assert outcome.exit_code == 1
    assert "nobody knows what is held" in outcome.stdout.partition("to be done by hand:")[2]


def test_the_report_of_a_night_names_the_vm_that_was_held(site: Site) -> None:
    held, _ = site.add_vms(2)
    run_hlb(site, "hold", "vm1", "--reason", "patch day")
    site.back_up()
    site.wait_settled()
    text = run_hlb(site, "report")
    assert "1 chosen: 1 protected, 0 failed; 1 held" in text.stdout
    assert text.flags(held) == ["LEFT_OUT"]
    run = ask(site, "report")["run"]
    vm = next(vm for vm in run["vms"] if vm["vmx"] == held)
    assert (run["totals"]["held"], vm["outcome"], vm["phases"]) == (1, "held", [])
    assert ": patch day" in vm["troubles"][0]["reason"]
    page = run_hlb(site, "report", "--html").stdout
    assert "Left alone by an operator's wish: 1" in page
    assert ": patch day" in page


@pytest.mark.parametrize(
    "folder", [b"it's (2)", b"a\\b $HOME", b"a\xff", "ksi\u0119gowo\u015b\u0107".encode()]
)
def test_the_next_step_of_a_held_vm_can_be_copied_into_a_shell(site: Site, folder: bytes) -> None:
    vmx = site.host.add_vm(folder)
    assert run_hlb(site, "hold", vmx).exit_code == 0
    (line,) = [line for line in run_hlb(site, "status").lines if "--release" in line]
    program, *words = shlex.split(line.partition("again: ")[2])
    assert program == "hlb"
    assert run_hlb(site, *words).exit_code == 0
    assert ask(site, "hold")["holds"] == []
