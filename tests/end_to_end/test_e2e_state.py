"""The state file hands a run over, and nothing that happens to it keeps a snapshot open."""

import binascii
import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hook_kit import Site
from hook_watching import wait_until

OLD_RUN = "default-20260101T000000Z-00000000"
LEFTOVER = "HLB-default-20260101T000000Z-deadbeef"


def line(*fields: str) -> bytes:
    body = "\t".join(("2026-01-01T00:00:00Z", *fields)).encode()
    return body + b"\tcrc32=%08x\n" % binascii.crc32(body)


def damaged() -> bytes:
    return line("HLB-STATE", "-", "version=1", f"run={OLD_RUN}") + b"no record\n" + line("X", "-")


def from_a_newer_version() -> bytes:
    return line("HLB-STATE", "-", "version=2", f"run={OLD_RUN}") + line("NEW", "-", "a=b")


def garbage() -> bytes:
    return os.urandom(64).replace(b"\n", b" ") + b"\n" + os.urandom(64)


def of_records_that_make_no_sense() -> bytes:
    return line("HLB-STATE", "-", "version=1") + line("OK_snap", "/x.vmx") + line("X", "-")


def put_old_state(site: Site, content: bytes) -> Path:
    site.state_dir.mkdir(mode=0o700)
    path = site.state_dir / f"{OLD_RUN}.state"
    path.write_bytes(content)
    path.chmod(0o600)
    return path


@pytest.mark.parametrize(
    "content", [damaged, from_a_newer_version, garbage, of_records_that_make_no_sense]
)
def test_beside_a_state_file_that_cannot_be_read_the_start_hook_works_on(
    site: Site, content: Callable[[], bytes]
) -> None:
    bearing, free = site.add_vms(2)
    site.host.take_admin_snapshot(bearing, LEFTOVER)
    old = put_old_state(site, content())
    before = old.read_bytes()
    story = site.back_up()
    assert story.start.flags(bearing) == ["LEFT_OUT"]
    assert story.start.flags(free) == ["OK_snap"]
    assert story.start.exit_code == 1
    assert str(old) in story.start.stdout
    assert "next step: " in story.start.stdout.partition(str(old))[2]
    assert story.ended.flags(free) == ["OK_snap", "OK_umount"]
    assert story.ended.exit_code == 1
    assert old.read_bytes() == before
    assert site.host.snapshots(bearing) == [LEFTOVER]
    wait_until(lambda: not site.guards(), "the guard's end")


def test_a_damaged_state_file_ends_the_start_hook_in_1_even_if_all_vms_are_ready(
    site: Site,
) -> None:
    site.add_vms(2)
    put_old_state(site, damaged())
    story = site.back_up()
    assert story.start.counts == {"chosen": 2, "ready": 2, "failed": 0, "open": 2}
    assert story.start.exit_code == 1
    assert story.ended.exit_code == 0
    wait_until(lambda: not site.guards(), "the guard's end")


