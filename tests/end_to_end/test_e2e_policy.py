"""Attributes on a VM decide how often it is backed up."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from hook_kit import Site
from policy_kit import COMPLETED, FAILED, back_up_with_log, list_due, make_older
from rehearsing import rehearse, run_hlb

from hlb_hooks.base import clock


def write_table(site: Site, text: str | bytes) -> Path:
    """Write a table of attributes and name it in the configuration."""
    path = site.root / "etc" / "vms.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(0o600)
    site.configure(**{"jobs.default": {"attributes": str(path)}})
    return path


def test_a_vm_whose_turn_it_is_not_is_left_out_and_that_is_no_failure(site: Site) -> None:
    monthly, daily = site.add_vms(2)
    site.choose("vm1 BCK_FVM=1M BCK_FIL=ON", "vm2")
    first = back_up_with_log(site, COMPLETED)
    assert first.start.flags(monthly) == ["OK_snap"]
    assert "note: every 1M: due, no success is known" in first.start.words(monthly)
    assert "BCK_FIL=ON: for others" in first.start.words(monthly)
    assert first.start.words(daily) == ""
    run = site.run_name

    planned = rehearse(site, "hlb plan")
    second = back_up_with_log(site, COMPLETED)
    for outcome in (planned, second.start):
        assert outcome.exit_code == 0
        assert list(outcome.report)[-1] == monthly.removesuffix(".vmx")
        assert outcome.flags(monthly) == ["NOT_DUE"]
        words = outcome.words(monthly)
        assert words.startswith("reason: every 1M: next due ")
        assert f"(run {run})" in words
        assert outcome.flags(daily) == ["OK_snap"]
        assert outcome.counts["chosen"] == outcome.counts["ready"] == 1
    assert f"WOULD {monthly} NOT_DUE" in planned.lines
    assert second.ended.exit_code == 0
    assert monthly not in second.ended.stdout
    assert [call for call in site.changing_calls() if call[0] == monthly] == [
        [monthly, "createsnapshot"],
        [monthly, "removesnapshots"],
    ]
    (record,) = [each for each in site.records(site.state_files()[-1]) if each.flag == "NOT_DUE"]
    assert record.vmx == monthly
    assert record.details["BCK_FVM"] == "1M"
    assert record.details["BCK_FIL"] == "ON"
    assert record.details["last_success"] == run
    assert clock.parse_utc(record.details["next_due"]) > clock.read_utc_now() + timedelta(days=27)


def test_when_none_is_due_nothing_is_done_and_all_is_well(site: Site) -> None:
    site.add_vms(2)
    site.choose("* BCK_FVM=1D")
    back_up_with_log(site, COMPLETED)
    calls = site.changing_calls()
    planned = rehearse(site, "hlb plan")
    story = site.back_up()
    for outcome in (planned, story.start):
        assert outcome.exit_code == 0
        assert "nothing is due on this host now" in outcome.lines
        assert list(outcome.report.values()) == [["NOT_DUE"], ["NOT_DUE"]]
        assert outcome.counts == {"chosen": 0, "ready": 0, "failed": 0, "open": 0}
    assert story.ended.exit_code == 0
    assert site.changing_calls() == calls
    # No run that waits for anything, and no guard for it.
    assert site.guards() == []
    assert run_hlb(site, "status").exit_code == 0


@pytest.mark.parametrize(
    ("interval", "days", "is_due"),
    [
        ("1D", 0.7, False),
        ("1D", 0.8, True),  # 24 hours, less 6 of slack
        ("1W", 6.7, False),
        ("1W", 6.8, True),
        ("1M", 27, False),
        ("1M", 31, True),
        ("1Q", 88, False),
        ("1Q", 92, True),
        ("1Y", 364, False),
        ("1Y", 366, True),
        ("1Y", -2, True),  # of the future
    ],
)
def test_a_vm_is_due_again_an_interval_after_the_start_of_its_last_success(
    site: Site, interval: str, days: float, is_due: bool
) -> None:
    (vmx,) = site.add_vms(1)
    site.choose(f"vm1 BCK_FVM={interval}")
    back_up_with_log(site, COMPLETED)
    make_older(site.state_files(), days)
    outcome = rehearse(site, "initial_backup", "--owner-pid", str(os.getpid()))
    assert outcome.flags(vmx) == (["OK_snap"] if is_due else ["NOT_DUE"])
    said = "is in the future: the clock was set back" if days < 0 else "due since"
    assert (f"every {interval}" in outcome.words(vmx)) and ((said in outcome.words(vmx)) is is_due)


def test_only_what_the_client_has_read_by_its_own_log_is_a_success(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    site.choose("vm1 BCK_FVM=1M")
    back_up_with_log(site, FAILED)
    assert list_due(site) == ({"vm1"}, set())
    site.back_up()  # its client has no log
    site.wait_settled()
    run = max(site.state_files(), key=lambda path: path.stat().st_mtime_ns).stem
    outcome = site.run("compare_backup")
    assert f"run {run} of " in outcome.stdout
    assert "see [jobs.default] success" in outcome.stdout
    assert list_due(site) == ({"vm1"}, set())
    site.configure(**{"jobs.default": {"success": "hooks"}})
    assert list_due(site) == (set(), {"vm1"})
    assert rehearse(site, "hlb plan").flags(vmx) == ["NOT_DUE"]


def test_by_the_hooks_a_run_counts_only_when_its_end_hook_came(site: Site) -> None:
    site.add_vms(1)
    site.choose("vm1 BCK_FVM=1M")
    site.configure(**{"jobs.default": {"success": "hooks"}})
    with site.avtar() as avtar:
        avtar.wait_started()
        assert list_due(site) == ({"vm1"}, set())
        avtar.kill()
    site.wait_settled()
    assert list_due(site) == ({"vm1"}, set())
    site.back_up()
    assert list_due(site) == (set(), {"vm1"})


def test_a_torn_backup_and_another_job_s_do_not_count(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    site.choose("vm1 BCK_FVM=1M")
    site.configure(**{"jobs.default": {"success": "hooks"}})
    with site.avtar() as avtar:
        avtar.wait_started()
        site.host.remove_admin_snapshots(vmx)
        assert "TORN" in avtar.finish().ended.flags(vmx)
    site.wait_settled()
    assert list_due(site) == ({"vm1"}, set())
    gold = {"targets": str(site.targets), "success": "hooks"}
    site.configure(**{"jobs.gold": gold})
    (site.scripts / "initial_backup.gold").symlink_to(site.scripts / "initial_backup")
    site.back_up(start="initial_backup.gold")
    site.wait_settled()
    assert list_due(site) == ({"vm1"}, set())
    assert "NOT_DUE" in rehearse(site, "hlb plan", "--job", "gold").stdout


def test_another_vm_in_the_folder_of_one_that_was_backed_up_is_due(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    site.choose("* BCK_FVM=1Y")
    back_up_with_log(site, COMPLETED)
    path = Path(vmx)
    text = path.read_text("utf-8")
    path.write_text(text.replace('displayName = "vm1"', 'displayName = "renamed"'), "utf-8")
    assert list_due(site) == (set(), {"renamed"})
    lines = [line for line in text.splitlines() if not line.startswith("uuid.bios")]
    path.write_text("\n".join([*lines, 'uuid.bios = "56 4d 00"', ""]), "utf-8")
    assert list_due(site) == ({"vm1"}, set())
    path.write_text("\n".join([*lines, ""]), "utf-8")
    assert list_due(site) == ({"vm1"}, set())


def test_a_state_file_that_cannot_be_read_makes_a_vm_due_and_never_the_other_way(
    site: Site,
) -> None:
    (vmx,) = site.add_vms(1)
    site.choose("vm1 BCK_FVM=1M")
    back_up_with_log(site, COMPLETED)
    content = site.state_file.read_bytes()
    site.state_file.write_bytes(content.replace(b"\tCHOSEN", b"\tCHOSEM"))
    planned = rehearse(site, "hlb plan")
    assert planned.exit_code == 1
    assert planned.flags(vmx) == ["OK_snap"]
    compared = site.run("compare_backup")
    assert "is damaged" in compared.stdout
    assert "due, no success is known" in compared.stdout


# ---- the table of attributes


def test_a_table_says_what_the_targets_file_does_not(site: Site) -> None:
    site.add_vms(3)
    site.choose("*", "vm2 BCK_FVM=1D", "vm3 BCK_FVM=")
    write_table(
        site,
        '\ufeff"Name";"Notes";"BCK_FVM [1D 1M 1Q 1Y]"\r\n"vm1";"two\r\nlines";"1m"\r\n'
        '"vm2";"";"1Y"\r\n"vm3";"";"1Y"\r\n"on another host";"";"2Z"\r\n',
    )
    back_up_with_log(site, COMPLETED)
    assert list_due(site) == ({"vm3"}, {"vm1", "vm2"})
    make_older(site.state_files(), 2)
    assert list_due(site) == ({"vm3", "vm2"}, {"vm1"})
    make_older(site.state_files(), 29)
    assert list_due(site) == ({"vm1", "vm2", "vm3"}, set())


def test_a_job_may_have_an_interval_for_whom_nothing_else_names_one(site: Site) -> None:
    site.add_vms(2)
    site.choose("vm1", "vm2 BCK_FVM=1D")
    site.configure(**{"jobs.default": {"default_interval": "1W"}})
    back_up_with_log(site, COMPLETED)
    make_older(site.state_files(), 3)
    assert list_due(site) == ({"vm2"}, {"vm1"})


BAD = [
    ("vm1 BCK_FVM=2D", None, ["targets, line 1", "vm1", 'BCK_FVM = "2D"', "1D, 1W, 1M, 1Q, 1Y"]),
    ("vm1 BCK_FIL=MAYBE", None, ["targets, line 1", "vm1", "expected ON or OFF"]),
    ("nobody BCK_FVM=x", None, ["targets, line 1", "nobody"]),
    ("*", "VM,BCK_FVM\nvm1,1X\n", ["vms.csv, line 2", "vm1", 'BCK_FVM = "1X"']),
    ("*", "VM,BCK_FVM\nvm1,1D\nvm1,1M\n", ["vms.csv, line 3", "vm1", "line 2 says 1D"]),
    ("vm1 BCK_FVM=1M", None, ["targets, line 1", "vm1", "retention_days, 31"]),
    ("*", "VM,BCK_FVM\nvm1,1M\n", ["vms.csv, line 2", "vm1", "retention_days, 31"]),
    ("*", "Host,BCK_FVM\nesx1,1M\n", ["vms.csv, line 1", "virtual machine"]),
    ("*", "", ["vms.csv, line 1", "no column"]),
    ("*", 'VM,BCK_FVM\n"vm1,1M\n', ["vms.csv, line 2", "not CSV"]),
]


@pytest.mark.parametrize(("targets", "table", "words"), BAD)
@pytest.mark.parametrize("program", ["initial_backup", "compare_backup", "hlb plan"])
def test_a_wish_that_cannot_be_is_named_and_nothing_is_touched(
    site: Site, program: str, targets: str, table: str | None, words: list[str]
) -> None:
    site.add_vms(1)
    site.choose(targets)
    site.configure(**{"jobs.default": {"retention_days": 31}})
    if table is not None:
        write_table(site, table)
    options = ("--owner-pid", str(os.getpid())) if program == "initial_backup" else ()
    outcome = rehearse(site, program, *options)
    assert outcome.exit_code == 2
    for word in words:
        assert word in outcome.stdout
    assert not site.state_dir.exists()


def test_a_table_that_others_may_write_is_refused(site: Site) -> None:
    site.add_vms(1)
    table = write_table(site, "VM,BCK_FVM\nvm1,1M\n")
    table.chmod(0o666)
    outcome = rehearse(site, "hlb plan")
    assert outcome.exit_code == 2
    assert "group or others may write this table of attributes" in outcome.stdout
    table.unlink()
    outcome = rehearse(site, "hlb plan")
    assert outcome.exit_code == 2
    assert "[jobs.default] attributes" in outcome.stdout
