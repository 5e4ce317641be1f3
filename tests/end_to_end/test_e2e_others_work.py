"""Others are at work on a run, or nothing can be done for it: what else there is goes on."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hook_kit import Site
from hook_story import Outcome
from hook_watching import PATIENCE_SECONDS, wait_until


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a run as somebody does who acts for it."""
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def add_one_with_a_hidden_delta(site: Site) -> tuple[list[str], str]:
    """Make three VMs; of the first the host will leave a delta behind that its .vmsd hides."""
    site.configure(snapshot={"remove_parallel": 1})
    site.host.configure(helper="hidden")
    # The host needs no helper for a VM that does not run.
    first = site.host.add_vm("vm1")
    return [site.host.add_vm(f"vm{number}", power="off") for number in (2, 3)], first


def test_a_delta_that_its_vmsd_hides_does_not_hold_up_the_end_hook(site: Site) -> None:
    others, hidden = add_one_with_a_hidden_delta(site)
    with site.avtar() as avtar:
        avtar.wait_started()
        site.host.remove_admin_snapshots(hidden)
        story = avtar.finish()
    for vmx in others:
        assert story.ended.flags(vmx) == ["OK_snap", "OK_umount"]
    # The administrator took it away while it was being read.
    assert story.ended.flags(hidden) == ["OK_snap", "TORN", "MERGING"]
    assert story.ended.words(hidden)
    assert story.ended.exit_code == 1
    assert story.ended.counts == {"chosen": 3, "ready": 2, "failed": 1, "open": 1}
    assert len(site.guards()) == 1
    site.may_leave_guards = True


def test_a_delta_that_its_vmsd_hides_does_not_hold_up_the_guard(site: Site) -> None:
    others, hidden = add_one_with_a_hidden_delta(site)
    with site.avtar() as avtar:
        avtar.wait_started()
        site.host.remove_admin_snapshots(hidden)
        avtar.kill()
    wait_until(lambda: not any(map(site.host.snapshots, others)), "the guard's removals")
    wait_until(lambda: [site.flags(vmx)[-1] for vmx in others] == ["OK_umount"] * 2, "their flags")
    assert site.flags(hidden)[-1] == "MERGING"
    assert not site.has_flag("ENDED")
    site.may_leave_guards = True


@pytest.mark.parametrize("helper", ["hidden", "left"])
def test_a_delta_that_stays_after_our_own_removal_does_not_hold_up_the_guard(
    site: Site, helper: str
) -> None:
    others, stays = add_one_with_a_hidden_delta(site)
    site.host.configure(helper=helper)
    site.configure(run={"end_budget_seconds": 3})
    site.may_leave_guards = True
    story = site.back_up()
    assert story.ended.exit_code == 4
    # A helper that the .vmsd still shows is named; a delta alone may be a merge under way.
    flag = {"hidden": "MERGING", "left": "FAILED_umount"}[helper]
    assert story.ended.flags(stays) == ["OK_snap", flag]
    wait_until(lambda: not any(map(site.host.snapshots, others)), "the others' removals")
    wait_until(lambda: [site.flags(vmx)[-1] for vmx in others] == ["OK_umount"] * 2, "their flags")
    site.may_leave_guards = True


@pytest.mark.parametrize("helper", ["hidden", "left"])
def test_a_delta_that_stays_after_the_guards_own_removal_does_not_hold_up_its_others(
    site: Site, helper: str
) -> None:
    others, stays = add_one_with_a_hidden_delta(site)
    site.host.configure(helper=helper)
    site.may_leave_guards = True
    with site.avtar() as avtar:
        avtar.wait_started()
        avtar.kill()
    site.wait_for_call("removesnapshots")
    wait_until(lambda: not any(map(site.host.snapshots, others)), "the others' removals", 10)
    assert site.flags(stays)[-1] in ("MERGING", "FAILED_umount")


def test_an_orphan_in_other_hands_does_not_stop_tonights_run(site: Site) -> None:
    site.choose("vm1")
    first, second = site.add_vms(2)
    old = site.orphan_a_run()
    site.choose("*")
    with site.avtar() as avtar, locked(old):
        avtar.wait_started()
        # Only tonight's own: for the old run none could be posted.
        assert len(site.guards()) == 1
        story = avtar.finish()
    assert story.start.exit_code == 0, story.start.stdout
    assert story.start.flags(first) == ["LEFT_OUT"]
    assert story.start.flags(second) == ["OK_snap"]
    assert story.ended.flags(second) == ["OK_snap", "OK_umount"]
    (event,) = [event for event in site.log_events() if event["event"] == "guard_not_posted"]
    assert event["orphan"] == old.stem
    assert len(site.host.snapshots(first)) == 1
    assert site.run("initial_umount", "--run", old.stem).exit_code == 0
    assert site.leftovers() == []


def test_while_the_guard_removes_a_hook_by_hand_tells_how_far_it_is(site: Site) -> None:
    site.configure(snapshot={"remove_parallel": 1})
    vmxs = site.add_vms(2)
    with site.avtar() as avtar:
        avtar.wait_started()
        (guard,) = site.guards()
        with site.host.holding("merge"):
            avtar.kill()
            site.wait_for_call("removesnapshots")
            run = site.run_name
            # Both wait for the guard to be done, as long as they promise to: at the same time.
            hooks = [
                site.start_hook("initial_umount", "--run", run),
                site.start_hook("snap_remove", "--run", run, vmxs[1]),
            ]
            said = [hook.communicate(timeout=PATIENCE_SECONDS)[0] for hook in hooks]
    whole, one = (Outcome(hook.returncode, text) for hook, text in zip(hooks, said, strict=True))
    for outcome in (whole, one):
        assert outcome.exit_code == 4, outcome.stdout
        assert outcome.machine["run"] == run
        assert f"run {run} is being settled by another process" in outcome.stdout
        assert f"pid {guard}" in outcome.stdout
    assert whole.counts == {"chosen": 2, "ready": 2, "failed": 0, "open": 2}
    assert one.counts == {"chosen": 1, "ready": 1, "failed": 0, "open": 1}
    assert [whole.flags(vmx) for vmx in vmxs] == [["OK_snap"], ["OK_snap"]]
    site.wait_settled()
    assert site.leftovers() == []
    assert site.count_calls()["removesnapshots"] == 2


def test_a_lease_ended_by_hand_and_still_merging_does_not_refuse_the_next_run(site: Site) -> None:
    site.configure(run={"end_budget_seconds": 1})
    site.choose("vm1")
    first, second = site.add_vms(2)
    site.run("initial_backup", "--lease", "1h")
    old = site.run_name
    with site.host.holding("merge"):
        ended = site.run("initial_umount", "--run", old)
        assert ended.exit_code == 4, ended.stdout
        assert ended.flags(first) == ["OK_snap", "MERGING"]
        site.choose("*")
        made = site.run("initial_backup", "--lease", "1h")
        assert made.exit_code == 0, made.stdout
        assert made.flags(first) == ["LEFT_OUT"]
        assert made.flags(second) == ["OK_snap"]
    site.run("initial_umount", "--run", made.machine["run"])
    site.wait_settled()
    assert site.leftovers() == []


def test_a_lease_that_nobody_ended_refuses_the_next_run(site: Site) -> None:
    site.add_vms(1)
    site.run("initial_backup", "--lease", "1h")
    assert site.run("initial_backup", "--lease", "1h").exit_code == 75
    assert site.run("initial_umount", "--run", site.run_name).exit_code == 0
