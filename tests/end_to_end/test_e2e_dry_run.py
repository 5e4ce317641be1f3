"""A dry run changes not a byte, and tells the truth about the real run that follows."""

import fcntl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hook_kit import Site
from hook_story import Outcome
from hook_watching import picture

FAULT = {"exit_code": 231, "text": "VMControl error -999: no", "command": "createsnapshot"}


def look(site: Site) -> dict[str, tuple[Any, ...]]:
    """Give all that a dry run must leave as it is; only the emulation's own call log may grow."""
    return picture(site.root, without=[site.host.root / "hostd"])


def rehearse(site: Site, hook: str, *arguments: str) -> Outcome:
    """Make a dry run, and prove that it left no trace."""
    before = look(site)
    changing = len(site.changing_calls())
    guards = site.guards()
    outcome = site.run(hook, *arguments, "--dry-run")
    assert look(site) == before
    assert len(site.changing_calls()) == changing
    assert site.guards() == guards
    assert "OK_umount" not in [line.split(" ")[0] for line in outcome.lines]
    return outcome


def plain(site: Site) -> None:
    site.add_vms(3)


def with_an_admins_snapshot(site: Site) -> None:
    site.host.take_admin_snapshot(site.add_vms(3)[1], "before the update")


def with_nothing_but_foreign_snapshots(site: Site) -> None:
    for vmx in site.add_vms(2):
        site.host.take_admin_snapshot(vmx, "before the update")


def with_a_stuck_vm(site: Site) -> None:
    site.add_vms(1)
    site.host.add_vm("stuck", power="stuck")


def with_a_broken_vm(site: Site) -> None:
    vmx, _ = site.add_vms(2)
    site.flat_path(vmx).unlink()


def with_a_template(site: Site) -> None:
    site.host.add_vm("golden", template=True)
    site.add_vms(1)


def with_lines_that_mean_nothing(site: Site) -> None:
    site.add_vms(2)
    site.choose("vm1", "!vm2", "nobody", "no*body")


def with_nothing_to_do(site: Site) -> None:
    site.add_vms(2)
    site.choose("nobody")


def with_an_empty_host(site: Site) -> None:
    site.choose("*")


def with_too_little_room(site: Site) -> None:
    site.add_vms(2)
    site.configure(snapshot={"min_free_percent": 100})


def with_abort(site: Site) -> None:
    with_a_stuck_vm(site)
    site.configure(run={"on_failure": "abort"})


def with_a_damaged_state_file(site: Site) -> None:
    site.add_vms(2)
    site.state_dir.mkdir(mode=0o700)
    (site.state_dir / "default-20260101T000000Z-00000000.state").write_bytes(b"nonsense\n" * 3)


def with_a_state_folder_that_is_a_file(site: Site) -> None:
    site.add_vms(1)
    site.state_dir.write_bytes(b"")


def with_a_state_folder_below_a_file(site: Site) -> None:
    site.add_vms(1)
    (site.root / "var" / "file").write_bytes(b"")
    site.configure(paths={"state_dir": str(site.root / "var" / "file" / "hlb")})


def with_a_shared_state_folder(site: Site) -> None:
    site.add_vms(1)
    site.state_dir.mkdir()
    site.state_dir.chmod(0o777)


def with_half_an_answer(site: Site) -> None:
    site.host.configure(garble={"-l": {"text": "L3ZtZnMvdm9sdW1lcy8xL2Ev"}})


SITUATIONS: list[Callable[[Site], None]] = [
    plain,
    with_an_admins_snapshot,
    with_nothing_but_foreign_snapshots,
    with_a_stuck_vm,
    with_a_broken_vm,
    with_a_template,
    with_lines_that_mean_nothing,
    with_nothing_to_do,
    with_an_empty_host,
    with_too_little_room,
    with_abort,
    with_a_damaged_state_file,
    with_a_state_folder_that_is_a_file,
    with_a_state_folder_below_a_file,
    with_a_shared_state_folder,
    with_half_an_answer,
]


def numbers(outcome: Outcome) -> tuple[int, int, int, int]:
    counts = outcome.counts
    return outcome.exit_code, counts["chosen"], counts["ready"], counts["failed"]


def is_rehearsed(outcome: Outcome) -> bool:
    return any(line.startswith("WOULD ") for line in outcome.lines)


@pytest.mark.parametrize("prepare", SITUATIONS, ids=lambda prepare: prepare.__name__)
def test_the_start_hook_rehearses_what_it_then_does(
    site: Site, prepare: Callable[[Site], None]
) -> None:
    prepare(site)
    rehearsed = rehearse(site, "initial_backup", "--lease", "1h")
    real = site.run("initial_backup", "--lease", "1h")
    assert numbers(rehearsed) == numbers(real), rehearsed.stdout + real.stdout
    if "**REPORT**" in real.stdout:
        expected = real.report
        shown = {vm.removeprefix("WOULD "): flags for vm, flags in rehearsed.report.items()}
        assert shown == expected
    assert is_rehearsed(rehearsed) == bool(real.counts["chosen"])
    settle(site)


