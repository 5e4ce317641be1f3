"""Two at the same moment: each VM is somebody's, and asked once.

Who begins when is left to chance, by seeds: the second begins some tenths of a second after the
first, which is before, in, and after what the first does.
"""

import os
import random
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from hook_kit import PROGRAMS, RunningAvtar, Site
from hook_story import Outcome
from hook_watching import PATIENCE_SECONDS
from rehearsing import speaks_of_others
from side_by_side_kit import add_job, assert_asked_once

SEEDS = [int(seed) for seed in os.environ.get("HLB_TWO_SEEDS", "1 2").split()]
# A hook is over after some 0.4 s.
LONGEST_OFFSET_SECONDS = 0.4

by_chance = pytest.mark.parametrize("seed", SEEDS)


def wait_a_moment(chance: random.Random) -> None:
    time.sleep(chance.uniform(0, LONGEST_OFFSET_SECONDS))


def start_reap(site: Site) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [PROGRAMS / "hlb", "reap", "--config", site.config],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd="/",
    )


def finish(process: "subprocess.Popen[str]") -> Outcome:
    stdout, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert "Traceback" not in stdout
    return Outcome(process.returncode, stdout)


def assert_reaped(site: Site, outcome: Outcome) -> None:
    assert outcome.exit_code in (0, 4) or speaks_of_others(site, outcome), outcome.stdout


@contextmanager
def two_avtars(
    site: Site, chance: random.Random, second_start: str = "initial_backup"
) -> Iterator[tuple[RunningAvtar, RunningAvtar]]:
    with ExitStack() as stack:
        first = stack.enter_context(site.avtar())
        wait_a_moment(chance)
        yield first, stack.enter_context(site.avtar(start=second_start))


@by_chance
def test_of_two_avtars_of_one_job_one_gets_75_and_its_end_hook_changes_nothing(
    site: Site, seed: int
) -> None:
    vmxs = site.add_vms(3)
    with two_avtars(site, random.Random(seed)) as both:
        for avtar in both:
            avtar.wait_started()
        assert [len(site.host.snapshots(vmx)) for vmx in vmxs] == [1, 1, 1]
        assert len(site.state_files()) == 1
        owner = next(each for each in site.records() if each.flag == "OWNER")
        refused, winner = sorted(both, key=lambda avtar: str(avtar.pid) == owner.details["pid"])
        before = site.state_file.read_bytes(), site.changing_calls()
        story = refused.finish()
        assert story.start.exit_code == 75
        assert story.start.counts == {"chosen": 0, "ready": 0, "failed": 0, "open": 0}
        assert site.run_name in story.start.stdout
        assert story.ended.exit_code == 0
        assert story.ended.machine["run"] == "-"
        assert (site.state_file.read_bytes(), site.changing_calls()) == before
        assert winner.finish().ended.counts == {"chosen": 3, "ready": 3, "failed": 0, "open": 0}
    assert_asked_once(site)


@by_chance
def test_of_two_jobs_that_want_the_same_vm_one_gets_it_and_the_other_names_it(
    site: Site, seed: int
) -> None:
    site.configure(snapshot={"parallel": 1})
    wanted = site.host.add_vm("both")
    only_one, only_other = site.host.add_vm("silver"), site.host.add_vm("gold")
    site.choose("silver", "both")
    add_job(site, "gold", "both", "gold")
    with two_avtars(site, random.Random(seed), "initial_backup.gold") as both:
        for avtar in both:
            avtar.wait_started()
        assert [len(site.host.snapshots(vmx)) for vmx in (wanted, only_one, only_other)] == [1] * 3
        stories = [avtar.finish() for avtar in both]
    for story, own in zip(stories, (only_one, only_other), strict=True):
        assert story.ended.flags(own) == ["OK_snap", "OK_umount"]
    loser, winner = sorted(stories, key=lambda story: story.start.counts["ready"])
    assert winner.ended.flags(wanted) == ["OK_snap", "OK_umount"]
    assert loser.start.flags(wanted)[0] in ("LEFT_OUT", "FAILED_snap")
    # By its claim or by its snapshot, the other is named; and what to do about it.
    words = loser.start.words(wanted)
    others = (winner.start.machine["run"], "HLB-", "another run")
    assert any(name in words for name in others), words
    assert "next step: " in words
    assert loser.ended.exit_code == 1
    assert_asked_once(site)


