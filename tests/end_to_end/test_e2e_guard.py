"""Whoever is killed, at whatever moment: the snapshots are removed, and by one process alone."""

import os
import signal
import time
from pathlib import Path

import pytest
from hook_kit import Site
from hook_watching import read_words, wait_until

# Several of the guard's polls.
A_WHILE_SECONDS = 0.7


def kill_hook(site: Site, hook: str, number: int = signal.SIGKILL) -> None:
    os.kill(site.hook_pid(hook), number)


def wait_snapshots(site: Site, vmxs: list[str], count: int) -> None:
    wait_until(
        lambda: all(len(site.host.snapshots(vmx)) == count for vmx in vmxs),
        f"{count} snapshots on each VM",
    )


def assert_clean(site: Site, vmxs: list[str]) -> None:
    assert [site.host.snapshots(vmx) for vmx in vmxs] == [[]] * len(vmxs)
    assert site.leftovers() == []


def test_when_avtar_is_killed_after_the_start_hook_the_guard_removes_all(site: Site) -> None:
    vmxs = site.add_vms(3)
    with site.avtar() as avtar:
        avtar.wait_started()
        time.sleep(A_WHILE_SECONDS)
        # As long as avtar lives nothing is touched.
        assert site.count_calls().get("removesnapshots", 0) == 0
        avtar.kill()
    site.wait_settled()
    assert_clean(site, vmxs)
    assert [site.flags(vmx)[-1] for vmx in vmxs] == ["OK_umount"] * 3
    assert site.count_calls()["removesnapshots"] == 3


def test_when_avtar_is_killed_during_the_start_hook_all_is_removed(site: Site) -> None:
    vmxs = site.add_vms(6)
    with site.avtar() as avtar:
        with site.host.holding("task"):
            site.wait_for_call("createsnapshot", 4)
            avtar.kill()
            time.sleep(A_WHILE_SECONDS)
        site.wait_settled()
    assert_clean(site, vmxs)


def test_when_the_start_hook_is_killed_the_end_hook_removes_what_came_of_it(site: Site) -> None:
    vmxs = site.add_vms(6)
    with site.avtar() as avtar:
        with site.host.holding("task"):
            site.wait_for_call("createsnapshot", 4)
            kill_hook(site, "initial_backup")
            avtar.wait_started()
        asked = [call[0] for call in site.changing_calls()]
        wait_snapshots(site, asked, 1)
        story = avtar.finish()
    assert story.start.exit_code == -signal.SIGKILL
    site.wait_settled()
    assert_clean(site, vmxs)
    # No VM of this run is known to be protected, and each is in the report, with a reason.
    assert story.ended.exit_code == 1
    assert story.ended.counts["ready"] == 0
    for vmx in vmxs:
        assert story.ended.flags(vmx), story.ended.stdout
    for vmx in set(vmxs) - set(asked):
        assert story.ended.words(vmx), story.ended.stdout


def test_a_snapshot_that_comes_after_the_end_hook_is_removed_by_the_guard(site: Site) -> None:
    site.configure(snapshot={"create_timeout_seconds": 30})
    (vmx,) = site.add_vms(1)
    with site.avtar() as avtar:
        with site.host.holding("task"):
            site.wait_for_call("createsnapshot")
            kill_hook(site, "initial_backup")
            story = avtar.finish()
            # Whether it comes is not known yet: that is no success, and somebody stays.
            assert story.ended.exit_code in (1, 4), story.ended.stdout
            assert story.ended.counts["open"] == 1
            assert site.guards()
            assert site.count_calls().get("removesnapshots", 0) == 0
        site.wait_settled()
    assert_clean(site, [vmx])
    assert site.count_calls()["removesnapshots"] == 1


def test_an_intent_that_came_to_nothing_is_closed_when_it_cannot_come_any_more(site: Site) -> None:
    site.configure(snapshot={"create_timeout_seconds": 1, "settle_timeout_seconds": 1})
    (vmx,) = site.add_vms(1)
    # The host says that it was too slow; nobody but time can tell that nothing comes.
    late = {"exit_code": 7, "text": "VMControl error -7: Timeout", "command": "createsnapshot"}
    site.host.configure(fail=[late])
    story = site.back_up()
    site.wait_settled()
    assert story.start.flags(vmx) == ["FAILED_snap"]
    assert site.flags(vmx)[-1] == "NOT_MADE"
    assert_clean(site, [vmx])


