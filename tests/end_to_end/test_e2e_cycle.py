"""A whole backup by avtar, from ``vmware-cmd -l`` to ``OK_umount``."""

import hashlib
import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from conftest import SiteMaker
from esx import Power
from hook_kit import Site
from hook_story import Story, escaped

# Folder and display name; a .vmx file is called like its folder.
NAMES = {
    "sql server (2)": "sql server (2)",
    "web+app": "web+app",
    "it's": "it's",
    "room": "two\nlines",
    os.fsdecode(b"latin \xf3"): "",
}


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def back_up_while_guests_write(site: Site, vmxs: list[str]) -> tuple[Story, dict[str, bytes]]:
    """Run a backup that reads all base disks; the guests write before and after the reading."""
    at_snapshot = {vmx: site.host.disk_bytes(vmx) for vmx in vmxs}
    flats = [str(site.flat_path(vmx)) for vmx in vmxs]
    with site.avtar("--read", *flats) as avtar:
        avtar.wait_started()
        for number, vmx in enumerate(vmxs):
            site.host.write_guest(vmx, "scsi0:0", 512 * number, b"while it is read " * 30)
        story = avtar.finish()
    return story, at_snapshot


def after_the_writes(at_snapshot: dict[str, bytes]) -> dict[str, bytes]:
    written = b"while it is read " * 30
    expected = {}
    for number, (vmx, content) in enumerate(at_snapshot.items()):
        offset = 512 * number
        expected[vmx] = content[:offset] + written + content[offset + len(written) :]
    return expected


@pytest.mark.parametrize("dialect", ["console", "vcli"])
def test_base_disks_are_read_as_they_were_and_no_write_of_a_guest_is_lost(
    make_site: SiteMaker, dialect: str
) -> None:
    site = make_site(dialect)
    vmxs = [site.host.add_vm(folder, display_name=name) for folder, name in NAMES.items()]
    story, at_snapshot = back_up_while_guests_write(site, vmxs)
    assert story.errors == {}
    assert story.read == {
        str(site.flat_path(vmx)): digest(content) for vmx, content in at_snapshot.items()
    }
    assert {vmx: site.host.disk_bytes(vmx) for vmx in vmxs} == after_the_writes(at_snapshot)
    assert site.leftovers() == []
    assert [site.host.snapshots(vmx) for vmx in vmxs] == [[]] * len(vmxs)
    assert (story.start.exit_code, story.ended.exit_code) == (0, 0)
    assert story.start.counts == {"chosen": 5, "ready": 5, "failed": 0, "open": 5}
    assert story.ended.counts == {"chosen": 5, "ready": 5, "failed": 0, "open": 0}
    site.wait_settled()


def test_each_name_is_found_by_its_own_line_and_by_no_other(site: Site) -> None:
    vmxs = [site.host.add_vm(folder, display_name=name) for folder, name in NAMES.items()]
    others = site.add_vms(2)
    site.choose("sql server (2)", "web+app", "it's", r"two\nlines", r"latin \xf3")
    story = site.back_up()
    assert story.start.counts["ready"] == 5
    for name in ("sql server (2)", "web+app", "it's", r"two\nlines", r"latin \xf3"):
        assert f"**found {name}" in story.start.lines
    assert {call[0] for call in site.changing_calls()} == set(vmxs)
    assert all(vmx not in site.state_file.read_text().split("CHOSEN", 1)[1] for vmx in others)


def test_every_byte_of_the_path_arrives_at_the_host_as_it_was_listed(site: Site) -> None:
    vmx = site.host.add_vm(b"caf\xe9 'n' co $HOME `x` \\ *?[a] | & ;", display_name="odd")
    story = site.back_up()
    assert story.ended.exit_code == 0, story.ended.stdout
    assert site.changing_calls() == [[vmx, "createsnapshot"], [vmx, "removesnapshots"]]