@by_chance
def test_a_start_beside_an_end_of_the_same_job_is_refused_or_has_its_own(
    site: Site, seed: int
) -> None:
    chance = random.Random(seed)
    vmxs = site.add_vms(3)
    site.configure(snapshot={"remove_parallel": 1})
    with site.avtar() as first:
        first.wait_started()
        (first.barrier / "continue").touch()
        wait_a_moment(chance)
        with site.avtar() as second:
            second.wait_started()
            ended = first.finish().ended
            second_story = second.finish()
    assert ended.exit_code in (0, 4)
    start = second_story.start
    assert start.exit_code in (0, 1, 75)
    for vmx in vmxs if start.exit_code != 75 else []:
        # Those that the first has not removed yet are left to it.
        assert start.flags(vmx) in (["OK_snap"], ["LEFT_OUT"], ["FAILED_snap"])
    site.wait_settled()
    assert_asked_once(site)


@by_chance
@pytest.mark.parametrize("rival", ["snap_remove", "all"])
def test_an_end_hook_and_others_that_remove_ask_once_for_each_vm(
    site: Site, rival: str, seed: int
) -> None:
    chance = random.Random(seed)
    vmxs = site.add_vms(3)
    site.configure(snapshot={"remove_parallel": 1})
    with site.avtar() as avtar:
        avtar.wait_started()
        run = site.run_name
        (avtar.barrier / "continue").touch()
        wait_a_moment(chance)
        rivals = [site.start_hook("snap_remove", "--run", run, *vmxs)]
        if rival == "all":
            rivals.append(site.start_hook("initial_umount", "--run", run))
            assert_reaped(site, finish(start_reap(site)))
        outcomes = [finish(each) for each in rivals]
        outcomes.append(avtar.finish().ended)
    site.wait_settled()
    for outcome in outcomes:
        # What is removed by hand while avtar lives may not be trusted: that is said, and no more.
        is_torn = "TORN" in outcome.stdout
        assert outcome.exit_code in ((1,) if is_torn else (0, 4)), outcome.stdout
    assert [site.flags(vmx)[-1] for vmx in vmxs] == ["OK_umount"] * 3
    assert_asked_once(site)


@by_chance
def test_a_guard_and_a_reap_ask_once_for_each_vm(site: Site, seed: int) -> None:
    chance = random.Random(seed)
    vmxs = site.add_vms(3)
    site.configure(snapshot={"remove_parallel": 1})
    with site.avtar() as avtar:
        avtar.wait_started()
        avtar.kill()
        wait_a_moment(chance)
        reaps = [start_reap(site) for _ in range(2)]
        for reap in reaps:
            assert_reaped(site, finish(reap))
    site.wait_settled()
    assert [site.flags(vmx)[-1] for vmx in vmxs] == ["OK_umount"] * 3
    assert_asked_once(site)


@by_chance
def test_a_start_beside_a_reap_keeps_its_own_and_leaves_the_orphans_to_it(
    site: Site, seed: int
) -> None:
    chance = random.Random(seed)
    vmxs = site.add_vms(4)
    site.choose("vm1", "vm2")
    old = site.orphan_a_run()
    site.choose("*")
    reap = start_reap(site)
    wait_a_moment(chance)
    with site.avtar() as avtar:
        avtar.wait_started()
        assert_reaped(site, finish(reap))
        (new,) = set(site.state_files()) - {old}
        story = avtar.finish()
    assert story.start.exit_code == 0
    for vmx in vmxs[2:]:
        assert story.ended.flags(vmx) == ["OK_snap", "OK_umount"]
    for vmx in vmxs[:2]:
        assert story.ended.flags(vmx) in (["LEFT_OUT"], ["FAILED_snap"], ["OK_snap", "OK_umount"])
    site.wait_settled()
    assert "\tENDED\t" in new.read_text("utf-8")
    assert_asked_once(site)


def test_a_delta_above_ours_that_no_snapshot_accounts_for_is_not_merged_away(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    vmsd = Path(vmx).with_suffix(".vmsd")
    with site.avtar() as avtar:
        avtar.wait_started()
        listed = vmsd.read_bytes()
        # An administrator's snapshot under way: its disk is there, its entry is not yet.
        site.host.take_admin_snapshot(vmx, "before the update")
        whole = vmsd.read_bytes()
        vmsd.write_bytes(listed)
        story = avtar.finish()
        assert len(site.host.disk_chain(vmx)) == 3
        assert story.ended.exit_code == 4
        vmsd.write_bytes(whole)
    site.may_leave_guards = True