def test_an_empty_state_file_and_one_cut_in_its_head_are_runs_that_did_nothing(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    put_old_state(site, b"")
    other = site.state_dir / "default-20260102T000000Z-00000000.state"
    other.write_bytes(line("HLB-STATE", "-", "version=1", "run=x")[:40])
    story = site.back_up()
    assert story.start.flags(vmx) == ["OK_snap"]
    assert (story.start.exit_code, story.ended.exit_code) == (0, 0)


def test_other_files_in_the_state_folder_are_nobodys_business(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    site.state_dir.mkdir(mode=0o700)
    for name in ("notes", "x.state~", ".state.swp", "hlb.log.1"):
        (site.state_dir / name).write_bytes(b"\xff\x00")
    assert site.back_up().ended.flags(vmx) == ["OK_snap", "OK_umount"]


@pytest.mark.parametrize(
    "rest", [b"2026-11-22T01:00:", b"2026-11-22T01:00:03Z\tOK_snap\t/x\tc", b"\0"]
)
def test_a_last_line_that_was_interrupted_is_left_out_and_written_over(
    site: Site, rest: bytes
) -> None:
    vmxs = site.add_vms(2)
    with site.avtar() as avtar:
        avtar.wait_started()
        with site.state_file.open("ab") as file:
            file.write(rest)
        story = avtar.finish()
    assert story.ended.counts == {"chosen": 2, "ready": 2, "failed": 0, "open": 0}
    assert [site.flags(vmx)[-1] for vmx in vmxs] == ["OK_umount", "OK_umount"]
    assert rest not in site.state_file.read_bytes()


def damage_the_middle(site: Site) -> None:
    data = site.state_file.read_bytes()
    cut = data.index(b"\tOWNER\t")
    site.state_file.write_bytes(data[:cut] + b"X" + data[cut + 1 :])


def test_a_state_file_damaged_overnight_does_not_keep_the_guard_from_removing_all(
    site: Site,
) -> None:
    vmxs = site.add_vms(2)
    with site.avtar() as avtar:
        avtar.wait_started()
        # Let the guard read the whole story once.
        time.sleep(0.5)
        damage_the_middle(site)
        damaged_bytes = site.state_file.read_bytes()
        story = avtar.finish()
    assert story.ended.exit_code != 0
    assert site.state_file.stem in story.ended.stdout
    wait_until(lambda: not any(map(site.host.snapshots, vmxs)), "the guard's removal")
    assert site.state_file.read_bytes().startswith(damaged_bytes)
    site.may_leave_guards = True


# -- hlb.toml overnight


def break_syntax(site: Site) -> None:
    site.config.write_text(f'[paths\nstate_dir = "{site.state_dir}"\n')


def break_a_value(site: Site) -> None:
    site.configure(run={"language": "de"})


def break_by_a_new_key(site: Site) -> None:
    site.configure(snapshot={"colour": "red"})


def delete(site: Site) -> None:
    site.config.unlink()


def empty(site: Site) -> None:
    site.config.write_text("")


def make_writable_by_all(site: Site) -> None:
    site.config.chmod(0o666)


def move_the_state_folder(site: Site) -> None:
    site.configure(paths={"state_dir": str(site.root / "var" / "other")})


def name_another_program(site: Site) -> None:
    site.configure(host={"vmware_cmd": "/nonexistent/vmware-cmd"})


def rename_the_job(site: Site) -> None:
    jobs = site.settings.pop("jobs.default")
    site.configure(**{"jobs.gold": jobs})


def change_the_owner(site: Site) -> None:
    site.configure(run={"owner": ["borgmatic*"]})


def lose_the_targets(site: Site) -> None:
    site.targets.unlink()


# Of these the end hook learns the state folder all the same.
NAMING_THE_FOLDER = [
    break_syntax,
    break_a_value,
    break_by_a_new_key,
    make_writable_by_all,
    name_another_program,
    rename_the_job,
    change_the_owner,
    lose_the_targets,
]
# Of these it learns it from the guard's command line.
LOSING_THE_FOLDER = [delete, empty, move_the_state_folder]


def end_after_a_mistake(site: Site, spoil: Callable[[Site], None], *, with_guard: bool) -> None:
    vmxs = site.add_vms(2)
    with site.avtar() as avtar:
        avtar.wait_started()
        if not with_guard:
            os.kill(site.guards()[0], 9)
            wait_until(lambda: not site.guards(), "the guard's end")
        spoil(site)
        story = avtar.finish()
    assert story.ended.exit_code == 0, story.ended.stdout
    for vmx in vmxs:
        assert story.ended.flags(vmx) == ["OK_snap", "OK_umount"]
    assert site.leftovers() == []
    site.wait_settled()


@pytest.mark.parametrize("spoil", [*NAMING_THE_FOLDER, *LOSING_THE_FOLDER])
def test_a_mistake_made_overnight_in_the_configuration_keeps_no_snapshot_open(
    site: Site, spoil: Callable[[Site], None]
) -> None:
    end_after_a_mistake(site, spoil, with_guard=True)


@pytest.mark.parametrize("spoil", NAMING_THE_FOLDER)
def test_a_mistake_made_overnight_and_a_dead_guard_keep_no_snapshot_open(
    site: Site, spoil: Callable[[Site], None]
) -> None:
    end_after_a_mistake(site, spoil, with_guard=False)


def test_what_is_wrong_with_the_configuration_is_said_by_the_end_hook(site: Site) -> None:
    site.add_vms(1)
    with site.avtar() as avtar:
        avtar.wait_started()
        site.configure(run={"language": "de"})
        story = avtar.finish()
    assert "run.language" in story.ended.stdout
    assert "going on with what run" in story.ended.stdout


def test_the_guard_goes_by_the_stored_configuration_too(site: Site) -> None:
    vmxs = site.add_vms(2)
    with site.avtar() as avtar:
        avtar.wait_started()
        site.config.write_text("nonsense")
        avtar.kill()
    site.wait_settled()
    assert [site.host.snapshots(vmx) for vmx in vmxs] == [[], []]


def with_a_slash(site: Site) -> str:
    return f"{site.state_dir}/"


def with_a_detour(site: Site) -> str:
    return f"{site.root}/etc/../var//hlb"


def by_a_link(site: Site) -> str:
    (site.root / "link").symlink_to(site.state_dir.parent)
    return str(site.root / "link" / "hlb")


@pytest.mark.parametrize("write", [with_a_slash, with_a_detour, by_a_link])
def test_a_state_folder_written_in_another_way_is_one_folder(
    site: Site, write: Callable[[Site], str]
) -> None:
    site.configure(paths={"state_dir": write(site)})
    (vmx,) = site.add_vms(1)
    with site.avtar() as avtar:
        avtar.wait_started()
        # Its guard names the folder too.
        assert len(site.guards()) == 1
        story = avtar.finish()
    assert story.ended.exit_code == 0
    assert story.ended.lines.count("**REPORT**") == 1
    assert [each for each in story.ended.lines if each.startswith("HLB ")] == [
        story.ended.lines[-1]
    ]
    assert story.ended.flags(vmx) == ["OK_snap", "OK_umount"]
    site.wait_settled()


@pytest.mark.parametrize("is_broken", [False, True])
def test_another_folder_that_cannot_be_trusted_does_not_stop_the_end_hook(
    site: Site, is_broken: bool
) -> None:
    vmxs = site.add_vms(2)
    with site.avtar() as avtar:
        avtar.wait_started()
        assert len(site.guards()) == 1
        other = site.root / "var" / "other"
        other.mkdir()
        other.chmod(0o770)
        site.configure(paths={"state_dir": str(other)})
        if is_broken:
            site.configure(snapshot={"colour": "red"})
        story = avtar.finish()
    assert story.ended.exit_code == 0, story.ended.stdout
    assert f"{other}: [paths] state_dir may be written by others" in story.ended.stdout
    for vmx in vmxs:
        assert story.ended.flags(vmx) == ["OK_snap", "OK_umount"]
    site.wait_settled()
    assert site.leftovers() == []


# -- a state folder that takes nothing any more


def test_a_state_folder_that_became_read_only_is_said_and_all_is_removed(site: Site) -> None:
    vmxs = site.add_vms(2)
    site.run("initial_backup", "--lease", "1h")
    outcome = site.run_read_only(site.state_dir, "initial_umount", "--run", site.run_name)
    assert [site.host.snapshots(vmx) for vmx in vmxs] == [[], []]
    assert site.leftovers() == []
    for vmx in vmxs:
        assert outcome.flags(vmx) == ["OK_snap", "OK_umount"]
    assert "the state file could not be written" in outcome.stdout
    assert str(site.state_file) in outcome.stdout
    # For the guard, who sees the folder as it was, the end has not come yet; it does no harm.
    site.run("initial_umount", "--run", site.run_name)
    site.wait_settled()
    assert site.count_calls()["removesnapshots"] == 2


def test_a_state_file_that_was_made_immutable_is_said_and_all_is_removed(site: Site) -> None:
    vmxs = site.add_vms(2)
    with site.avtar() as avtar:
        avtar.wait_started()
        path = site.state_file
        changed = subprocess.run(["chattr", "+i", path], capture_output=True, check=False)
        if changed.returncode:
            pytest.skip("chattr +i needs root and a file system that knows it")
        try:
            story = avtar.finish()
        finally:
            subprocess.run(["chattr", "-i", path], check=True)
    assert [site.host.snapshots(vmx) for vmx in vmxs] == [[], []]
    assert story.ended.exit_code in (0, 1, 4)
    for vmx in vmxs:
        assert story.ended.flags(vmx) == ["OK_snap", "OK_umount"]
    assert str(path) in story.ended.stdout
    assert site.leftovers() == []
    assert site.count_calls()["removesnapshots"] == 2
    site.may_leave_guards = True


def test_a_state_file_that_was_deleted_overnight_leaves_the_guard_to_remove_all(
    site: Site,
) -> None:
    vmxs = site.add_vms(2)
    with site.avtar() as avtar:
        avtar.wait_started()
        site.state_file.unlink()
        avtar.finish()
    wait_until(lambda: not any(map(site.host.snapshots, vmxs)), "the guard's removal")
    wait_until(lambda: not site.guards(), "the guard's end")
    assert site.leftovers() == []


def test_every_change_of_the_host_had_its_intent_on_disk(site: Site) -> None:
    vmxs = site.add_vms(3)
    site.back_up()
    text = site.state_file.read_text("utf-8")
    asked = {call[2] for call in site.host.calls() if "createsnapshot" in call}
    intents = set(re.findall(r"\tINTENT_snap\t[^\t]+\tsnapshot=([^\t]+)", text))
    assert asked == intents
    assert text.count("\tINTENT_umount\t") == len(vmxs)


def test_every_line_of_the_state_file_carries_its_checksum(site: Site) -> None:
    site.host.add_vm("two lines", display_name="two\nlines\tand a tab")
    site.back_up()
    for each in site.state_file.read_bytes().splitlines():
        body, _, checksum = each.rpartition(b"\tcrc32=")
        assert checksum == b"%08x" % binascii.crc32(body)
        each.decode("utf-8")
