"""What the machine has found, once each: a fixed sequence of its steps, and then peace."""

from collections.abc import Iterator

import pytest
from lab_machine import LabMachine
from machine_checks import list_ours, list_vmx_files


@pytest.fixture
def machine() -> Iterator[LabMachine]:
    """A machine before its first step; after the last one it makes peace, and looks."""
    machine = LabMachine()
    try:
        yield machine
    finally:
        machine.teardown()


def test_a_backup_whose_snapshot_an_operator_took_away_is_torn(machine: LabMachine) -> None:
    machine.begin_backup(host=0)
    machine.do(deed="end_by_hand", host=0, waits=True)
    machine.do(deed="end_avtar", host=0, waits=True)
    host = machine.site.hosts[0]
    story = next(program.read_story() for program in host.programs if program.barrier)
    assert story is not None
    assert story["end"]["exit_code"] == 1
    assert "OK_umount TORN" in story["end"]["stdout"] or "TORN OK_umount" in story["end"]["stdout"]


def test_a_moved_vm_whose_snapshot_somebody_else_deleted_keeps_no_claim(
    machine: LabMachine,
) -> None:
    machine.begin_backup(host=0)
    machine.kill(after_ms=0, deed="nothing", host=0, victims=["guard", "avtar"])
    machine.move_to_other_datastore(vm=0)
    machine.delete_snapshot(is_first=True, is_ours=True, vm=0)
    machine.peace(avtars_end=True, waits_for_guards=True)
    assert not machine.site.hosts[0].find_runs().errors


def test_a_snapshot_that_waited_for_an_answer_until_its_run_had_ended_is_removed(
    machine: LabMachine,
) -> None:
    machine.add_fault(host=0, kind="question", action="createsnapshot", times=1, seconds=0.0, vm=0)
    machine.begin_backup(host=0)
    machine.kill(after_ms=0, deed="nothing", host=0, victims=["avtar"])
    machine.site.wait_until(lambda: not machine.site.hosts[0].list_guards(), "the guard's end")
    machine.peace(avtars_end=True, waits_for_guards=True)


def test_a_vm_that_another_host_has_by_now_is_freed_there(machine: LabMachine) -> None:
    machine.begin_backup(host=0)
    machine.move_to_other_host(vm=0)
    machine.let_host_die(host=0, fails_over=True)
    machine.let_claims_grow_stale()
    machine.peace(avtars_end=True, waits_for_guards=True)
    assert not [vmx for vmx in list_vmx_files(machine.site) if list_ours(vmx)]