def settle(site: Site) -> None:
    for path in site.state_files():
        if b"nonsense" not in path.read_bytes():
            site.run("initial_umount", "--run", path.stem)


def test_the_rehearsal_names_the_command_and_the_guard(site: Site) -> None:
    vmx = site.host.add_vm("sql server (2)")
    outcome = rehearse(site, "initial_backup", "--lease", "1h")
    would = [line for line in outcome.lines if line.startswith("WOULD ")]
    assert any("createsnapshot" in line and f"'{vmx}'" in line for line in would)
    assert any("guard" in line for line in would)
    assert f"WOULD {vmx} OK_snap" in would
    for word in ("***OK***\n    snapshot", "ready to be read"):
        assert word not in outcome.stdout
    assert set(site.count_calls()) == {"-l", "getstate"}


def test_short_and_long_option_mean_the_same(site: Site) -> None:
    site.add_vms(1)
    long = site.run("initial_backup", "--lease", "1h", "--dry-run")
    short = site.run("initial_backup", "--lease", "1h", "-n")
    assert long.report == short.report
    assert not site.state_dir.exists()


def test_a_dry_run_wants_an_owner_too(site: Site) -> None:
    site.add_vms(1)
    assert rehearse(site, "initial_backup").exit_code == 2


def test_snap_request_rehearses_what_it_then_does(site: Site) -> None:
    vmxs = site.add_vms(2)
    rehearsed = rehearse(site, "snap_request", "--lease", "1h", *vmxs)
    assert is_rehearsed(rehearsed)
    real = site.run("snap_request", "--lease", "1h", *vmxs)
    assert numbers(rehearsed) == numbers(real)
    settle(site)


def test_compare_backup_changes_nothing_with_and_without_the_option(site: Site) -> None:
    with_an_admins_snapshot(site)
    before = look(site)
    real = site.run("compare_backup")
    rehearsed = rehearse(site, "compare_backup")
    assert (rehearsed.exit_code, rehearsed.stdout) == (real.exit_code, real.stdout)
    assert look(site) == before


def begin(site: Site) -> str:
    site.add_vms(2)
    site.run("initial_backup", "--lease", "1h")
    return site.run_name


def test_the_end_hook_rehearses_what_it_then_does(site: Site) -> None:
    run = begin(site)
    rehearsed = rehearse(site, "initial_umount", "--run", run)
    assert is_rehearsed(rehearsed)
    assert any("removesnapshots" in line for line in rehearsed.lines)
    real = site.run("initial_umount", "--run", run)
    assert numbers(rehearsed) == numbers(real)
    assert rehearsed.counts == real.counts
    site.wait_settled()
    again = rehearse(site, "initial_umount", "--run", run)
    assert again.exit_code == 0


def test_the_end_hook_rehearses_what_it_would_not_remove(site: Site) -> None:
    run = begin(site)
    vmx, other = site.host.registered()
    site.host.take_admin_snapshot(vmx, "before the update")
    site.host.remove_admin_snapshots(other)
    rehearsed = rehearse(site, "initial_umount", "--run", run)
    assert not any("removesnapshots" in line for line in rehearsed.lines)
    real = site.run("initial_umount", "--run", run)
    assert numbers(rehearsed) == numbers(real)
    assert rehearsed.counts == real.counts
    site.host.remove_admin_snapshots(vmx)
    site.wait_settled()


def test_snap_remove_rehearses_what_it_then_does(site: Site) -> None:
    run = begin(site)
    vmx = site.host.registered()[0]
    rehearsed = rehearse(site, "snap_remove", "--run", run, vmx)
    assert is_rehearsed(rehearsed)
    real = site.run("snap_remove", "--run", run, vmx)
    assert numbers(rehearsed) == numbers(real)
    assert rehearsed.counts == real.counts
    settle(site)


def test_a_dry_run_beside_a_run_of_the_job_is_refused_as_the_real_one(site: Site) -> None:
    run = begin(site)
    rehearsed = rehearse(site, "initial_backup", "--lease", "1h")
    assert rehearsed.exit_code == 75
    assert run in rehearsed.stdout
    settle(site)


def test_a_dry_run_takes_no_lock_that_another_would_wait_for(site: Site) -> None:
    run = begin(site)
    with site.state_file.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert rehearse(site, "initial_umount", "--run", run).exit_code == 0
    settle(site)


@pytest.mark.parametrize("is_dry", [True, False])
def test_where_the_state_folder_cannot_be_written_both_say_so(site: Site, is_dry: bool) -> None:
    site.add_vms(1)
    site.state_dir.mkdir(mode=0o700)
    before = look(site)
    outcome = site.run_read_only(
        site.state_dir, "initial_backup", "--lease", "1h", *(["-n"] if is_dry else [])
    )
    assert outcome.exit_code != 0, outcome.stdout
    assert str(site.state_dir) in outcome.stdout
    assert look(site) == before
    assert site.changing_calls() == []


def test_without_the_log_file_the_dry_run_makes_none(site: Site) -> None:
    site.add_vms(1)
    log = Path(site.root / "elsewhere.log")
    site.configure(paths={"log_file": str(log)})
    rehearse(site, "initial_backup", "--lease", "1h")
    assert not log.exists()
