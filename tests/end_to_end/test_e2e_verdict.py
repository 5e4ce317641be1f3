"""What was read: the guard stays until the client's log has its verdict, and passes it on."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hook_kit import Record, RunningAvtar, Site
from hook_watching import kill_guards
from rehearsing import run_hlb
from self_ending_client import living_on

# Several of the guard's polls.
A_WHILE_SECONDS = 0.5
HEAD = (
    "-----  START avtar log 2019-10-03 09:49:29 UTC  [7.5.101-101 Linux-x86_64]\n"
    "2019-10-03 09:49:29 avtar Info <5551>: Command Line: avtar -c\n"
)
COMPLETED = "2019-10-03 09:50:11 avtar Info <5314>: Command completed (exit code 0: success)\n"
FAILED = (
    "2019-10-03 09:50:11 avtar Info <5314>: Command failed (1 error, exit code 10028: Operation "
    "failed because target server is full)\n"
)


def complaint(path: Path | str) -> str:
    return (
        f'2009-10-07 12:51:02 avtar Warning <5137>: Unable to open "{path}" '
        "(code 16: Device or resource busy).\n"
    )


@pytest.fixture
def log(site: Site) -> Path:
    """Give the log of the client: its own head is there before it runs a hook."""
    log = site.root / "avtar.log"
    log.write_text(HEAD, "utf-8")
    return log


def write(log: Path, *lines: str) -> None:
    with log.open("a", encoding="utf-8", errors="surrogateescape") as file:
        file.writelines(lines)


@contextmanager
def backing_up(site: Site, log: Path) -> Iterator[RunningAvtar]:
    """Begin a backup with that log, up to the end of its start hook."""
    with site.avtar(f"--logfile={log}") as avtar:
        avtar.wait_started()
        yield avtar


def test_a_removal_that_failed_says_what_is_the_matter_with_it_and_not_with_the_reading(
    site: Site, log: Path
) -> None:
    (vmx,) = site.add_vms(1)
    with backing_up(site, log) as avtar:
        kill_guards(site.root)
        avtar.kill()
    site.host.remove_admin_snapshots(vmx)
    done = run_hlb(site, "reap")
    _, _, told = done.stdout.partition("***FAILED***\n")
    assert told.startswith("    reason: the snapshot was gone before we removed it\n"), done.stdout
    assert {"FAILED_read", "TORN"} <= set(site.flags(vmx))


def read_flags(site: Site, vmx: str) -> list[str]:
    return [flag for flag in site.flags(vmx) if flag.endswith("_read")]


def find(site: Site, flag: str) -> Record:
    (found,) = [record for record in site.records() if record.flag == flag]
    return found


def test_each_vm_gets_what_the_log_says_of_its_own_base_disks(site: Site, log: Path) -> None:
    # The paths of all begin like the first one's.
    names = ("vm", "vm-uuid", "vm-label", "vm-disk", b"vm-\xff", b"vm-\xfe", "vm-taken")
    clean, uuid, label, disk, raw, escaped, taken = (site.host.add_vm(name) for name in names)
    template, read = (site.host.add_vm(f"t{number}", template=True) for number in range(2))
    site.host.take_admin_snapshot(taken, "by hand")
    paths = {
        uuid: str(site.flat_path(uuid)),
        # A dataset may have the datastore's label.
        label: f"{site.host.volumes}/storage1/vm-label/vm-label-flat.vmdk",
        disk: str(Path(disk).with_suffix(".vmdk")),
        raw: str(site.flat_path(raw)),
        escaped: str(site.flat_path(escaped)).replace("\udcfe", r"\xfe"),
        template: str(site.flat_path(template)),
    }
    with backing_up(site, log) as avtar:
        write(log, complaint(Path(clean).with_suffix(".vswp")))
        write(log, complaint(Path(clean).with_name("vm-000001-delta.vmdk")))
        write(log, *map(complaint, paths.values()), COMPLETED)
        avtar.finish()
    site.wait_settled()
    told = {
        record.vmx: record for record in site.records() if record.flag in {"OK_read", "FAILED_read"}
    }
    shown = {vmx: as_recorded(vmx) for vmx in (*paths, clean, read, taken)}
    assert {vmx for vmx in told if told[vmx].flag == "OK_read"} == {shown[clean], shown[read]}
    assert as_recorded(taken) not in told
    for vmx, path in paths.items():
        failed = told[shown[vmx]]
        assert failed.flag == "FAILED_read"
        # The state file writes a reason's own backslashes twice.
        assert as_recorded(path) in failed.details["reason"].replace("\\\\", "\\")
        assert "code 16: Device or resource busy" in failed.details["reason"]
        assert failed.details["next"]
    assert find(site, "VERDICT").details["said"].startswith("Command completed")
    assert {str(Path(path).parent) for path in site.leftovers()} == {str(Path(taken).parent)}


def as_recorded(path: str) -> str:
    return path.replace("\udcff", r"\xff").replace("\udcfe", r"\xfe")


def test_a_client_that_failed_has_read_nothing_for_certain(site: Site, log: Path) -> None:
    vmxs = site.add_vms(2)
    with backing_up(site, log) as avtar:
        write(log, FAILED)
        assert avtar.finish().ended.exit_code == 0
    site.wait_settled()
    reasons = [
        record.details["reason"] for record in site.records() if record.flag == "FAILED_read"
    ]
    assert len(reasons) == len(vmxs)
    assert all("target server is full" in reason for reason in reasons)


def test_a_client_that_was_killed_has_no_verdict_and_its_snapshots_go(
    site: Site, log: Path
) -> None:
    vmxs = site.add_vms(2)
    with backing_up(site, log) as avtar:
        avtar.kill()
    site.wait_settled()
    for vmx in vmxs:
        assert read_flags(site, vmx) == ["FAILED_read"]
        assert "OK_umount" in site.flags(vmx)
    reasons = [
        record.details["reason"] for record in site.records() if record.flag == "FAILED_read"
    ]
    assert all("without a verdict" in reason and str(log) in reason for reason in reasons)
    assert site.leftovers() == []


def rotate(log: Path) -> None:
    # A copy first: else the new file could get the old one's inode.
    shutil.copy(log, log.with_suffix(".1"))
    new = log.with_suffix(".new")
    new.write_text(HEAD + COMPLETED, "utf-8")
    new.replace(log)


@pytest.mark.parametrize("change", [rotate, Path.unlink])
def test_a_log_that_is_gone_gives_no_flag_and_a_reason(
    site: Site, log: Path, change: Callable[[Path], None]
) -> None:
    (vmx,) = site.add_vms(1)
    with backing_up(site, log) as avtar:
        write(log, COMPLETED)
        change(log)
        avtar.finish()
    site.wait_settled()
    assert read_flags(site, vmx) == []
    verdict = find(site, "VERDICT")
    assert str(log) in verdict.details["why"]
    assert any(event["event"] == "log_unreadable" for event in site.log_events())
    assert site.leftovers() == []


def test_without_a_log_there_is_no_verdict_and_nobody_waits_for_one(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    site.back_up()
    site.wait_settled()
    assert read_flags(site, vmx) == []
    assert "VERDICT" not in {record.flag for record in site.records()}


def test_the_guard_stays_after_the_end_hook_until_the_client_is_gone(site: Site, log: Path) -> None:
    (vmx,) = site.add_vms(1)
    with living_on(site, f"--logfile={log}") as codes:
        assert codes == [0, 0]
        assert site.leftovers() == []
        assert site.has_flag("ENDED")
        (guard,) = site.guards()
        time.sleep(A_WHILE_SECONDS)
        assert site.guards() == [guard]
        # The end of a command comes after its end hook.
        write(log, COMPLETED)
        assert read_flags(site, vmx) == []
    site.wait_settled()
    assert read_flags(site, vmx) == ["OK_read"]
    assert site.flags(vmx).count("OK_umount") == 1


def test_when_the_guard_is_killed_the_reaper_reads_the_verdict(site: Site, log: Path) -> None:
    vmxs = site.add_vms(2)
    with backing_up(site, log) as avtar:
        # A client that lives may write on.
        assert run_hlb(site, "reap").exit_code == 0
        assert read_flags(site, vmxs[0]) == []
        kill_guards(site.root)
        write(log, complaint(site.flat_path(vmxs[0])), COMPLETED)
        avtar.finish()
    before = site.state_file.read_bytes()
    assert run_hlb(site, "reap", "--dry-run").exit_code == 0
    assert site.state_file.read_bytes() == before
    assert run_hlb(site, "reap").exit_code == 0
    assert [read_flags(site, vmx) for vmx in vmxs] == [["FAILED_read"], ["OK_read"]]
    before = site.state_file.read_bytes()
    assert run_hlb(site, "reap").exit_code == 0
    assert site.state_file.read_bytes() == before


def test_whoever_is_killed_while_he_notes_the_verdict_is_followed_by_the_same_one(
    site: Site, log: Path
) -> None:
    vmxs = site.add_vms(3)
    with backing_up(site, log) as avtar:
        write(log, complaint(site.flat_path(vmxs[1])), COMPLETED)
        avtar.finish()
    site.wait_settled()
    expected = ["OK_read", "FAILED_read", "OK_read"]
    whole = site.state_file.read_bytes()
    lines = whole.splitlines(keepends=True)
    first = next(number for number, line in enumerate(lines) if b"_read\t" in line)
    assert len(lines) - first == 4
    for kept in range(first, len(lines)):
        # Mid-write, as a kill leaves it.
        site.state_file.write_bytes(b"".join(lines[:kept]) + lines[kept][:20])
        assert run_hlb(site, "reap").exit_code == 0
        assert [read_flags(site, vmx)[-1] for vmx in vmxs] == expected, kept
        assert [set(read_flags(site, vmx)) for vmx in vmxs] == [{each} for each in expected]
        assert find(site, "VERDICT").details["said"].startswith("Command completed")