def test_the_report_says_both_flags_and_the_last_line_is_for_machines(site: Site) -> None:
    vmxs = [site.host.add_vm(folder, display_name=name) for folder, name in NAMES.items()]
    story = site.back_up()
    run = site.run_name
    for vmx in vmxs[:4]:
        assert story.start.flags(vmx) == ["OK_snap"]
        assert story.ended.flags(vmx) == ["OK_snap", "OK_umount"]
    assert story.start.lines[-1] == (
        f"HLB job=default run={run} chosen=5 ready=5 failed=0 open=5 exit=0"
    )
    assert story.ended.lines[-1] == (
        f"HLB job=default run={run} chosen=5 ready=5 failed=0 open=0 exit=0"
    )
    assert "nothing is backed up yet" in story.start.stdout
    markers = ["--initial_backup--", "--compare_backup--", "--snap_request--", "**REPORT**"]
    assert [line for line in story.start.lines if line in markers] == markers
    assert "***OK***" in story.start.lines
    assert "***FAILED***" not in story.start.lines + story.ended.lines
    for vmx in vmxs[:4]:
        assert escaped(vmx) in story.start.lines
    assert (story.start.stderr, story.ended.stderr) == ("", "")


def test_while_a_snapshot_is_open_a_claim_and_the_old_vmx_lie_beside_the_vm(site: Site) -> None:
    vmx = site.host.add_vm("sql server (2)")
    before = Path(vmx).read_bytes()
    with site.avtar() as avtar:
        avtar.wait_started()
        claim = Path(vmx).with_suffix(".hlb-claim").read_text()
        assert Path(f"{vmx}.hlb").read_bytes() == before
        (name,) = site.host.snapshots(vmx)
        fields = dict(line.split("=", 1) for line in claim.splitlines())
        assert (fields["run"], fields["snapshot"]) == (site.run_name, name)
        assert fields["host"] == site.settings["host"]["name"]
        avtar.finish()
    assert site.leftovers() == []


def test_a_snapshot_is_named_after_job_time_and_chance(site: Site) -> None:
    vmxs = site.add_vms(3)
    with site.avtar() as avtar:
        avtar.wait_started()
        names = [site.host.snapshots(vmx)[0] for vmx in vmxs]
        avtar.finish()
    assert len(set(names)) == 3
    for name in names:
        assert re.fullmatch(r"HLB-default-\d{8}T\d{6}Z-[0-9a-f]{8}", name)


def test_grep_on_the_state_file_tells_the_story_of_a_vm(site: Site) -> None:
    vmx = site.host.add_vm("wro215ts")
    site.host.add_vm("other")
    site.back_up()
    grep = subprocess.run(
        ["/bin/grep", "wro215ts", site.state_file], capture_output=True, check=True, text=True
    )
    lines = [line.split("\t") for line in grep.stdout.splitlines() if "\tCONFIG\t" not in line]
    assert [(flag, path) for _, flag, path, *_ in lines] == [
        ("PRESENT", vmx),
        ("CHOSEN", vmx),
        ("INTENT_snap", vmx),
        ("OK_snap", vmx),
        ("INTENT_umount", vmx),
        ("OK_umount", vmx),
    ]


def test_the_intent_is_on_disk_before_the_host_hears_of_the_snapshot(site: Site) -> None:
    vmx = site.host.add_vm("vm")
    with site.host.holding("task"), site.avtar() as avtar:
        site.wait_for_call("createsnapshot")
        (intent,) = [each for each in site.records() if each.flag == "INTENT_snap"]
        asked = next(call for call in site.host.calls() if "createsnapshot" in call)
        assert intent.vmx == vmx
        assert intent.details["snapshot"] == asked[2]
        assert site.guards()
        assert avtar.process.poll() is None
    site.wait_settled()


def test_the_log_file_is_json_lines_and_for_its_owner_alone(site: Site) -> None:
    site.add_vms(2)
    site.back_up()
    site.wait_settled()
    events = [json.loads(line) for line in site.log_file.read_text().splitlines()]
    ended = [event for event in events if event["event"] == "hook_ended"]
    assert [(event["hook"], event["exit"]) for event in ended] == [
        ("initial_backup", 0),
        ("initial_umount", 0),
    ]
    assert {event["run"] for event in events} == {site.run_name}
    assert {"guard_started", "heartbeat", "guard_ended"} <= {event["event"] for event in events}
    assert site.log_file.stat().st_mode & 0o777 == 0o600
    assert site.state_file.stat().st_mode & 0o777 == 0o600
    assert site.state_dir.stat().st_mode & 0o777 == 0o700


