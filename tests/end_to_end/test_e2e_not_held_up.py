"""Nothing slow is done while holding what others need: whoever only looks comes back at once."""

from collections.abc import Iterator

from hook_kit import Site
from hook_story import Outcome
from rehearsing import run_hlb
from side_by_side_kit import add_job, assert_asked_once


def looks(site: Site) -> Iterator[Outcome]:
    """Run everything that only reads."""
    yield site.run("initial_backup", "--dry-run", "--lease", "1h", "--job", "gold")
    yield site.run("compare_backup")
    yield site.run("initial_umount", "--dry-run", "--run", site.run_name)
    yield run_hlb(site, "reap", "--dry-run")
    yield run_hlb(site, "plan", "--job", "gold")
    status = run_hlb(site, "status")
    assert site.run_name in status.stdout
    yield status


def test_while_a_start_hook_hangs_in_the_host_all_that_reads_comes_back(site: Site) -> None:
    vmx = site.host.add_vm("vm")
    other = site.host.add_vm("other")
    site.choose("vm")
    add_job(site, "gold", "other")
    with site.avtar() as avtar:
        with site.host.holding("task"):
            site.wait_for_call("createsnapshot")
            for outcome in looks(site):
                assert outcome.exit_code in (0, 1), outcome.stdout
            # What they come back with is true, and the hook hangs still.
            assert site.host.snapshots(vmx) == []
            assert not (avtar.barrier / "started").exists()
        avtar.wait_started()
        # Another job is not held up either: it has begun and ended by now.
        gold = site.run("initial_backup", "--lease", "1h", "--job", "gold")
        assert gold.flags(other) == ["OK_snap"]
        site.run("initial_umount", "--run", gold.machine["run"])
        avtar.finish()
    assert_asked_once(site)


def test_while_a_removal_takes_long_all_that_reads_comes_back(site: Site) -> None:
    vmx = site.host.add_vm("vm")
    other = site.host.add_vm("other")
    site.choose("vm")
    add_job(site, "gold", "other")
    with site.avtar() as avtar:
        avtar.wait_started()
        with site.host.holding("merge"):
            (avtar.barrier / "continue").touch()
            site.wait_for_call("removesnapshots")
            for outcome in looks(site):
                assert outcome.exit_code in (0, 1, 4), outcome.stdout
            gold = site.run("initial_backup", "--lease", "1h", "--job", "gold")
            assert gold.flags(other) == ["OK_snap"]
            assert avtar.process.poll() is None
            assert len(site.host.disk_chain(vmx)) == 2
        avtar.finish()
    site.run("initial_umount", "--run", gold.machine["run"])
    site.wait_settled()
    assert_asked_once(site)