def test_the_guard_waits_while_a_process_holds_a_base_disk_open(site: Site) -> None:
    vmxs = site.add_vms(2)
    with site.avtar() as avtar:
        avtar.wait_started()
        with site.flat_path(vmxs[1]).open("rb"):
            avtar.kill()
            time.sleep(A_WHILE_SECONDS)
            assert [len(site.host.snapshots(vmx)) for vmx in vmxs] == [1, 1]
            assert site.guards()
    site.wait_settled()
    assert_clean(site, vmxs)


def test_the_guard_waits_for_a_host_command_of_the_run(site: Site) -> None:
    vmxs = site.add_vms(2)
    with site.avtar() as avtar, site.host.holding("task"):
        site.wait_for_call("createsnapshot", 2)
        kill_hook(site, "initial_backup")
        avtar.kill()
        time.sleep(A_WHILE_SECONDS)
        assert site.count_calls().get("removesnapshots", 0) == 0
        assert site.guards()
    site.wait_settled()
    assert_clean(site, vmxs)
    assert site.count_calls()["removesnapshots"] == 2


def test_when_the_guard_is_killed_the_end_hook_removes_all(site: Site) -> None:
    vmxs = site.add_vms(2)
    with site.avtar() as avtar:
        avtar.wait_started()
        os.kill(site.guards()[0], signal.SIGKILL)
        wait_until(lambda: not site.guards(), "the guard's end")
        story = avtar.finish()
    assert story.ended.exit_code == 0
    assert_clean(site, vmxs)
    site.wait_settled()


def test_when_the_guard_is_killed_and_the_host_refuses_the_end_hook_posts_another(
    site: Site,
) -> None:
    (vmx,) = site.add_vms(1)
    site.host.configure(fail=[{"exit_code": 231, "text": "no", "command": "removesnapshots"}])
    with site.avtar() as avtar:
        avtar.wait_started()
        os.kill(site.guards()[0], signal.SIGKILL)
        wait_until(lambda: not site.guards(), "the guard's end")
        story = avtar.finish()
    assert story.ended.exit_code == 4
    (guard,) = site.guards()
    assert f"pid {guard}" in story.ended.stdout
    site.host.configure(fail=[])
    site.wait_settled()
    assert_clean(site, [vmx])


def test_a_run_that_has_nobody_any_more_gets_a_guard_from_the_next_start_hook(site: Site) -> None:
    site.choose("vm1")
    first, second = site.add_vms(2)
    old = site.orphan_a_run()
    site.choose("*")
    with site.avtar() as avtar:
        # Held open, so that the new guard cannot be faster than this run.
        with site.flat_path(first).open("rb"):
            avtar.wait_started()
            assert len(site.guards()) == 2
            story = avtar.finish()
        assert story.start.exit_code == 0
        assert story.start.flags(first) == ["LEFT_OUT"]
        assert old.stem in story.start.words(first) or "HLB-" in story.start.words(first)
        assert story.start.flags(second) == ["OK_snap"]
        assert story.ended.exit_code == 1
    site.wait_settled()
    assert_clean(site, [first, second])
    assert [site.records(path)[-1].flag for path in site.state_files()] == ["ENDED", "ENDED"]


def test_the_next_run_of_the_job_is_not_refused_for_an_orphan_of_yesterday(site: Site) -> None:
    site.add_vms(1)
    site.orphan_a_run()
    outcome = site.run("initial_backup", "--lease", "1s")
    assert outcome.exit_code != 75, outcome.stdout
    site.wait_settled()
    assert site.leftovers() == []


def test_an_orphan_can_be_settled_by_hand(site: Site) -> None:
    vmxs = site.add_vms(2)
    run = site.orphan_a_run().stem
    outcome = site.run("initial_umount", "--run", run)
    assert outcome.exit_code == 0
    assert_clean(site, vmxs)


