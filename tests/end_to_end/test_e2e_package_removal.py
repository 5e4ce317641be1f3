"""Before the package is removed: nothing of ours may stay open with nobody left to know of it."""

import subprocess
import sys

from hook_kit import Site
from hook_story import Outcome


def ask(site: Site) -> Outcome:
    """Ask as the scripts of the packages do, of this site alone."""
    words = ["-I", "-m", "hlb_hooks.entry.package_removal", "--config", str(site.config)]
    done = subprocess.run([sys.executable, *words], capture_output=True, check=False, text=True)
    return Outcome(done.returncode, done.stdout, done.stderr)


def test_a_host_without_any_run_lets_the_package_go(site: Site) -> None:
    assert ask(site) == Outcome(0, "", "")
    assert not site.state_dir.exists()


def test_an_open_snapshot_holds_the_package_and_a_settled_run_does_not(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    with site.avtar() as avtar:
        avtar.wait_started()
        held = ask(site)
        assert held.exit_code == 4
        assert f"run {site.run_name} has 1 snapshots open" in held.stdout
        assert vmx in held.stdout
        assert "hlb reap" in held.stdout
        avtar.finish()
    site.wait_settled()
    assert ask(site).exit_code == 0


def test_what_nobody_keeps_holds_the_package_until_it_is_reaped(site: Site) -> None:
    site.add_vms(1)
    site.orphan_a_run()
    assert ask(site).exit_code == 4


def test_a_state_file_that_cannot_be_read_holds_the_package(site: Site) -> None:
    site.add_vms(1)
    site.back_up()
    site.wait_settled()
    with site.state_file.open("ab") as file:
        file.write(b"no record\nat all\n")
    held = ask(site)
    assert held.exit_code == 1
    assert str(site.state_file) in held.stdout


def test_a_run_that_lives_holds_the_package_though_nothing_is_open(site: Site) -> None:
    site.add_vms(1)
    assert site.run("initial_backup", "--lease", "1h").exit_code == 0
    run = site.run_name
    assert site.run("initial_umount", "--run", run).exit_code == 0
    site.wait_settled()
    # As it is in the moments after the beginning and before the end.
    records = site.state_file.read_bytes().splitlines(keepends=True)
    site.state_file.write_bytes(b"".join(line for line in records if b"\tENDED\t" not in line))
    held = ask(site)
    assert held.exit_code == 75
    assert f"run {run} of a lease until" in held.stdout
