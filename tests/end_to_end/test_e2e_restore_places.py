"""``hlb restore`` of disks that lie in other folders and datastores, here or somewhere else."""

import os
from pathlib import Path

import pytest
from restore_kit import KEPT, Backup, RestoreSite, list_names, read_keys, replace, set_geometry

FIRST = b"first".ljust(65536, b".")
SECOND = b"second".ljust(65536, b".")


@pytest.fixture
def site(tmp_path: Path) -> RestoreSite:
    return RestoreSite(tmp_path / "site")


@pytest.fixture
def elsewhere(site: RestoreSite) -> Path:
    return site.volumes / "store (1)" / "copies" / "web's copy"


def back_up_on_two(site: RestoreSite, **options: bool) -> Backup:
    vmx = site.host.add_vm("web", disks=[FIRST, SECOND], datastores={1: "store (1)"})
    return site.back_up(vmx, **options)


@pytest.mark.parametrize("has_saved", [True, False])
@pytest.mark.parametrize("has_claim", [True, False])
def test_a_disk_on_another_datastore_stays_there_in_the_original_place(
    site: RestoreSite, has_saved: bool, has_claim: bool
) -> None:
    backup = back_up_on_two(site, has_saved=has_saved, has_claim=has_claim)
    folder = backup.put_back()
    site.restore(folder, "--register", "--power-on")
    vmx = str(backup.vmx)
    assert site.host.disk_bytes(vmx, "scsi0:1") == SECOND
    second = Path(read_keys(backup.vmx)["scsi0:1.filename"])
    assert second == (site.volumes / "store (1)").resolve() / "web" / "web_1.vmdk"
    assert list_names(second.parent) == ["web_1-flat.vmdk", "web_1.vmdk"]


def test_without_its_descriptor_the_base_is_found_where_the_disk_was(site: RestoreSite) -> None:
    backup = back_up_on_two(site, has_saved=False).drop("web.vmsd", "web-000001.vmdk")
    backup.change("web.vmdk", set_geometry())
    there = (site.volumes / "store (1)").resolve() / "web"
    del backup.files[there / "web_1-000001.vmdk"]
    backup.files[there / "web_1.vmdk"] = set_geometry()(backup.files[there / "web_1.vmdk"])
    site.restore(backup.put_back(), "--register", "--power-on")
    assert site.host.disk_bytes(str(backup.vmx), "scsi0:1") == SECOND


def test_in_its_original_place_a_vm_is_restored_twice_before_it_starts(site: RestoreSite) -> None:
    """The path of the swap file, by which the place was known, goes with the first run."""
    backup = back_up_on_two(site, has_saved=False, has_claim=False)
    site.restore(backup.put_back())


@pytest.mark.parametrize("has_saved", [True, False])
@pytest.mark.parametrize("uuid", ["keep", "create"])
def test_a_copy_has_the_disk_that_came_with_it_and_not_the_originals(
    site: RestoreSite, elsewhere: Path, has_saved: bool, uuid: str
) -> None:
    backup = back_up_on_two(site, has_saved=has_saved)
    backup.put_back()
    site.restore(backup.put_back(elsewhere), "--uuid", uuid)
    assert read_keys(elsewhere / "web.vmx")["scsi0:1.filename"] == "web_1.vmdk"
    assert list_names(elsewhere) == [
        *("vmware.log", "web-flat.vmdk", "web.nvram", "web.vmdk", "web.vmx", "web.vmxf"),
        *("web_1-flat.vmdk", "web_1.vmdk"),
    ]


def test_a_copy_never_takes_the_originals_disk_where_its_own_is_missing(
    site: RestoreSite, elsewhere: Path
) -> None:
    backup = back_up_on_two(site)
    backup.put_back()
    folder = backup.put_back(elsewhere)
    (folder / "web_1.vmdk").unlink()
    words = site.refuse(folder, "--uuid", "create")
    assert "disk scsi0:1: " in words
    assert "may be another VM's" in words
    site.restore(folder, "--uuid", "create", "--without-disk", "scsi0:1")
    assert read_keys(folder / "web.vmx")["scsi0:1.present"] == "FALSE"
    assert read_keys(folder / "web.vmx")["scsi0:0.filename"] == "web.vmdk"


