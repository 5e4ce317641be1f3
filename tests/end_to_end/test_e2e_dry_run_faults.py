"""Whatever is the matter with a VM: a dry run changes nothing, and says what will come of it.

What can be seen beforehand is rehearsed as it then happens, flag for flag and word for word. What
the host only brings to light in the act, a refusal, silence or a lie, nobody can foresee: there
the dry run says that the act would be tried, which is true.
"""

from base64 import b64encode
from collections.abc import Sequence
from typing import Any

import esx
import pytest
from conftest import SiteMaker
from hook_kit import Site
from hook_story import Outcome
from rehearsing import reasons, rehearse, run_program
from vm_faults import REFUSAL, SEEN_BEFORE, SEEN_IN_THE_ACT, VmFault

LEASE = ("--lease", "1h")


def add_faulty(site: Site, faults: Sequence[VmFault]) -> dict[str, VmFault]:
    """Add and choose a VM for each fault; others that a fault needs are not chosen."""
    # Lies are told on stdout, where a success is told.
    site.host.configure(error_stream="stdout")
    # By their paths: a VM without a readable .vmx has no other name.
    site.choose("*/vm */*")
    return {fault.add(site, f"vm {fault}"): fault for fault in faults}


def arguments_of(site: Site, program: str, folder: str = "/vm ") -> tuple[str, ...]:
    if program in ("hlb plan", "compare_backup"):
        return ()
    if program == "initial_backup":
        return LEASE
    return (*LEASE, *(vmx for vmx in site.host.registered() if folder in vmx))


def run_real(site: Site, program: str, arguments: tuple[str, ...]) -> Outcome:
    """Do what was rehearsed; a plan is carried out by the start hook."""
    if program == "hlb plan":
        return site.run("initial_backup", *LEASE)
    return run_program(site, program, *arguments)


def would_run(outcome: Outcome) -> list[str]:
    """Give the commands that a dry run says would change the host."""
    return [line for line in outcome.lines if line.startswith("WOULD run: ")]


def settle(site: Site) -> None:
    site.host.configure(fail=[])
    for path in site.state_files():
        site.run("initial_umount", "--run", path.stem)
    site.wait_settled()


@pytest.mark.parametrize(
    ("program", "dialect"),
    [("initial_backup", "console"), ("hlb plan", "vcli"), ("snap_request", "console")],
)
def test_what_can_be_seen_beforehand_is_rehearsed_as_it_then_happens(
    make_site: SiteMaker, program: str, dialect: str
) -> None:
    site = make_site(dialect)
    faulty = add_faulty(site, SEEN_BEFORE)
    site.host.add_vm("vm healthy")
    arguments = arguments_of(site, program)
    rehearsed = rehearse(site, program, *arguments)
    real = run_real(site, program, arguments)
    assert rehearsed.exit_code == real.exit_code == 0
    assert rehearsed.counts == real.counts
    assert rehearsed.counts["failed"] == sum(fault.flag != "READABLE" for fault in faulty.values())
    for vmx, fault in faulty.items():
        assert rehearsed.flags(vmx) == real.flags(vmx) == [fault.flag], fault.name
        assert fault.words in rehearsed.words(vmx)
        assert rehearsed.words(vmx) == real.words(vmx)
    (would,) = would_run(rehearsed)
    ((changed, _),) = site.changing_calls()
    assert changed in would
    settle(site)


def test_compare_backup_gives_the_same_reasons_as_far_as_files_tell_them(site: Site) -> None:
    faulty = add_faulty(site, SEEN_BEFORE)
    looked = rehearse(site, "compare_backup")
    assert looked == site.run("compare_backup")
    rehearsed = rehearse(site, "initial_backup", *LEASE)
    left_out = {
        line.strip().removesuffix(" LEFT_OUT") for line in looked.lines if "LEFT_OUT" in line
    }
    assert len(left_out) == looked.counts["failed"] >= len(faulty) / 2
    for vmx in left_out:
        assert faulty[vmx].flag != "READABLE"
        assert reasons(rehearsed, vmx)[0] in {line.strip() for line in looked.lines}


@pytest.mark.parametrize(
    ("program", "switches"),
    [
        ("initial_backup", {"fail": [esx.Failure(231, REFUSAL, command="-l")._asdict()]}),
        ("snap_request", {"fail": [esx.Failure(231, REFUSAL, command="-l")._asdict()]}),
        ("compare_backup", {"fail": [esx.Failure(231, REFUSAL, command="-l")._asdict()]}),
        ("snap_request", {"garble": {"-l": {"text": b64encode(b"/vmfs/a").decode()}}}),
        ("compare_backup", {"garble": {"-l": {"text": b64encode(b"/vmfs/a").decode()}}}),
        ("snap_request", {"garble": {"-l": {"text": ""}}}),
        ("initial_backup", {"latency_seconds": {"-l": 4}}),
        ("hlb plan", {"garble": {"-l": {"text": b64encode(b"/vmfs/a").decode()}}}),
    ],
)
def test_a_host_that_cannot_be_asked_is_the_same_for_both(
    site: Site, program: str, switches: dict[str, Any]
) -> None:
    site.host.add_vm("vm")
    # No VM is called vm any more where the host names none: that is an error for snap_request.
    arguments = arguments_of(site, program, "/vm/")
    site.configure(host={"command_timeout_seconds": 2})
    site.host.configure(**switches)
    rehearsed = rehearse(site, program, *arguments)
    real = run_real(site, program, arguments)
    assert rehearsed.exit_code == real.exit_code != 0
    # A hook says the line for machines besides.
    assert [line for line in real.lines if not line.startswith("HLB ")] == [
        line for line in rehearsed.lines if not line.startswith("HLB ")
    ]
    assert site.changing_calls() == []


def test_every_vm_that_is_not_protected_is_given_a_next_step(site: Site) -> None:
    faulty = add_faulty(site, SEEN_BEFORE)
    rehearsed = rehearse(site, "initial_backup", *LEASE)
    silent = [
        fault.name
        for vmx, fault in faulty.items()
        if fault.flag != "READABLE" and len(reasons(rehearsed, vmx)) != 2
    ]
    assert silent == []


def test_where_no_vm_can_be_protected_the_dry_run_foretells_the_failure(site: Site) -> None:
    add_faulty(site, [fault for fault in SEEN_BEFORE if fault.flag != "READABLE"])
    for program in ("initial_backup", "hlb plan"):
        rehearsed = rehearse(site, program, *arguments_of(site, program))
        assert rehearsed.exit_code == 1
        assert would_run(rehearsed) == []
    assert site.run("initial_backup", *LEASE).exit_code == 1
    assert site.changing_calls() == []


def test_what_only_the_act_brings_to_light_is_rehearsed_as_an_act_that_succeeds(
    site: Site,
) -> None:
    faulty = add_faulty(site, SEEN_IN_THE_ACT)
    rehearsed = rehearse(site, "initial_backup", *LEASE)
    assert rehearsed.exit_code == 0
    assert [rehearsed.flags(vmx) for vmx in faulty] == [["OK_snap"]] * len(faulty)
    assert len(would_run(rehearsed)) == len(faulty)
    real = site.run("initial_backup", *LEASE)
    for vmx, fault in faulty.items():
        assert real.flags(vmx) == [fault.flag], fault.name
        assert fault.words in real.words(vmx)
    # Each was asked for, as was said.
    assert {vmx for vmx, _ in site.changing_calls()} == set(faulty)
    # The guard waits until nothing can come any more.
    site.may_leave_guards = True
