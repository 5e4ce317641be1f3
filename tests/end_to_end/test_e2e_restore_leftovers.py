"""What ``hlb restore`` puts aside, what it leaves, and when memory may be gone on from."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from restore_kit import (
    KEPT,
    SNAPSHOT_TIME,
    RestoreSite,
    list_names,
    make_claim,
    read_keys,
    replace,
    stamp,
)

MINUTE = timedelta(minutes=1)


@pytest.fixture
def site(tmp_path: Path) -> RestoreSite:
    return RestoreSite(tmp_path / "site")


LEFTOVERS = [
    "web.vmsd",
    "web-Snapshot7.vmsn",
    "web-Snapshot7.vmem",
    "web.vmss",
    "web.hlb-claim",
    "web.hlb-claim.0a1b2c3d",
    "web.vmx.hlb",
    "web-ctk.vmdk",
    "web-000001-ctk.vmdk",
    "web-000001-delta.vmdk",
    "web-000002-sesparse.vmdk",
    "web-0264bf9d.vswp",
    "vmx-web-40157085-1.vswp",
    "web.vmx.lck",
    ".lck-0a1b000000000000",
]
KEEPSAKES = ["web-1-flat.vmdk", "web-2009.vmdk", "web (old).iso", "notes.txt", "web.vmx~", "a\nb"]


def test_leftovers_are_put_aside_and_nothing_else_is(site: RestoreSite) -> None:
    backup = site.back_up(site.host.add_vm("web"))
    for name in LEFTOVERS:
        backup.files.setdefault(backup.folder / name, f"content of {name}".encode())
    for name in KEEPSAKES:
        backup.files[backup.folder / name] = name.encode()
    folder = backup.put_back()
    site.restore(folder)
    assert set(list_names(folder)).isdisjoint(LEFTOVERS)
    assert set(LEFTOVERS) <= set(list_names(folder / KEPT))
    assert set(KEEPSAKES) <= set(list_names(folder))
    for path, data in backup.files.items():
        assert data in {
            place.read_bytes() for place in (path, folder / KEPT / path.name) if place.exists()
        }


def test_half_a_file_of_a_restore_that_was_killed_is_no_hindrance(site: RestoreSite) -> None:
    folder = site.back_up(site.host.add_vm("web")).put_back()
    for name in ("web.vmx.hlb-new", "web.vmdk.hlb-new"):
        (folder / name).write_bytes(b"half")
    site.restore(folder)
    assert not [name for name in list_names(folder) if name.endswith(".hlb-new")]


def test_names_that_are_not_text_are_put_aside_too(site: RestoreSite) -> None:
    backup = site.back_up(site.host.add_vm(b"caf\xe9 \x1b[0m"))
    folder = backup.put_back()
    outcome = site.restore(folder)
    assert "caf\\xe9 \\x1b[0m" in outcome.stdout
    assert not any(name.endswith(".vmsn") for name in list_names(folder))


def test_the_list_of_changed_blocks_is_not_named_any_more(site: RestoreSite) -> None:
    backup = site.back_up(site.host.add_vm("web"))
    backup.files[backup.folder / "web-ctk.vmdk"] = b"blocks"
    named = 'createType="vmfs"\nchangeTrackPath="web-ctk.vmdk"'
    before = backup.files[backup.folder / "web.vmdk"]
    backup.change("web.vmdk", replace('createType="vmfs"', named))
    folder = backup.put_back()
    site.restore(folder)
    assert (folder / "web.vmdk").read_bytes() == before
    assert "web.vmdk" in list_names(folder / KEPT)


def test_of_a_folder_that_two_vms_share_the_other_ones_files_stay(site: RestoreSite) -> None:
    backup = site.back_up(site.host.add_vm("web"))
    others = ["web2.vmsd", "web2-000001.vmdk", "web2-Snapshot1.vmsn", "web2-1.vswp", "db.vmsd"]
    folder = backup.put_back()
    for name in others:
        (folder / name).write_bytes(name.encode())
    for name in ("web2.vmx", "db.vmx"):
        (folder / name).write_bytes((folder / "web.vmx").read_bytes())
    site.restore(folder, "--vmx", "web.vmx")
    assert set(others) <= set(list_names(folder))
    assert "web.vmsd" in list_names(folder / KEPT)
    assert "web-Snapshot1.vmsn" in list_names(folder / KEPT)


def test_beside_a_disk_elsewhere_only_its_own_leftovers_go(site: RestoreSite) -> None:
    vmx = site.host.add_vm("web", disks=[bytes(512), bytes(512)], datastores={1: "store (1)"})
    backup = site.back_up(vmx)
    folder = backup.put_back()
    there = site.volumes / "store (1)" / "web"
    others = ["other-000001.vmdk", "web.vmsd", "web_10-000001.vmdk", "web_1-2009.vmdk"]
    for name in (*others, "web_1-ctk.vmdk", "web_1-000003-delta.vmdk"):
        (there / name).write_bytes(b"")
    site.restore(folder)
    assert list_names(there) == sorted([*others, "web_1-flat.vmdk", "web_1.vmdk"])


def test_what_an_earlier_restore_kept_stays_beside_what_this_one_keeps(site: RestoreSite) -> None:
    backup = site.back_up(site.host.add_vm("web"))
    folder = backup.put_back()
    site.restore(folder)
    first = [(folder / KEPT / name).read_bytes() for name in ("web.vmx", "web.vmsd")]
    backup.change("web.vmx", replace('"linux"', '"other"'))
    backup.change("web.vmsd", lambda data: data + b"\n")
    backup.put_back()
    site.restore(folder)
    kept = [path.read_bytes() for path in (folder / KEPT).iterdir()]
    second = [backup.files[backup.folder / name] for name in ("web.vmx", "web.vmsd")]
    assert all(data in kept for data in (*first, *second))


# -- a VM that was suspended


def back_up_suspended(site: RestoreSite, *, has_saved: bool) -> tuple[Path, Path]:
    backup = site.back_up(site.host.add_vm("web", power="suspended"), has_saved=has_saved)
    return backup.put_back(), backup.folder / "web.vmss"


def test_memory_from_before_the_snapshot_is_gone_on_from(site: RestoreSite) -> None:
    folder, memory = back_up_suspended(site, has_saved=True)
    stamp(memory, SNAPSHOT_TIME - MINUTE)
    site.restore(folder)
    assert read_keys(folder / "web.vmx")["checkpoint.vmstate"] == "web.vmss"
    assert "web.vmss" in list_names(folder)


def test_killed_while_it_puts_aside_it_comes_to_the_same_about_memory(site: RestoreSite) -> None:
    """By then the claim may be gone that dates the snapshot, or the saved configuration."""
    folder, _memory = back_up_suspended(site, has_saved=True)
    printed = site.rehearse(folder).stdout
    names = re.findall(r"^WOULD put aside: .*/([^/]+), into ", printed, re.M)
    assert len(names) > 3
    assert site.run(folder).exit_code == 0
    wanted = list_names(folder)
    text = (folder / "web.vmx").read_bytes()
    for done in range(len(names)):
        for name in names[done:]:
            (folder / KEPT / name).rename(folder / name)
        assert site.run(folder).exit_code == 0
        assert (folder / "web.vmx").read_bytes() == text, f"killed after {names[:done]}"
        assert list_names(folder) == wanted


@pytest.mark.parametrize("case", ["missing", "younger", "not saved", "no claim"])
def test_memory_that_may_be_of_another_moment_is_dropped(site: RestoreSite, case: str) -> None:
    folder, memory = back_up_suspended(site, has_saved=case != "not saved")
    if case == "missing":
        memory.unlink()
    if case == "younger":
        stamp(memory, SNAPSHOT_TIME + MINUTE)
    if case == "no claim":
        (folder / "web.hlb-claim").unlink()
    outcome = site.restore(folder, "--uuid", "keep")
    assert "checkpoint.vmState becomes empty" in outcome.stdout
    assert read_keys(folder / "web.vmx")["checkpoint.vmstate"] == ""
    assert "web.vmss" not in list_names(folder)


def test_a_vm_suspended_and_read_without_any_snapshot_goes_on(site: RestoreSite) -> None:
    vmx = site.host.add_vm("web", power="suspended")
    folder = site.back_up(vmx, snapshot="", has_saved=False, has_claim=False).put_back()
    site.restore(folder)
    assert read_keys(folder / "web.vmx")["checkpoint.vmstate"] == "web.vmss"
    assert "web.vmss" in list_names(folder)


def test_memory_is_not_believed_for_an_older_restores_claim(site: RestoreSite) -> None:
    """The claim that an earlier restore put aside is of another backup."""
    folder, memory = back_up_suspended(site, has_saved=True)
    (folder / "web.hlb-claim").unlink()
    (folder / KEPT).mkdir()
    late = "HLB-default-20991007T010000Z-0a1b2c3d"
    (folder / KEPT / "web.hlb-claim").write_bytes(make_claim(str(folder / "web.vmx"), late))
    stamp(memory, SNAPSHOT_TIME + MINUTE)
    site.restore(folder)
    assert read_keys(folder / "web.vmx")["checkpoint.vmstate"] == ""