@pytest.mark.parametrize(
    ("number", "exit_code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 143)]
)
def test_a_start_hook_that_is_told_to_stop_begins_nothing_new_and_says_so(
    site: Site, number: int, exit_code: int
) -> None:
    vmxs = site.add_vms(6)
    with site.avtar() as avtar:
        with site.host.holding("task"):
            site.wait_for_call("createsnapshot", 4)
            kill_hook(site, "initial_backup", number)
            time.sleep(A_WHILE_SECONDS)
        avtar.wait_started()
        made = [call[0] for call in site.changing_calls()]
        story = avtar.finish()
    assert len(made) == 4
    assert story.start.exit_code == exit_code
    assert story.start.machine["exit"] == str(exit_code)
    for vmx in vmxs:
        assert story.start.flags(vmx) == (["OK_snap"] if vmx in made else ["LEFT_OUT"])
    assert story.ended.counts == {"chosen": 6, "ready": 4, "failed": 2, "open": 0}
    assert_clean(site, vmxs)
    site.wait_settled()


def test_a_start_hook_that_is_told_to_stop_does_not_wait_for_a_host_that_hangs(site: Site) -> None:
    vmxs = site.add_vms(2)
    with site.avtar() as avtar:
        with site.host.holding("task"):
            site.wait_for_call("createsnapshot", 2)
            kill_hook(site, "initial_backup", signal.SIGTERM)
            # It must be gone before this lets go: 30 s are promised, and the patience is longer.
            avtar.wait_started()
        story = avtar.finish()
    assert story.start.exit_code == 143
    for vmx in vmxs:
        assert story.start.flags(vmx) == ["FAILED_snap"]
        assert story.start.words(vmx)
    site.wait_settled()
    assert_clean(site, vmxs)


def test_what_an_end_hook_that_is_told_to_stop_has_not_begun_the_guard_does(site: Site) -> None:
    site.configure(snapshot={"remove_parallel": 1})
    vmxs = site.add_vms(3)
    with site.avtar() as avtar:
        avtar.wait_started()
        with site.host.holding("merge"):
            (avtar.barrier / "continue").touch()
            site.wait_for_call("removesnapshots")
            kill_hook(site, "initial_umount", signal.SIGTERM)
            time.sleep(A_WHILE_SECONDS)
            assert site.count_calls()["removesnapshots"] == 1
        story = avtar.finish()
    assert story.ended.exit_code == 143
    assert story.ended.counts["open"] == 2
    site.wait_settled()
    assert_clean(site, vmxs)


def test_when_the_end_hook_is_killed_in_the_middle_of_a_merge_the_guard_finishes(
    site: Site,
) -> None:
    site.configure(snapshot={"remove_parallel": 1})
    vmxs = site.add_vms(3)
    with site.avtar() as avtar:
        avtar.wait_started()
        with site.host.holding("merge"):
            (avtar.barrier / "continue").touch()
            site.wait_for_call("removesnapshots")
            kill_hook(site, "initial_umount")
            avtar.finish()
            time.sleep(A_WHILE_SECONDS)
            # The merge is a host command of this run that is under way.
            assert site.count_calls()["removesnapshots"] == 1
    site.wait_settled()
    assert_clean(site, vmxs)
    assert [site.flags(vmx)[-1] for vmx in vmxs] == ["OK_umount"] * 3
    assert site.count_calls()["removesnapshots"] == 3


def test_a_guard_that_is_told_to_stop_starts_nothing(site: Site) -> None:
    vmxs = site.add_vms(2)
    with site.avtar() as avtar:
        avtar.wait_started()
        (guard,) = site.guards()
        os.kill(guard, signal.SIGTERM)
        wait_until(lambda: not site.guards(), "the guard's end", 5)
        avtar.kill()
    time.sleep(A_WHILE_SECONDS)
    assert [len(site.host.snapshots(vmx)) for vmx in vmxs] == [1, 1]
    assert site.count_calls().get("removesnapshots", 0) == 0
    assert site.run("initial_umount", "--run", site.run_name).exit_code == 0
    assert_clean(site, vmxs)


def test_a_guard_that_is_told_to_stop_in_a_merge_begins_no_other(site: Site) -> None:
    site.configure(snapshot={"remove_parallel": 1})
    vmxs = site.add_vms(3)
    with site.avtar() as avtar:
        avtar.wait_started()
        with site.host.holding("merge"):
            avtar.kill()
            site.wait_for_call("removesnapshots")
            os.kill(site.guards()[0], signal.SIGTERM)
            time.sleep(A_WHILE_SECONDS)
    wait_until(lambda: not site.guards(), "the guard's end")
    assert site.count_calls()["removesnapshots"] == 1
    assert site.run("initial_umount", "--run", site.run_name).exit_code == 0
    assert_clean(site, vmxs)


def test_guard_and_end_hook_never_ask_twice_for_one_vm(site: Site) -> None:
    vmxs = site.add_vms(3)
    with site.avtar() as avtar:
        avtar.wait_started()
        with site.host.holding("merge"):
            (avtar.barrier / "continue").touch()
            site.wait_for_call("removesnapshots", 3)
            # avtar goes away while its end hook is at work: now two want to settle the run.
            avtar.kill()
            time.sleep(A_WHILE_SECONDS)
    site.wait_settled()
    assert_clean(site, vmxs)
    assert site.count_calls()["removesnapshots"] == 3


def test_the_heartbeat_says_why_the_guard_waits(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    with site.flat_path(vmx).open("rb"):
        site.run("initial_backup", "--lease", "1s")
        time.sleep(A_WHILE_SECONDS + 1)
        assert len(site.host.snapshots(vmx)) == 1
    site.wait_settled()
    beats = [event for event in site.log_events() if event["event"] == "heartbeat"]
    assert beats
    assert all(beat["run"] == site.run_name for beat in beats)


def kill_if_there(site: Site, hook: str) -> None:
    """Kill a hook that may be over already."""
    for entry in Path("/proc").iterdir():
        if os.fsencode(site.scripts / hook) in read_words(entry) and b"-I" in read_words(entry):
            os.kill(int(entry.name), signal.SIGKILL)


def make_the_host_slow(site: Site) -> None:
    site.configure(snapshot={"create_timeout_seconds": 1, "parallel": 2, "remove_parallel": 1})
    latency = {"-l": 0.05, "getstate": 0.05, "createsnapshot": 0.1, "removesnapshots": 0.05}
    site.host.configure(latency_seconds=latency, merge_seconds=0.1)


@pytest.mark.parametrize("delay_seconds", [0.1, 0.25, 0.4, 0.6])
def test_a_start_hook_killed_at_any_instant_leaves_nothing_behind_in_the_end(
    site: Site, delay_seconds: float
) -> None:
    make_the_host_slow(site)
    vmxs = site.add_vms(6)
    with site.avtar() as avtar:
        time.sleep(delay_seconds)
        kill_if_there(site, "initial_backup")
        avtar.wait_started()
        avtar.finish()
    wait_until(lambda: not site.guards(), "the guard's end")
    assert_clean(site, vmxs)
    # Whatever is written down, the next run is in nobody's way.
    assert site.back_up().ended.counts["ready"] == 6


@pytest.mark.parametrize("delay_seconds", [0.15, 0.35, 0.6])
def test_an_end_hook_killed_at_any_instant_leaves_the_rest_to_the_guard(
    site: Site, delay_seconds: float
) -> None:
    make_the_host_slow(site)
    vmxs = site.add_vms(4)
    with site.avtar() as avtar:
        avtar.wait_started()
        for vmx in vmxs:
            site.host.write_guest(vmx, "scsi0:0", 512, b"kept")
        (avtar.barrier / "continue").touch()
        time.sleep(delay_seconds)
        kill_if_there(site, "initial_umount")
        avtar.finish()
    site.wait_settled()
    assert_clean(site, vmxs)
    assert [site.flags(vmx)[-1] for vmx in vmxs] == ["OK_umount"] * 4
    assert [site.host.disk_bytes(vmx)[512:516] for vmx in vmxs] == [b"kept"] * 4


def test_avtar_hook_and_guard_killed_together_leave_all_to_the_next_run(site: Site) -> None:
    make_the_host_slow(site)
    vmxs = site.add_vms(4)
    with site.avtar() as avtar:
        site.wait_for_call("createsnapshot", 2)
        avtar.process.kill()
        kill_if_there(site, "initial_backup")
        for guard in site.guards():
            os.kill(guard, signal.SIGKILL)
    wait_until(lambda: not site.guards(), "the guard's end")
    site.back_up()
    site.wait_settled()
    assert_clean(site, vmxs)
    assert site.back_up().ended.counts["ready"] == 4


def test_when_the_datastore_is_nearly_full_ours_go_at_once_and_the_vms_are_torn(
    site: Site,
) -> None:
    # No datastore has all of itself free.
    site.configure(snapshot={"emergency_free_percent": 100})
    vmxs = site.add_vms(2)
    with site.avtar() as avtar:
        with site.flat_path(vmxs[0]).open("rb"):
            avtar.wait_started()
            # A guest that stops is worse than a backup that is lost: no reader is waited for.
            wait_snapshots(site, vmxs, 0)
        story = avtar.finish()
    assert story.ended.exit_code == 1
    for vmx in vmxs:
        assert story.ended.flags(vmx) == ["OK_snap", "TORN", "OK_umount"]
        assert "emergency_free_percent" in story.ended.words(vmx)
    assert story.ended.counts == {"chosen": 2, "ready": 0, "failed": 2, "open": 0}
    site.wait_settled()
    assert site.leftovers() == []
