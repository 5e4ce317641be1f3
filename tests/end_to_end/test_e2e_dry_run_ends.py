"""A dry run of what ends a run: no trace, and what it says is what then happens, fault by fault."""

from collections.abc import Sequence
from typing import Any

import pytest
from end_faults import (
    FOREIGN_BESIDE,
    HEALTHY,
    SEEN_AT_THE_REMOVAL,
    SEEN_BEFORE_THE_END,
    EndFault,
)
from hook_kit import Site
from hook_story import Outcome
from rehearsing import rehearse, run_program, speaks_of_others


def begin(site: Site, program: str, faults: Sequence[EndFault]) -> dict[str, EndFault]:
    """Make a run with a VM for each fault, then let the faults happen."""
    site.configure(snapshot={"remove_timeout_seconds": 4})
    # Lies are told on stdout, where a success is told.
    site.host.configure(error_stream="stdout")
    faulty = {site.host.add_vm(f"vm {fault.name}"): fault for fault in faults}
    if program == "hlb reap":
        site.orphan_a_run()
    else:
        site.run("initial_backup", "--lease", "1h")
    for vmx, fault in faulty.items():
        fault.strike(site, vmx)
    # Several may have been left to a guard that goes on trying.
    site.may_leave_guards = True
    return faulty


def arguments_of(site: Site, program: str) -> tuple[str, ...]:
    named = ("--run", site.run_name)
    return {
        "initial_umount": named,
        "snap_remove": (*named, *site.host.registered()),
        "hlb reap": (),
    }[program]


def would_remove(site: Site, outcome: Outcome) -> list[str]:
    """Give the removals that were foretold for the site's VMs."""
    own = str(site.host.volumes)
    return [line for line in outcome.lines if line.startswith("WOULD run: ") and own in line]


def assert_exit_code(site: Site, outcome: Outcome, exit_code: int) -> None:
    assert outcome.exit_code == exit_code or speaks_of_others(site, outcome), outcome.stdout


@pytest.mark.parametrize("program", ["initial_umount", "snap_remove", "hlb reap"])
def test_what_the_files_tell_is_rehearsed_as_it_then_happens(site: Site, program: str) -> None:
    faulty = begin(site, program, SEEN_BEFORE_THE_END)
    arguments = arguments_of(site, program)
    asked = len(site.changing_calls())
    assert site.run_name in rehearse(site, "hlb status").stdout
    rehearsed = rehearse(site, program, *arguments)
    real = run_program(site, program, *arguments)
    code = 4 if program == "hlb reap" else 1
    assert_exit_code(site, rehearsed, code)
    assert_exit_code(site, real, code)
    for vmx, fault in faulty.items():
        expected = ["OK_snap", *fault.flags.split()]
        assert real.flags(vmx) == expected, fault.name
        assert rehearsed.flags(vmx) == expected, fault.name
        assert fault.words in rehearsed.words(vmx)
        assert rehearsed.words(vmx) == real.words(vmx)
    would = would_remove(site, rehearsed)
    removed = [vmx for vmx, _ in site.changing_calls()[asked:]]
    assert len(would) == len(removed)
    assert all(any(vmx in line for line in would) for vmx in removed)


@pytest.mark.parametrize("program", ["initial_umount", "hlb reap"])
def test_what_the_host_does_at_the_removal_is_rehearsed_as_a_removal_that_succeeds(
    site: Site, program: str
) -> None:
    faulty = begin(site, program, SEEN_AT_THE_REMOVAL)
    arguments = arguments_of(site, program)
    rehearsed = rehearse(site, program, *arguments)
    assert_exit_code(site, rehearsed, 0)
    for vmx in faulty:
        assert rehearsed.flags(vmx) == ["OK_snap", "OK_umount"]
    assert len(would_remove(site, rehearsed)) == len(faulty)
    real = run_program(site, program, *arguments)
    assert_exit_code(site, real, 4)
    for vmx, fault in faulty.items():
        assert real.flags(vmx) == ["OK_snap", fault.flags], fault.name
        assert fault.words in real.words(vmx)


@pytest.mark.parametrize(
    ("switches", "flag"),
    [
        ({"helper": "left"}, "FAILED_umount"),
        ({"helper": "hidden"}, "MERGING"),
        ({"helper": "merged", "merge_seconds": 0.3, "vmsd_after_removal": "absent"}, "OK_umount"),
    ],
    ids=str,
)
def test_a_host_with_habits_of_its_own_is_rehearsed_as_one_that_leaves_nothing(
    site: Site, switches: dict[str, Any], flag: str
) -> None:
    (vmx,) = begin(site, "initial_umount", [HEALTHY])
    site.host.configure(**switches)
    rehearsed = rehearse(site, "initial_umount", "--run", site.run_name)
    assert rehearsed.flags(vmx) == ["OK_snap", "OK_umount"]
    assert site.run("initial_umount", "--run", site.run_name).flags(vmx) == ["OK_snap", flag]


@pytest.mark.parametrize("program", ["snap_remove", "hlb reap"])
def test_what_is_left_open_alone_is_foretold_with_the_same_exit_code(
    site: Site, program: str
) -> None:
    begin(site, program, [FOREIGN_BESIDE])
    arguments = arguments_of(site, program)
    rehearsed = rehearse(site, program, *arguments)
    assert_exit_code(site, rehearsed, 4)
    assert_exit_code(site, run_program(site, program, *arguments), 4)


def test_a_rehearsed_reap_leaves_alone_what_is_still_read_as_the_real_one_does(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    site.orphan_a_run()
    with site.flat_path(vmx).open("rb"):
        rehearsed = rehearse(site, "hlb reap")
        real = run_program(site, "hlb reap")
    # Runs of others on this machine may be spoken of too.
    said, foretold = (
        [line for line in outcome.lines if site.run_name in line] for outcome in (real, rehearsed)
    )
    assert said == foretold
    assert str(site.flat_path(vmx)) in said[0]
    assert_exit_code(site, rehearsed, 4)
    assert_exit_code(site, real, 4)
    assert_exit_code(site, rehearse(site, "hlb reap"), 0)
    assert_exit_code(site, run_program(site, "hlb reap"), 0)