def test_of_200_vms_only_the_40_chosen_cost_a_command_each(site: Site) -> None:
    vmxs = [
        site.host.add_vm(f"{'web' if number % 5 == 0 else 'vm'}{number:03d}", disks=[bytes(1024)])
        for number in range(200)
    ]
    chosen = vmxs[::5]
    site.choose("web*")
    with site.avtar() as avtar:
        avtar.wait_started()
        at_start = site.count_calls()
        assert at_start["-l"] == 1
        assert at_start["createsnapshot"] == 40
        assert at_start.get("getstate", 0) <= 40
        assert set(at_start) <= {"-l", "getstate", "createsnapshot"}
        story = avtar.finish()
    assert story.start.counts == {"chosen": 40, "ready": 40, "failed": 0, "open": 40}
    assert story.ended.counts == {"chosen": 40, "ready": 40, "failed": 0, "open": 0}
    at_end = site.count_calls()
    assert at_end == {**at_start, "removesnapshots": 40}
    assert {call[0] for call in site.host.calls() if len(call) > 1} == set(chosen)
    assert len(story.ended.report) == 40
    assert site.leftovers() == []
    for vmx in vmxs:
        assert vmx in story.start.lines
    site.wait_settled()


def test_a_vm_with_several_disks_on_two_datastores_is_whole_again(site: Site) -> None:
    vmx = site.host.add_vm(
        "big", disks=[b"a" * 1024, b"b" * 1024, b"c" * 1024], datastores={2: "store (1)"}
    )
    with site.avtar() as avtar:
        avtar.wait_started()
        assert [len(site.host.disk_chain(vmx, f"scsi0:{n}")) for n in range(3)] == [2, 2, 2]
        for number in range(3):
            site.host.write_guest(vmx, f"scsi0:{number}", 512, b"new")
        story = avtar.finish()
    assert [site.host.disk_bytes(vmx, f"scsi0:{n}")[510:517] for n in range(3)] == [
        b"aanewaa",
        b"bbnewbb",
        b"ccnewcc",
    ]
    # The dataset may name the VM's own folder only.
    assert "lies outside the VM's folder" in story.start.words(vmx)
    assert site.leftovers() == []


def test_a_reason_spells_a_path_as_the_report_does(site: Site) -> None:
    vmx = site.host.add_vm(b"caf\xe9")
    site.flat_path(vmx).unlink()
    outcome = site.run("initial_backup", "--lease", "1h")
    (line,) = [line for line in outcome.lines if line.endswith(" FAILED_snap")]
    folder = line.rpartition("/")[0]
    assert folder.endswith(r"/caf\xe9")
    assert f"{folder}/" in outcome.stdout.partition("reason: ")[2].splitlines()[0]


@pytest.mark.parametrize("power", ["off", "suspended"])
def test_a_vm_that_does_not_run_gets_its_snapshot_too(site: Site, power: Power) -> None:
    vmx = site.host.add_vm("vm", power=power)
    story = site.back_up()
    assert story.ended.flags(vmx) == ["OK_snap", "OK_umount"]


def test_a_template_is_readable_without_a_snapshot(site: Site) -> None:
    vmx = site.host.add_vm("golden", template=True)
    story = site.back_up("--read", str(site.flat_path(vmx)))
    assert story.start.flags(vmx) == ["READABLE"]
    assert story.start.counts == {"chosen": 1, "ready": 1, "failed": 0, "open": 0}
    assert story.ended.exit_code == 0
    assert site.changing_calls() == []


def test_disks_that_a_snapshot_does_not_cover_are_named(site: Site) -> None:
    vmx = site.host.add_vm("mixed", disks=[bytes(512), bytes(512)], independent=[1])
    story = site.back_up()
    assert story.start.flags(vmx) == ["OK_snap"]
    assert "scsi0:1 is independent" in story.start.words(vmx)
    assert story.ended.flags(vmx) == ["OK_snap", "OK_umount"]


def test_another_job_runs_beside_and_leaves_out_what_the_first_has_claimed(site: Site) -> None:
    first, second = site.add_vms(2)
    both = site.root / "etc" / "both"
    both.write_text("*\n")
    both.chmod(0o600)
    site.configure(**{"jobs.gold": {"targets": str(both)}})
    (site.scripts / "initial_backup.gold").symlink_to("initial_backup")
    (site.scripts / "initial_umount.gold").symlink_to("initial_umount")
    site.choose("vm1")
    with site.avtar() as silver:
        silver.wait_started()
        gold = site.back_up(start="initial_backup.gold", end="initial_umount.gold")
        assert gold.start.machine["job"] == "gold"
        assert gold.start.flags(first) == ["LEFT_OUT"]
        assert gold.start.flags(second) == ["OK_snap"]
        assert site.host.snapshots(first)
        assert gold.ended.exit_code == 1
        assert gold.ended.flags(second) == ["OK_snap", "OK_umount"]
        assert silver.finish().ended.exit_code == 0
    assert site.leftovers() == []


