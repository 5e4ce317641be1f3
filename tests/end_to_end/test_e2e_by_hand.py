"""What people do by hand while a client lives, and what is above our snapshot unaccounted for."""

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path

import pytest
from esx import Vmsd, Vmx, merge_into, read_chain
from hook_kit import Site
from hook_watching import wait_until
from rehearsing import rehearse, run_hlb
from self_ending_client import living_on
from two_hosts_kit import removals

ADMIN = "before the update"


def whole_run(run: str, _pid: int, _vmx: str) -> tuple[str, ...]:
    return ("initial_umount", "--run", run)


def by_pid(_run: str, pid: int, _vmx: str) -> tuple[str, ...]:
    return ("initial_umount", "--owner-pid", str(pid))


def one_vm(run: str, _pid: int, vmx: str) -> tuple[str, ...]:
    return ("snap_remove", "--run", run, vmx)


@contextmanager
def reading(*vmxs: str) -> Iterator[None]:
    """Hold the VMs' data files open."""
    with ExitStack() as stack:
        for vmx in vmxs:
            for path in Path(vmx).parent.glob("*-flat.vmdk"):
                stack.enter_context(path.open("rb"))
        yield


@pytest.mark.parametrize("take_away", [whole_run, by_pid, one_vm])
def test_what_is_taken_away_by_hand_under_a_living_client_is_torn(
    site: Site, take_away: Callable[[str, int, str], tuple[str, ...]]
) -> None:
    vmx, other = site.add_vms(2)
    is_all = take_away is not one_vm
    with site.avtar() as avtar:
        avtar.wait_started()
        words = take_away(site.run_name, avtar.pid, vmx)
        # Who names the client knows that it is done: then only a reader tells.
        with reading(vmx, other) if take_away is by_pid else nullcontext():
            rehearsed = rehearse(site, *words)
            outcome = site.run(*words)
        assert (rehearsed.exit_code, outcome.exit_code) == (1, 1), outcome.stdout
        assert outcome.flags(vmx) == rehearsed.flags(vmx) == ["OK_snap", "TORN", "OK_umount"]
        reason = f"reason: removed by hand while avtar (pid {avtar.pid}) was alive"
        assert reason in outcome.words(vmx)
        assert reason in rehearsed.words(vmx)
        assert "next step: " in outcome.words(vmx)
        # Before it was taken away: killed in between, the next one says so too.
        assert site.flags(vmx).index("TORN") < site.flags(vmx).index("INTENT_umount")
        assert (other in removals(site)) == is_all
        story = avtar.finish()
    # The client's own end hook carries it.
    assert story.ended.exit_code == 1
    assert story.ended.flags(vmx) == ["OK_snap", "TORN", "OK_umount"]
    expected = ["OK_snap", "TORN", "OK_umount"] if is_all else ["OK_snap", "OK_umount"]
    assert story.ended.flags(other) == expected
    assert removals(site).count(vmx) == 1
    site.wait_settled()
    assert site.leftovers() == []