def test_two_disks_of_one_name_are_told_apart_by_a_person(
    site: RestoreSite, elsewhere: Path
) -> None:
    """On its own datastore a further disk is named as the first one is."""
    backup = back_up_on_two(site)
    other = (site.volumes / "store (1)").resolve() / "web"
    for old, new in (("web_1.vmdk", "web.vmdk"), ("web_1-000001.vmdk", "web-000001.vmdk")):
        backup.files[other / new] = backup.files.pop(other / old)
    for name in ("web.vmx", "web.vmx.hlb", "web.vmsd"):
        backup.change(name, replace("/web_1", "/web"))
    first = {path: data for path, data in backup.files.items() if path.parent == backup.folder}
    backup.files = {**{k: v for k, v in backup.files.items() if k not in first}, **first}
    folder = backup.put_back(elsewhere)
    words = site.refuse(folder, "--uuid", "create")
    assert "disks scsi0:0 and scsi0:1 are both" in words
    below = folder / "second"
    below.mkdir()
    for name, data in backup.files.items():
        if name.parent == other:
            (below / name.name).write_bytes(data)
    assert "may be any of" in site.refuse(folder, "--uuid", "create")
    site.restore(folder, "--uuid", "create", "--disk", f"scsi0:1={below}/web.vmdk")
    assert read_keys(folder / "web.vmx")["scsi0:1.filename"] == "second/web.vmdk"


def test_a_disk_left_out_is_not_replaced_by_another_of_its_name(
    site: RestoreSite, elsewhere: Path
) -> None:
    """The file named web.vmdk beside the .vmx is the first disk, whatever else is called so."""
    backup = back_up_on_two(site)
    backup.change("web.vmx.hlb", replace("/web_1", "/web"))
    folder = backup.put_back(elsewhere)
    words = site.refuse(folder, "--uuid", "create", "--without-disk", "scsi0:0")
    assert "disk scsi0:1: " in words


def test_disks_in_folders_below_stay_there(site: RestoreSite, elsewhere: Path) -> None:
    vmx = site.host.add_vm("web", disks=[FIRST, SECOND])
    backup = site.back_up(vmx)
    for name in ("web_1.vmdk", "web_1-flat.vmdk", "web_1-000001.vmdk"):
        backup.files[backup.folder / "disks" / name] = backup.files.pop(backup.folder / name)
    for name in ("web.vmx", "web.vmx.hlb"):
        backup.change(name, replace('"web_1', '"disks/web_1'))
    site.restore(backup.put_back(elsewhere), "--uuid", "keep")
    assert read_keys(elsewhere / "web.vmx")["scsi0:1.filename"] == "disks/web_1.vmdk"
    assert list_names(elsewhere / "disks") == ["web_1-flat.vmdk", "web_1.vmdk"]
    assert list_names(elsewhere / "disks" / KEPT) == ["web_1-000001.vmdk"]


@pytest.mark.parametrize("has_saved", [True, False])
def test_an_absolute_path_by_the_datastores_name_is_the_same_place(
    site: RestoreSite, has_saved: bool
) -> None:
    backup = back_up_on_two(site, has_saved=has_saved)
    uuid, label = (site.volumes / "store (1)").resolve(), site.volumes / "store (1)"
    for name in ("web.vmx", "web.vmx.hlb") if has_saved else ("web.vmx",):
        backup.change(name, replace(str(uuid), str(label)))
    site.restore(backup.put_back(), "--register", "--power-on")
    assert site.host.disk_bytes(str(backup.vmx), "scsi0:1") == SECOND


def test_the_folder_may_be_named_by_its_datastores_name_or_through_a_link(
    site: RestoreSite, tmp_path: Path
) -> None:
    backup = back_up_on_two(site)
    backup.put_back()
    link = tmp_path / "a link"
    link.symlink_to(site.volumes / "storage1" / "web")
    site.restore(link, "--register")
    assert site.host.registered() == [str(backup.vmx)]


def test_the_folder_may_be_named_from_where_one_is(site: RestoreSite) -> None:
    folder = back_up_on_two(site).put_back()
    words = " ".join(f"'{word}'" for word in site.command("web"))
    assert os.system(f"cd '{folder.parent}' && {words} > /dev/null") == 0


