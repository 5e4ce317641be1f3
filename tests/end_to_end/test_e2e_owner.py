"""A run has an owner, and only its owner ends it."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hook_kit import Site
from hook_watching import picture, wait_until


@pytest.fixture
def vmx(site: Site) -> str:
    return site.host.add_vm("vm")


@contextmanager
def sleeping_process() -> Iterator[int]:
    with subprocess.Popen(["/bin/sleep", "600"]) as process:
        try:
            yield process.pid
        finally:
            process.kill()


def test_without_an_owner_no_snapshot_is_made_and_the_three_ways_are_named(
    site: Site, vmx: str
) -> None:
    before = picture(site.root)
    outcome = site.run("initial_backup")
    assert outcome.exit_code == 2
    for way in ("[run] owner", "--owner-pid", "--lease"):
        assert way in outcome.stdout
    assert outcome.machine["run"] == "-"
    assert picture(site.root) == before
    assert site.run("snap_request", vmx).exit_code == 2
    assert picture(site.root) == before


def test_another_client_is_named_in_the_configuration(site: Site, vmx: str) -> None:
    site.configure(run={"owner": ["nobody", "other*"]})
    story = site.back_up(name="otherclient")
    assert story.ended.flags(vmx) == ["OK_snap", "OK_umount"]
    (owner,) = [record for record in site.records() if record.flag == "OWNER"]
    assert owner.details["name"] == "otherclient"


def test_a_client_that_is_not_named_is_no_owner(site: Site, vmx: str) -> None:
    story = site.back_up(name="otherclient")
    assert (story.start.exit_code, story.ended.exit_code) == (2, 2)
    assert site.host.snapshots(vmx) == []
    assert not site.state_dir.exists()


def test_a_process_can_be_named_as_the_owner(site: Site, vmx: str) -> None:
    with sleeping_process() as pid:
        made = site.run("initial_backup", "--owner-pid", str(pid))
        assert made.exit_code == 0, made.stdout
        # Longer than the guard's poll: it would have begun by now.
        time.sleep(0.5)
        assert len(site.host.snapshots(vmx)) == 1
    site.wait_settled()
    assert site.leftovers() == []


def test_a_named_process_can_end_its_run_by_its_pid(site: Site, vmx: str) -> None:
    with sleeping_process() as pid:
        site.run("initial_backup", "--owner-pid", str(pid))
        ended = site.run("initial_umount", "--owner-pid", str(pid))
        assert ended.exit_code == 0
        assert ended.flags(vmx) == ["OK_snap", "OK_umount"]


@pytest.mark.parametrize("pid", ["0", "-1", "4194999", "1e3", "", "99999999999999999999"])
def test_a_pid_that_is_no_process_is_refused(site: Site, vmx: str, pid: str) -> None:
    before = picture(site.root)
    outcome = site.run("initial_backup", f"--owner-pid={pid}")
    assert outcome.exit_code == 2, outcome.stdout
    assert pid in outcome.stdout
    assert "owner-pid" in outcome.stdout
    assert picture(site.root) == before


def test_a_pid_of_a_zombie_is_refused(site: Site, vmx: str) -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    state = Path(f"/proc/{child}/stat")
    wait_until(lambda: state.read_text().rpartition(")")[2].split()[0] == "Z", "a zombie")
    outcome = site.run("initial_backup", "--owner-pid", str(child))
    os.waitpid(child, 0)
    assert outcome.exit_code == 2
    assert site.host.snapshots(vmx) == []


def test_when_the_lease_is_over_the_guard_removes_all(site: Site, vmx: str) -> None:
    made = site.run("initial_backup", "--lease", "2s")
    assert made.exit_code == 0
    site.wait_settled()
    assert site.flags(vmx)[-1] == "OK_umount"
    assert site.leftovers() == []


@pytest.mark.parametrize("lease", ["0s", "4", "h", "8d", "-1h", "1.5h", "4 h", "", "٣h"])
def test_a_lease_that_is_no_time_is_refused(site: Site, vmx: str, lease: str) -> None:
    outcome = site.run("initial_backup", f"--lease={lease}")
    assert outcome.exit_code == 2, outcome.stdout
    assert "--lease" in outcome.stdout
    assert not site.state_dir.exists()
    assert site.host.calls() == []


def test_by_hand_the_end_hook_wants_to_know_which_run_and_names_the_open_ones(
    site: Site, vmx: str
) -> None:
    site.run("initial_backup", "--lease", "1h")
    run = site.run_name
    outcome = site.run("initial_umount")
    assert outcome.exit_code == 2
    assert "--run" in outcome.stdout
    assert run in outcome.stdout
    assert len(site.host.snapshots(vmx)) == 1
    ended = site.run("initial_umount", "--run", run)
    assert ended.exit_code == 0
    assert ended.flags(vmx) == ["OK_snap", "OK_umount"]


def test_a_run_that_nobody_knows_is_refused(site: Site, vmx: str) -> None:
    site.run("initial_backup", "--lease", "1h")
    outcome = site.run("initial_umount", "--run", "../default-20260101T000000Z-00000000")
    assert outcome.exit_code == 2
    assert site.run_name in outcome.stdout
    assert len(site.host.snapshots(vmx)) == 1
    site.run("initial_umount", "--run", site.run_name)


def test_a_second_avtar_is_refused_and_its_end_hook_takes_nothing_away(
    site: Site, vmx: str
) -> None:
    with site.avtar() as first:
        first.wait_started()
        calls = len(site.changing_calls())
        second = site.back_up()
        assert second.start.exit_code == 75
        assert site.run_name in second.start.stdout
        assert second.ended.exit_code == 0
        assert second.ended.machine["run"] == "-"
        assert len(site.changing_calls()) == calls
        assert len(site.host.snapshots(vmx)) == 1
        assert len(site.state_files()) == 1
        story = first.finish()
    assert story.ended.flags(vmx) == ["OK_snap", "OK_umount"]


def test_of_two_avtars_at_the_same_moment_one_gets_the_vms(site: Site, vmx: str) -> None:
    with site.avtar() as first, site.avtar() as second:
        first.wait_started()
        second.wait_started()
        stories = [first.finish(), second.finish()]
    codes = sorted(story.start.exit_code for story in stories)
    assert codes == [0, 75]
    assert sorted(story.ended.exit_code for story in stories) == [0, 0]
    assert len(site.changing_calls()) == 2
    assert site.leftovers() == []


def test_a_run_by_hand_is_not_ended_by_an_avtar(site: Site, vmx: str) -> None:
    site.configure(**{"jobs.gold": {"targets": str(site.targets)}})
    site.run("initial_backup", "--lease", "1h", "--job", "gold")
    story = site.back_up()
    assert story.start.flags(vmx) == ["LEFT_OUT"]
    assert len(site.host.snapshots(vmx)) == 1
    assert site.run("initial_umount", "--run", site.state_files()[1].stem).exit_code == 0


def test_an_end_hook_without_a_start_has_nothing_to_do(site: Site, vmx: str) -> None:
    with site.avtar() as avtar:
        avtar.wait_started()
        site.run("initial_umount", "--run", site.run_name)
        story = avtar.finish()
    # Somebody took it away under the client: that is said once more, and nothing is done twice.
    assert story.ended.exit_code == 1
    assert story.ended.flags(vmx) == ["OK_snap", "TORN", "OK_umount"]
    assert "removed by hand while avtar" in story.ended.words(vmx)
    assert site.count_calls()["removesnapshots"] == 1


def test_the_nearest_ancestor_called_avtar_is_the_owner(site: Site, vmx: str) -> None:
    inner = site.avtar_command("--no-end", name="avtar-inner")
    script = site.scripts / "outer"
    words = " ".join(f"'{word}'" for word in inner)
    script.write_text(f"#!/bin/sh\n{words}\n")
    script.chmod(0o755)
    site.back_up("--no-end", start="outer")
    site.wait_settled()
    (owner,) = [record for record in site.records() if record.flag == "OWNER"]
    assert owner.details["name"] == "avtar-inner"


def test_the_run_of_a_process_above_avtar_is_not_avtars_to_end(site: Site, vmx: str) -> None:
    made = site.run("initial_backup", "--owner-pid", str(os.getpid()))
    story = site.back_up()
    assert story.start.exit_code == 75
    assert made.machine["run"] in story.start.stdout
    assert story.ended.exit_code == 0, story.ended.stdout
    assert story.ended.machine["run"] == "-"
    assert site.count_calls().get("removesnapshots", 0) == 0
    assert len(site.host.snapshots(vmx)) == 1
    # Below the process itself, and with no client between, it needs not be named.
    ended = site.run("initial_umount")
    assert ended.exit_code == 0, ended.stdout
    assert ended.flags(vmx) == ["OK_snap", "OK_umount"]


def test_a_process_below_avtar_that_has_a_run_is_nearer_than_avtar(site: Site, vmx: str) -> None:
    other = site.host.add_vm("other")
    site.choose("vm")
    site.configure(**{"jobs.gold": {"targets": str(site.targets)}})
    script = site.scripts / "around"
    script.write_text(
        "#!/bin/sh\n"
        f"'{site.scripts}/snap_request' --owner-pid $$ --job gold '{other}' >/dev/null\n"
        f"'{site.scripts}/initial_umount'\n"
    )
    script.chmod(0o755)
    with site.avtar(end="around") as avtar:
        avtar.wait_started()
        # Held open, so that the guard does not remove it when avtar is gone.
        with site.flat_path(vmx).open("rb"):
            story = avtar.finish()
            assert story.ended.machine["job"] == "gold"
            assert story.ended.flags(other) == ["OK_snap", "OK_umount"]
            assert len(site.host.snapshots(vmx)) == 1
    site.wait_settled()
    assert site.leftovers() == []


@pytest.mark.parametrize("hook", ["initial_umount", "snap_remove"])
def test_a_job_that_is_not_configured_is_an_error_where_nothing_is_open(
    site: Site, vmx: str, hook: str
) -> None:
    vmxs = [vmx] if hook == "snap_remove" else []
    with sleeping_process() as pid:
        outcome = site.run(hook, "--job", "nosuch", "--owner-pid", str(pid), *vmxs)
    assert outcome.exit_code == 2, outcome.stdout
    assert "nosuch" in outcome.stdout
    assert outcome.machine["run"] == "-"


@pytest.mark.parametrize("hook", ["initial_umount", "snap_remove"])
def test_a_job_that_is_not_configured_keeps_no_snapshot_open(
    site: Site, vmx: str, hook: str
) -> None:
    vmxs = [vmx] if hook == "snap_remove" else []
    with sleeping_process() as pid:
        site.run("initial_backup", "--owner-pid", str(pid))
        outcome = site.run(hook, "--job", "nosuch", "--owner-pid", str(pid), *vmxs)
    assert "nosuch" in outcome.stdout
    assert outcome.flags(vmx) == ["OK_snap", "OK_umount"]
    assert outcome.machine["job"] == "default"
    assert site.leftovers() == []


def test_avtars_own_run_is_ended_by_a_link_whose_job_is_not_configured(
    site: Site, vmx: str
) -> None:
    (site.scripts / "initial_umount.nosuch").symlink_to("initial_umount")
    story = site.back_up(end="initial_umount.nosuch")
    assert "nosuch" in story.ended.stdout
    assert story.ended.flags(vmx) == ["OK_snap", "OK_umount"]
