"""``hlb whereis VM``: one question, and all that is known of a VM."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hook_kit import Site
from hook_story import Outcome
from policy_kit import COMPLETED, back_up_with_log
from rehearsing import look, run_hlb


def ask(site: Site, *words: str) -> Outcome:
    before, changing = look(site), site.changing_calls()
    outcome = run_hlb(site, "whereis", *words)
    assert look(site) == before
    assert site.changing_calls() == changing
    return outcome


def ask_all(site: Site, vm: str) -> list[dict[str, Any]]:
    outcome = ask(site, vm, "--json")
    tables = json.loads(outcome.stdout)
    assert (tables["format"], tables["version"]) == ("hlb-whereis", 1)
    assert (tables["problems"], outcome.exit_code) == ([], 0)
    vms: list[dict[str, Any]] = tables["vms"]
    return vms


def test_a_vm_that_was_backed_up_names_its_runs_the_newest_first(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    back_up_with_log(site, COMPLETED)
    names = [site.run_name]
    names.append(site.back_up().end.machine["run"])
    site.wait_settled()
    outcome = ask(site, "vm1")
    assert outcome.exit_code == 0
    assert outcome.lines[0] == vmx
    assert outcome.lines[1] == "    registered on this host, power state on"
    assert f"    disk {site.flat_path(vmx)}" in outcome.lines
    (known,) = ask_all(site, "vm1")
    assert {backup["run"]: backup["is_read"] for backup in known["backups"]} == {
        names[0]: True,
        names[1]: False,
    }
    assert f"    backed up by run {names[0]} of " in outcome.stdout
    assert f"    protected by run {names[1]} of " in outcome.stdout


@pytest.mark.parametrize("how", ["name", "folder", "path"])
def test_it_is_found_by_name_by_folder_and_by_path_and_also_when_it_is_gone(
    site: Site, how: str
) -> None:
    vmx = site.host.add_vm("folder1", display_name="Big Name")
    back_up_with_log(site, COMPLETED)
    site.host.unregister(vmx)
    shutil.rmtree(Path(vmx).parent)
    text = {"name": "Big Name", "folder": "folder1", "path": vmx}[how]
    outcome = ask(site, text)
    assert outcome.lines[:2] == [vmx, "    not registered on this host"]
    assert "    warning: " in outcome.stdout
    assert "    backed up by run " in outcome.stdout


def test_while_a_backup_runs_it_names_the_snapshot_the_claim_and_the_run(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    with site.avtar() as avtar:
        avtar.wait_started()
        outcome = run_hlb(site, "whereis", "vm1")
        avtar.finish()
    site.wait_settled()
    assert f"    run {site.run_name} has HLB-default-" in outcome.stdout
    assert "    snapshot HLB-default-" in outcome.stdout
    assert f"    claimed by run {site.run_name} on host " in outcome.stdout
    assert f"    disk {site.flat_path(vmx)}" in outcome.lines


def test_a_copy_on_another_datastore_is_named(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    store = site.host.volumes / site.host.add_datastore("second")
    shutil.copytree(Path(vmx).parent, store / "vm1")
    (known,) = ask_all(site, "vm1")
    assert known["elsewhere"] == [str((store / "vm1" / "vm1.vmx").resolve())]


def test_a_vm_that_no_run_has_had_says_so(site: Site) -> None:
    site.add_vms(1)
    assert "    no run here has ever protected it" in ask(site, "vm1").lines


def test_two_vms_of_one_name_are_both_told(site: Site) -> None:
    paths = [site.host.add_vm(name, display_name="two") for name in ("a", "b")]
    assert [known["vmx"] for known in ask_all(site, "two")] == paths


def test_a_name_that_nobody_knows_is_refused(site: Site) -> None:
    site.add_vms(1)
    outcome = ask(site, "vm*")
    assert outcome.exit_code == 2
    assert "no run has ever had one of that name" in outcome.stdout


def test_what_cannot_be_found_out_is_said_and_the_rest_is_told(site: Site) -> None:
    site.add_vms(1)
    back_up_with_log(site, COMPLETED)
    site.host.vmware_cmd.write_text("#!/bin/sh\necho 'VMControl error -14: down'\nexit 14\n")
    outcome = ask(site, "vm1")
    assert outcome.exit_code == 1
    assert "    backed up by run " in outcome.stdout
    assert "warning: vmware-cmd -l failed" in outcome.stdout


def test_programs_are_told_what_could_not_be_found_out(site: Site) -> None:
    vmx = site.host.add_vm(b"a\xff")
    back_up_with_log(site, COMPLETED)
    Path(vmx).write_bytes(b"\0 no configuration")
    site.host.vmware_cmd.write_text("#!/bin/sh\nexit 14\n")
    outcome = ask(site, vmx, "--json")
    told = json.loads(outcome.stdout)
    (known,) = told["vms"]
    assert outcome.exit_code == 1
    assert "vmware-cmd -l failed" in told["problems"][0]["message"]
    assert known["vmx"].endswith("/a\\xff/a\\xff.vmx")
    assert (known["is_registered"], known["power"], known["files"]) == (False, None, None)
    assert known["trouble"]
    assert [backup["is_read"] for backup in known["backups"]] == [True]