def test_what_names_the_originals_place_is_mended_in_a_copy(
    site: RestoreSite, elsewhere: Path
) -> None:
    old = f"{site.volumes}/gone/web"
    lines = [
        f'workingDir = "{old}"',
        f'migrate.hostlog = "{old}/web.hlog"',
        'ide1:0.present = "TRUE"',
        'ide1:0.deviceType = "cdrom-image"',
        f'ide1:0.fileName = "{old}/a cd.iso"',
    ]
    vmx = site.host.add_vm("web", disks=[FIRST], extra_lines=lines)
    backup = site.back_up(vmx)
    for key, name in (("nvram", "web.nvram"), ("extendedConfigFile", "web.vmxf")):
        backup.change("web.vmx.hlb", replace(f'{key} = "{name}"', f'{key} = "{old}/{name}"'))
    site.restore(backup.put_back(elsewhere), "--uuid", "keep")
    keys = read_keys(elsewhere / "web.vmx")
    assert (keys["nvram"], keys["extendedconfigfile"]) == ("web.nvram", "web.vmxf")
    assert keys["ide1:0.startconnected"] == "FALSE"
    assert {"workingdir", "migrate.hostlog", "sched.swap.derivedname"}.isdisjoint(keys)


def test_what_lies_elsewhere_and_is_there_stays_named(site: RestoreSite) -> None:
    image = site.volumes / "store (1)" / "a cd.iso"
    image.write_bytes(b"cd")
    log = image.with_name("web.hlog")
    log.write_bytes(b"")
    lines = [
        f'migrate.hostlog = "{log}"',
        'ide1:0.present = "TRUE"',
        'ide1:0.deviceType = "cdrom-image"',
        f'ide1:0.fileName = "{image}"',
        'floppy0.present = "FALSE"',
        'floppy0.fileName = "/vmfs/volumes/gone/boot.flp"',
    ]
    backup = site.back_up(site.host.add_vm("web", extra_lines=lines))
    site.restore(backup.put_back())
    keys = read_keys(backup.vmx)
    assert keys["migrate.hostlog"] == str(log)
    assert "ide1:0.startconnected" not in keys
    assert "floppy0.startconnected" not in keys


def test_a_working_folder_stays_in_the_original_place(site: RestoreSite) -> None:
    vmx = site.host.add_vm("web", extra_lines=[f'workingDir = "{site.volumes}/storage1"'])
    backup = site.back_up(vmx)
    site.restore(backup.put_back())
    assert "workingdir" in read_keys(backup.vmx)


def test_a_linked_clone_keeps_the_parent_it_is_made_of(site: RestoreSite) -> None:
    parent = site.host.add_vm("golden", disks=[FIRST], power="off")
    backup = site.back_up(site.host.add_vm("web"), has_saved=False)
    base = Path(parent).with_suffix(".vmdk")
    cid = next(line for line in base.read_text().splitlines() if line.startswith("CID="))[4:]
    hint = f'createType="vmfsSparse"\nparentFileNameHint="{base}"'
    backup.change("web.vmdk", replace("parentCID=ffffffff", f"parentCID={cid}"))
    backup.change("web.vmdk", replace('createType="vmfs"', hint))
    backup.change("web.vmdk", replace('VMFS "web-flat', 'VMFSSPARSE "web-flat'))
    folder = backup.put_back()
    outcome = site.restore(folder)
    assert f"disk scsi0:0 is a linked clone of {base}" in outcome.stdout
    assert read_keys(folder / "web.vmx")["scsi0:0.filename"] == "web.vmdk"


@pytest.mark.parametrize(
    ("cid", "words"), [("0badcafe", "has changed since"), ("", "which is not there")]
)
def test_a_linked_clone_of_what_is_not_as_it_was_is_refused(
    site: RestoreSite, cid: str, words: str
) -> None:
    parent = site.host.add_vm("golden", disks=[FIRST], power="off")
    base = Path(parent).with_suffix(".vmdk") if cid else Path("/vmfs/volumes/gone/golden.vmdk")
    backup = site.back_up(site.host.add_vm("web"), has_saved=False)
    hint = f'createType="vmfsSparse"\nparentFileNameHint="{base}"'
    backup.change("web.vmdk", replace("parentCID=ffffffff", f"parentCID={cid or '1'}"))
    backup.change("web.vmdk", replace('createType="vmfs"', hint))
    said = site.refuse(backup.put_back())
    assert "is a linked clone of" in said
    assert words in said