def test_a_client_that_ends_its_own_run_by_name_tears_nothing(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    script = (
        '"$0/initial_backup" --owner-pid $$ >/dev/null || exit 9\n'
        'run=$(basename "$1"/*.state .state)\n'
        '"$0/initial_umount" --run "$run"\n'
    )
    done = subprocess.run(
        ["/bin/sh", "-c", script, site.scripts, site.state_dir],
        env={"HLB_CONFIG": str(site.config), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert site.flags(vmx)[-1] == "OK_umount"
    assert "TORN" not in site.flags(vmx)
    site.wait_settled()


def test_after_the_end_hook_nobody_reads_any_more_though_the_client_lives(site: Site) -> None:
    site.configure(run={"guard_retry_seconds": 600})
    (vmx,) = site.add_vms(1)
    site.host.configure(fail=[{"exit_code": 231, "text": "no", "command": "removesnapshots"}])
    with living_on(site) as codes:
        assert codes == [0, 4]
        # The guard has its first try at once.
        wait_until(lambda: len(removals(site)) > 1, "the guard's first try")
        site.host.configure(fail=[])
        outcome = site.run("initial_umount", "--run", site.run_name)
        assert outcome.exit_code == 0, outcome.stdout
        assert outcome.flags(vmx) == ["OK_snap", "OK_umount"]
    site.wait_settled()
    assert "TORN" not in site.flags(vmx)


def test_after_the_client_s_death_an_end_by_hand_tears_nothing(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    site.orphan_a_run()
    outcome = site.run("initial_umount", "--run", site.run_name)
    assert outcome.exit_code == 0
    assert outcome.flags(vmx) == ["OK_snap", "OK_umount"]


def test_a_lease_is_over_with_the_last_snapshot_that_is_taken_away_by_hand(site: Site) -> None:
    first, second = site.add_vms(2)
    assert site.run("snap_request", "--lease", "1h", first, second).exit_code == 0
    run = site.run_name
    assert site.run("snap_remove", "--run", run, first).exit_code == 0
    assert run_hlb(site, "plan").exit_code == 75
    assert site.run("snap_remove", "--run", run, second).exit_code == 0
    assert run_hlb(site, "plan").exit_code == 0
    site.wait_settled()
    assert site.leftovers() == []


def test_a_lease_goes_on_while_a_vm_without_a_snapshot_may_be_read(site: Site) -> None:
    vmx, template = site.host.add_vm("vm"), site.host.add_vm("golden", template=True)
    assert site.run("initial_backup", "--lease", "1h").flags(template) == ["READABLE"]
    run = site.run_name
    assert site.run("snap_remove", "--run", run, vmx).exit_code == 0
    assert run_hlb(site, "plan").exit_code == 75
    assert site.run("initial_umount", "--run", run).exit_code == 0
    site.wait_settled()


def put_unknown_delta_above(site: Site, vmx: str) -> None:
    """Leave what an administrator's snapshot looks like before the host has listed it."""
    site.host.take_admin_snapshot(vmx, ADMIN)
    listed = Vmsd(Path(vmx))
    listed.entries.pop()
    listed.save()


def merge_top(vmx: str) -> None:
    config = Vmx(Path(vmx))
    top = config.disk("scsi0:0").path
    below = read_chain(top)[1].path
    idle = merge_into(below, top)
    config.set("scsi0:0.fileName", below.name)
    config.save()
    for path in idle:
        path.unlink()


def test_a_delta_that_nobody_accounts_for_above_ours_saves_it_from_removal(site: Site) -> None:
    vmx, other = site.add_vms(2)
    with site.avtar() as avtar:
        avtar.wait_started()
        put_unknown_delta_above(site, vmx)
        rehearsed = rehearse(site, "initial_umount", "--run", site.run_name)
        before = site.host.disk_bytes(vmx)
        story = avtar.finish()
    assert story.ended.exit_code == 4
    assert story.ended.flags(vmx) == ["OK_snap", "FAILED_umount"]
    assert rehearsed.flags(vmx)[-1] == "FAILED_umount"
    words = story.ended.words(vmx)
    assert "above ours there is a delta that no snapshot accounts for" in words
    assert re.search("next step: .*who is making or removing a snapshot", words)
    assert story.ended.flags(other) == ["OK_snap", "OK_umount"]
    assert "no snapshot accounts for" in run_hlb(site, "status").stdout
    assert removals(site) == [other]
    assert len(site.host.disk_chain(vmx)) == 3
    merge_top(vmx)
    site.wait_settled()
    assert removals(site) == [other, vmx]
    assert site.flags(vmx)[-1] == "OK_umount"
    assert site.host.disk_bytes(vmx) == before


def test_another_client_s_x_is_no_restore(site: Site) -> None:
    # borg: --one-file-system.
    site.configure(run={"owner": ["borg*"]})
    (vmx,) = site.add_vms(1)
    story = site.back_up("-x", name="borgmatic")
    assert story.start.flags(vmx) == ["OK_snap"]
    assert story.ended.flags(vmx) == ["OK_snap", "OK_umount"]
    site.wait_settled()