def test_of_two_jobs_at_the_same_moment_each_vm_gets_one_snapshot(site: Site) -> None:
    vmxs = site.add_vms(4)
    site.configure(**{"jobs.gold": {"targets": str(site.targets)}})
    (site.scripts / "initial_backup.gold").symlink_to("initial_backup")
    with site.avtar() as silver, site.avtar(start="initial_backup.gold") as gold:
        silver.wait_started()
        gold.wait_started()
        assert [len(site.host.snapshots(vmx)) for vmx in vmxs] == [1, 1, 1, 1]
        stories = [silver.finish(), gold.finish()]
    for count in ("ready", "open"):
        assert sum(story.start.counts[count] for story in stories) == len(vmxs)
    for vmx in vmxs:
        without, with_snapshot = sorted(story.ended.flags(vmx) for story in stories)
        assert without in (["FAILED_snap"], ["LEFT_OUT"])
        assert with_snapshot == ["OK_snap", "OK_umount"]
    assert site.leftovers() == []


def test_a_claim_that_is_laid_after_the_other_run_has_begun_is_respected(site: Site) -> None:
    site.host.add_vm("stuck", power="stuck")
    vmx = site.host.add_vm("wanted")
    gold_targets = site.root / "etc" / "gold"
    gold_targets.write_text("stuck\nwanted\n")
    gold_targets.chmod(0o600)
    site.configure(snapshot={"parallel": 1}, **{"jobs.gold": {"targets": str(gold_targets)}})
    site.choose("wanted")
    site.host.configure(latency_seconds={"getstate": 1})
    with site.avtar() as silver:
        with site.host.holding("task"):
            # The first run has begun and claimed nothing; the second begins now, and comes to
            # the VM only when the first has claimed it.
            site.wait_for_call("getstate")
            run = site.run_name
            gold = site.run("initial_backup", "--job", "gold", "--lease", "1h")
            claim = Path(vmx).with_suffix(".hlb-claim")
            claimed = claim.read_text() if claim.exists() else "nobody"
        silver.wait_started()
        assert f"run={run}\n" in claimed
        assert gold.flags(vmx) == ["LEFT_OUT"]
        assert site.changing_calls() == [[vmx, "createsnapshot"]]
        assert silver.finish().ended.counts["ready"] == 1


def test_a_second_run_of_the_day_finds_nothing_in_its_way(site: Site) -> None:
    site.add_vms(2)
    site.back_up()
    story = site.back_up()
    assert story.ended.counts == {"chosen": 2, "ready": 2, "failed": 0, "open": 0}
    assert len(site.state_files()) == 2


def test_compare_backup_says_which_vms_and_why_each_and_which_not(site: Site) -> None:
    site.add_vms(3)
    site.host.take_admin_snapshot(site.host.registered()[1], "before update")
    site.choose("# comment", "vm1", "vm2", "!vm3", "nobody")
    outcome = site.run("compare_backup")
    assert "**found vm1" in outcome.lines
    assert "    line 2: vm1" in outcome.lines
    assert "vm3:" in outcome.stdout
    assert "nobody" in outcome.stdout
    assert "before update" in outcome.stdout
    assert outcome.exit_code == 1
    assert site.count_calls() == {"-l": 1}
    assert not site.state_dir.exists()


def test_snapshots_can_be_made_and_removed_by_hand(site: Site) -> None:
    first, second = site.add_vms(2)
    made = site.run("snap_request", "--lease", "1h", first, second)
    assert made.exit_code == 0, made.stdout
    run = made.machine["run"]
    one = site.run("snap_remove", "--run", run, first)
    assert one.exit_code == 0, one.stdout
    assert (site.host.snapshots(first), len(site.host.snapshots(second))) == ([], 1)
    assert site.guards()
    rest = site.run("initial_umount", "--run", run)
    assert rest.exit_code == 0, rest.stdout
    assert site.leftovers() == []
    site.wait_settled()


def test_snap_remove_refuses_a_vm_that_the_run_has_no_snapshot_of(site: Site) -> None:
    first, second = site.add_vms(2)
    run = site.run("snap_request", "--lease", "1h", first).machine["run"]
    refused = site.run("snap_remove", "--run", run, second)
    assert refused.exit_code == 2
    assert second in refused.stdout
    assert site.host.snapshots(first)
    assert site.run("initial_umount", "--run", run).exit_code == 0
