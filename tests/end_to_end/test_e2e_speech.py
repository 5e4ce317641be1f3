"""What avtar's log gets to see: languages, restores, and nothing it could take for its own."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from hook_kit import Site
from hook_story import Outcome
from hook_watching import picture, wait_until

POLISH = re.compile(r"[ąćęłńóśźżĄĆĘŁŃÓŚŹŻ]")


def test_in_polish_the_words_of_the_talk_are_said_and_the_signs_stay(site: Site) -> None:
    site.configure(run={"language": "pl"})
    vmx, taken = site.add_vms(2)
    site.host.take_admin_snapshot(taken, "przed zmiana")
    story = site.back_up()
    for outcome in (story.start, story.ended):
        assert "**RAPORT**" in outcome.lines
        assert "**REPORT**" not in outcome.stdout
        assert outcome.lines[-1].startswith("HLB job=default run=")
    for marker in ("--initial_backup--", "--compare_backup--", "--snap_request--", "***OK***"):
        assert marker in story.start.lines
    assert "***FAILED***" in story.start.lines
    assert "**znalazlem vm1" in story.start.lines
    assert f"{vmx} OK_snap" in story.start.lines
    assert f"{taken} LEFT_OUT" in story.start.lines
    assert "--initial_umount--" in story.ended.lines
    assert f"{vmx} OK_snap OK_umount" in story.ended.lines
    assert "    powod: " in story.start.stdout
    assert "    co dalej: " in story.start.stdout
    # The talk writes without diacritics.
    assert POLISH.search(story.start.stdout + story.ended.stdout) is None


def test_both_languages_say_the_same_number_of_lines(site: Site) -> None:
    site.add_vms(3)
    site.host.take_admin_snapshot(site.host.registered()[0], "before")
    english = site.back_up()
    site.configure(run={"language": "pl"})
    for flat in site.host.root.rglob("*-flat.vmdk"):
        os.utime(flat)  # the guests have written meanwhile
    polish = site.back_up()
    for ours, theirs in ((english.start, polish.start), (english.ended, polish.ended)):
        assert len(ours.lines) == len(theirs.lines)
        assert ours.counts == theirs.counts


def test_the_language_stored_with_the_run_is_the_one_of_its_reasons(site: Site) -> None:
    site.configure(run={"language": "pl"})
    vmx, _ = site.add_vms(2)
    site.host.take_admin_snapshot(vmx, "before")
    site.run("initial_backup", "--lease", "1h")
    outcome = site.run("initial_umount", "--run", site.run_name)
    assert "ma snapshot, ktory nie jest nasz" in outcome.stdout


def test_the_guard_gives_its_reasons_in_the_runs_language(site: Site) -> None:
    site.configure(run={"language": "pl"})
    (vmx,) = site.add_vms(1)
    site.host.configure(fail=[{"exit_code": 231, "text": "no", "command": "removesnapshots"}])
    with site.avtar() as avtar:
        avtar.wait_started()
        avtar.kill()
    wait_until(lambda: site.has_flag("FAILED_umount"), "the guard's first try")
    (refused,) = [record for record in site.records() if record.flag == "FAILED_umount"]
    assert refused.details["reason"].startswith("host go nie usunal: ")
    site.host.configure(fail=[])
    site.wait_settled()
    assert site.flags(vmx)[-1] == "OK_umount"


def test_looking_by_hand_ends_in_the_line_for_machines(site: Site) -> None:
    _, taken, _ = site.add_vms(3)
    site.choose("vm1", "vm2")
    outcome = site.run("compare_backup")
    assert outcome.machine["run"] == "-"
    assert outcome.counts == {"chosen": 2, "ready": 2, "failed": 0, "open": 0}
    site.host.take_admin_snapshot(taken, "before")
    outcome = site.run("compare_backup")
    assert outcome.exit_code == 1
    assert outcome.counts == {"chosen": 2, "ready": 1, "failed": 1, "open": 0}


ODD_FOLDERS = [
    "2009-10-07 12:50:34 avtar Info <5314>: x",
    "2019-10-03 09:50:11 avtar Info <5314>: Command completed (exit code 0: success)",
    "esc \x1b[31mred",
    "bell \x07 and \x7f",
    "rtl \u202egnp.exe",
    "tab\there",
    "HLB job=default run=x chosen=9 ready=9 failed=0 open=0 exit=0",
]


def test_no_line_looks_like_avtars_own_or_holds_a_control_character(site: Site) -> None:
    vmxs = [site.host.add_vm(folder, disks=[bytes(512)]) for folder in ODD_FOLDERS]
    site.host.add_vm("shown", display_name="\r\n2009-10-07 12:50:34 avtar Info <5314>: x\x1b")
    # Left out, so that their names are said at the beginning of a line too.
    site.choose("*", "!2019*")
    story = site.back_up()
    by_hand = site.run("compare_backup")
    assert story.ended.exit_code == 0, story.ended.stdout
    assert story.ended.counts["ready"] == len(vmxs)
    for outcome in (story.start, story.ended, by_hand):
        for line in outcome.stdout.split("\n"):
            assert not re.match(r"\s*\d{4}[-/]\d\d[-/]\d\d[ -]\d\d:\d\d", line), line
            assert re.search(r"[\x00-\x1f\x7f-\x9f\u202e]", line) is None, repr(line)
        machine = [line for line in outcome.lines if line.startswith("HLB job=")]
        assert machine == [outcome.lines[-1]]


def test_bytes_that_are_not_utf_8_are_said_escaped(site: Site) -> None:
    site.host.add_vm(b"latin \xb1\xe6")
    story = site.back_up()
    assert r"**found latin \xb1\xe6" in story.start.lines
    story.start.stdout.encode("utf-8")


# -- restores


def restoring_script(site: Site, *hooks: str) -> str:
    """Write an owner called avtar that runs hooks one after the other, whatever its options."""
    script = site.root / "restoring" / "avtar"
    script.parent.mkdir()
    words = "\n".join(f"HLB_CONFIG='{site.config}' '{site.scripts / hook}'" for hook in hooks)
    script.write_text(f"#!/bin/sh\n{words}\nexit $?\n")
    script.chmod(0o755)
    return str(script)


def run_restore(site: Site, hook: str, *options: str) -> Outcome:
    done = subprocess.run(
        [restoring_script(site, hook), *options],
        env={},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        text=True,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    "options",
    [
        ("-x",),
        ("--extract",),
        ("--extract=true",),
        ("--server=a", "-x", "--label=1", "/vmfs/volumes"),
        ("--vardir=/v", "--logfile={log}"),
        ("--logfile", "{log}"),
    ],
)
@pytest.mark.parametrize("hook", ["initial_backup", "initial_umount"])
def test_for_a_restore_the_hooks_say_so_and_change_nothing(
    site: Site, hook: str, options: tuple[str, ...]
) -> None:
    site.add_vms(1)
    log = site.root / "restore.log"
    log.write_text(
        "-----  START avtar log 2019-10-03 09:49:29 UTC  [7.5.101-101 Linux-x86_64]\n"
        "2019-10-03 09:49:29 avtar Info <5551>: Command Line: /usr/local/avamar/bin/avtar.bin "
        "--vardir=/v --extract --target=/tmp\n"
    )
    (site.root / "restoring").mkdir()
    (site.root / "restoring").rmdir()
    before = picture(site.root)
    outcome = run_restore(site, hook, *(option.format(log=log) for option in options))
    after = picture(site.root, without=[site.root / "restoring"])
    assert outcome.exit_code == 0, outcome.stdout
    assert "restore" in outcome.stdout
    assert outcome.machine["job"] == "default"
    assert outcome.machine["run"] == "-"
    assert outcome.counts == {"chosen": 0, "ready": 0, "failed": 0, "open": 0}
    assert {path: fact for path, fact in after.items() if path != str(site.root)} == {
        path: fact for path, fact in before.items() if path != str(site.root)
    }
    assert site.host.calls() == []


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("-c",),
        ("--create", "--label=-x"),
        ("--exclude=-x", "--xtra"),
        ("--logfile={log}",),
        ("--logfile=/nonexistent",),
        ("--logfile",),
        ("--logfile=relative.log",),
    ],
)
def test_without_evidence_of_a_restore_it_is_a_backup(site: Site, options: tuple[str, ...]) -> None:
    site.add_vms(1)
    log = site.root / "backup.log"
    log.write_text(
        "2019-10-03 09:49:29 avtar Info <5551>: Command Line: /usr/local/avamar/bin/avtar.bin "
        "--vardir=/v -c --path=/clients/esx1 --exclude=-x\n"
        "2019-10-03 09:49:30 avtar Info <0000>: the file is called --extract\n"
    )
    outcome = run_restore(site, "initial_backup", *(option.format(log=log) for option in options))
    assert outcome.exit_code == 0, outcome.stdout
    assert outcome.counts["ready"] == 1
    # The owner was gone with its hook.
    site.wait_settled()
    assert site.leftovers() == []


def test_a_restore_beside_a_backup_takes_none_of_its_snapshots_away(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    with site.avtar() as avtar:
        avtar.wait_started()
        outcome = run_restore(site, "initial_umount", "-x")
        assert outcome.exit_code == 0
        assert len(site.host.snapshots(vmx)) == 1
        assert avtar.finish().ended.exit_code == 0


def test_the_end_of_a_backup_with_a_restores_word_in_its_options_is_still_its_end(
    site: Site, tmp_path: Path
) -> None:
    """Evidence of a restore found at the end only must not leave a snapshot open for ever."""
    (vmx,) = site.add_vms(1)
    log = tmp_path / "avtar.log"
    log.write_text("")
    with site.avtar(f"--logfile={log}") as avtar:
        avtar.wait_started()
        log.write_text("2019-10-03 09:49:29 avtar Info <5551>: Command Line: avtar.bin -x\n")
        avtar.finish()
    site.wait_settled()
    assert site.host.snapshots(vmx) == []
