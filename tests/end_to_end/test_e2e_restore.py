"""``hlb restore`` on what a backup client has put back, whatever of it there is."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from restore_kit import (
    KEPT,
    Backup,
    RestoreSite,
    list_names,
    read_keys,
    replace,
    set_geometry,
)

OF_A_VM = [
    "vmware.log",
    "web-flat.vmdk",
    "web.nvram",
    "web.vmdk",
    "web.vmx",
    "web.vmxf",
]
PUT_ASIDE = [
    "web-000001.vmdk",
    "web-Snapshot1.vmsn",
    "web.hlb-claim",
    "web.vmsd",
    "web.vmx",
    "web.vmx.hlb",
]
FIRST = b"first".ljust(65536, b".")
SECOND = b"second".ljust(65536, b".")


@pytest.fixture
def site(tmp_path: Path) -> RestoreSite:
    return RestoreSite(tmp_path / "site")


def back_up(site: RestoreSite, *, has_saved: bool = False, has_claim: bool = True) -> Backup:
    vmx = site.host.add_vm("web", disks=[FIRST])
    return site.back_up(vmx, has_saved=has_saved, has_claim=has_claim)


def test_a_vm_comes_of_its_files_in_its_own_folder(site: RestoreSite) -> None:
    backup = back_up(site, has_saved=True)
    folder = backup.put_back()
    outcome = site.restore(folder, "--register", "--power-on")
    vmx = folder / "web.vmx"
    assert site.host.power(str(vmx)) == "on"
    assert site.host.disk_bytes(str(vmx)) == FIRST
    assert "uuid.action" not in read_keys(vmx)
    assert "put aside" in outcome.stdout
    left = [name for name in list_names(folder) if not name.endswith(".vswp")]
    assert left == OF_A_VM
    assert list_names(folder / KEPT) == PUT_ASIDE


def test_of_the_saved_configuration_only_what_must_change_changes(
    site: RestoreSite,
) -> None:
    backup = back_up(site, has_saved=True)
    saved = backup.files[backup.folder / "web.vmx.hlb"]
    folder = backup.put_back()
    site.restore(folder)
    wanted = re.sub(rb"sched\.swap\.derivedName = .*\n", b"", saved)
    assert (folder / "web.vmx").read_bytes() == wanted + b'uuid.action = "keep"\n'


def test_without_a_saved_one_the_configuration_is_mended(site: RestoreSite) -> None:
    backup = back_up(site)
    config = backup.files[backup.vmx]
    folder = backup.put_back()
    outcome = site.restore(folder)
    assert "scsi0:0.fileName becomes web.vmdk" in outcome.stdout
    wanted = re.sub(rb"sched\.swap\.derivedName = .*\n", b"", config)
    wanted = wanted.replace(b"web-000001.vmdk", b"web.vmdk")
    assert (folder / "web.vmx").read_bytes() == wanted + b'uuid.action = "keep"\n'
    assert list_names(folder) == OF_A_VM


@pytest.mark.parametrize("has_saved", [True, False])
def test_whatever_came_is_kept_as_it_came(site: RestoreSite, has_saved: bool) -> None:
    backup = back_up(site, has_saved=has_saved)
    folder = backup.put_back()
    site.restore(folder)
    for path, data in backup.files.items():
        places = [path, folder / KEPT / path.name]
        assert data in [place.read_bytes() for place in places if place.exists()], path


def test_without_the_deltas_descriptor_the_list_of_snapshots_names_the_base(
    site: RestoreSite,
) -> None:
    folder = back_up(site).drop("web-000001.vmdk").put_back()
    site.restore(folder)
    assert read_keys(folder / "web.vmx")["scsi0:0.filename"] == "web.vmdk"


@pytest.mark.parametrize("has_claim", [True, False])
def test_without_that_list_too_name_and_geometry_prove_the_base(
    site: RestoreSite, has_claim: bool
) -> None:
    backup = back_up(site, has_claim=has_claim).drop("web-000001.vmdk", "web.vmsd")
    folder = backup.change("web.vmdk", set_geometry()).put_back()
    site.restore(folder, *([] if has_claim else ["--uuid", "keep"]))
    assert read_keys(folder / "web.vmx")["scsi0:0.filename"] == "web.vmdk"


def drop_geometry(data: bytes) -> bytes:
    return re.sub(rb"ddb\.geometry\..*\n", b"", data)


@pytest.mark.parametrize("change", [set_geometry(256), set_geometry(64), drop_geometry])
def test_a_base_that_only_its_name_speaks_for_is_refused(
    site: RestoreSite, change: Callable[[bytes], bytes]
) -> None:
    backup = back_up(site).drop("web-000001.vmdk", "web.vmsd").change("web.vmdk", change)
    words = site.refuse(backup.put_back())
    assert "disk scsi0:0: " in words
    assert "web-000001.vmdk is not there" in words
    assert "cannot be proven" in words
    assert "--disk scsi0:0=PATH" in words


def test_such_a_base_is_taken_when_a_person_names_it(site: RestoreSite) -> None:
    folder = back_up(site).drop("web-000001.vmdk", "web.vmsd").put_back()
    site.restore(folder, "--disk", f"scsi0:0={folder}/web.vmdk")
    assert read_keys(folder / "web.vmx")["scsi0:0.filename"] == "web.vmdk"


def test_each_of_several_disks_goes_back_to_its_own_base(site: RestoreSite) -> None:
    vmx = site.host.add_vm("web", disks=[FIRST, SECOND, FIRST])
    folder = site.back_up(vmx, has_saved=False).put_back()
    site.restore(folder, "--register", "--power-on")
    assert site.host.disk_bytes(vmx, "scsi0:0") == FIRST
    assert site.host.disk_bytes(vmx, "scsi0:1") == SECOND
    keys = read_keys(folder / "web.vmx")
    names = [keys[f"scsi0:{number}.filename"] for number in range(3)]
    assert names == ["web.vmdk", "web_1.vmdk", "web_2.vmdk"]


def test_what_the_guest_wrote_after_the_snapshot_is_not_in_the_vm(
    site: RestoreSite,
) -> None:
    vmx = site.host.add_vm("web", disks=[FIRST])
    backup = site.back_up(vmx, meanwhile=lambda: site.host.write_guest(vmx, "scsi0:0", 0, SECOND))
    site.restore(backup.put_back(), "--register", "--power-on")
    assert site.host.disk_bytes(vmx) == FIRST


def test_only_the_saved_configuration_came(site: RestoreSite) -> None:
    folder = back_up(site, has_saved=True).drop("web.vmx").put_back()
    site.restore(folder, "--register")
    assert read_keys(folder / "web.vmx")["displayname"] == "web"
    assert (folder / "web.vmx").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("damage", [b"", b"\0" * 4096, b"hello\n"])
def test_a_saved_configuration_that_is_none_is_said_and_not_used(
    site: RestoreSite, damage: bytes
) -> None:
    backup = back_up(site, has_saved=True).change("web.vmx.hlb", lambda _data: damage)
    folder = backup.put_back()
    outcome = site.restore(folder)
    assert "what was saved before the snapshot cannot be used" in outcome.stdout
    assert read_keys(folder / "web.vmx")["scsi0:0.filename"] == "web.vmdk"
    assert (folder / KEPT / "web.vmx.hlb").read_bytes() == damage


def cut_short(data: bytes) -> bytes:
    return data[: data.index(b"scsi0:1.fileName") + 8]


def test_a_saved_configuration_that_was_cut_short_is_not_used(
    site: RestoreSite,
) -> None:
    vmx = site.host.add_vm("web", disks=[FIRST, SECOND])
    folder = site.back_up(vmx).change("web.vmx.hlb", cut_short).put_back()
    outcome = site.restore(folder)
    assert "cannot be used" in outcome.stdout
    assert read_keys(folder / "web.vmx")["scsi0:1.filename"] == "web_1.vmdk"


def test_a_configuration_that_was_cut_short_is_refused_by_name(
    site: RestoreSite,
) -> None:
    vmx = site.host.add_vm("web", disks=[FIRST, SECOND])
    words = site.refuse(site.back_up(vmx, has_saved=False).change("web.vmx", cut_short).put_back())
    assert re.search(r"web\.vmx: line \d+ is neither", words)


def test_a_disk_added_while_the_snapshot_was_open_is_pointed_out(
    site: RestoreSite,
) -> None:
    backup = back_up(site, has_saved=True)
    more = 'scsi0:1.present = "TRUE"\nscsi0:1.fileName = "web_1.vmdk"\nnvram ='
    folder = backup.change("web.vmx", replace("nvram =", more)).put_back()
    outcome = site.restore(folder)
    assert "disk scsi0:1 was added after the snapshot" in outcome.stdout
    assert "scsi0:1.filename" not in read_keys(folder / "web.vmx")


def test_of_two_configurations_one_must_be_said(site: RestoreSite) -> None:
    folder = back_up(site, has_saved=True).put_back()
    other = (folder / "web.vmx").read_bytes().replace(b'"web"', b'"other"')
    (folder / "other (2).vmx").write_bytes(other)
    words = site.refuse(folder, exit_code=2)
    assert "--vmx 'other (2).vmx', --vmx 'web.vmx'" in words
    assert "has no none.vmx" in site.refuse(folder, "--vmx", "none.vmx", exit_code=2)
    site.restore(folder, "--vmx", "web.vmx")
    assert read_keys(folder / "web.vmx")["scsi0:0.filename"] == "web.vmdk"
    assert (folder / "other (2).vmx").read_bytes() == other


def test_a_template_stays_one(site: RestoreSite) -> None:
    vmx = site.host.add_vm("golden", template=True)
    folder = site.back_up(vmx, snapshot="", has_saved=False, has_claim=False).put_back()
    before = (folder / "golden.vmtx").read_bytes()
    site.restore(folder, "--uuid", "keep")
    wanted = re.sub(rb"sched\.swap\.derivedName = .*\n", b"", before)
    assert (folder / "golden.vmtx").read_bytes() == wanted + b'uuid.action = "keep"\n'


def test_a_vm_read_without_a_snapshot_keeps_its_disks(site: RestoreSite) -> None:
    vmx = site.host.add_vm("web", disks=[FIRST, SECOND], power="off")
    folder = site.back_up(vmx, snapshot="", has_saved=False, has_claim=False).put_back()
    site.restore(folder, "--register", "--power-on")
    assert site.host.disk_bytes(vmx, "scsi0:1") == SECOND


def test_a_backup_torn_while_the_snapshot_was_open_is_pointed_out(
    site: RestoreSite,
) -> None:
    backup = back_up(site)
    folder = backup.change("web.vmdk", lambda data: re.sub(rb"\nCID=.*", b"\nCID=0", data))
    outcome = site.restore(folder.put_back())
    assert "was written to after the snapshot was made" in outcome.stdout
