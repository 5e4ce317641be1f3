"""What ``hlb restore`` refuses: by name, with all reasons at once, and nothing is changed."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from restore_kit import KEPT, OUR_SNAPSHOT, Backup, RestoreSite, list_names, read_keys, replace

FIRST = b"first".ljust(65536, b".")
Damage = Callable[[Path], object]


@pytest.fixture
def site(tmp_path: Path) -> RestoreSite:
    return RestoreSite(tmp_path / "site")


@pytest.fixture
def backup(site: RestoreSite) -> Backup:
    vmx = site.host.add_vm("web", disks=[FIRST, FIRST])
    return site.back_up(vmx, has_saved=False)


def cut(name: str, size_bytes: int) -> Damage:
    return lambda folder: os.truncate(folder / name, size_bytes)


def unlink(name: str) -> Damage:
    return lambda folder: (folder / name).unlink()


def write(name: str, content: bytes) -> Damage:
    return lambda folder: (folder / name).write_bytes(content)


def edit(name: str, pattern: str, text: str) -> Damage:
    def change(folder: Path) -> None:
        before = (folder / name).read_text()
        after, count = re.subn(pattern, text, before)
        assert count
        (folder / name).write_text(after)

    return change


def link(name: str, target: str) -> Damage:
    def change(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target)

    return change


def make_pipe(name: str) -> Damage:
    def change(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        os.mkfifo(folder / name)

    return change


def make_folder(name: str) -> Damage:
    def change(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name).mkdir()

    return change


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (cut("web-flat.vmdk", 65535), ["web-flat.vmdk has 65535 bytes, expected 65536"]),
        (cut("web-flat.vmdk", 0), ["web-flat.vmdk has 0 bytes"]),
        (cut("web-flat.vmdk", 65537), ["web-flat.vmdk has 65537 bytes"]),
        (unlink("web_1-flat.vmdk"), ["disk scsi0:1: ", "web_1-flat.vmdk is missing"]),
        (unlink("web_1.vmdk"), ["disk scsi0:1: ", "web_1.vmdk"]),
        (write("web.vmdk", b""), ["web.vmdk is not a VMDK descriptor"]),
        (write("web.vmdk", b"KDMV" + bytes(512)), ["web.vmdk is not a VMDK descriptor"]),
        (write("web.vmdk", b"\0" * 300_000), ["web.vmdk"]),
        (
            edit("web.vmdk", "parentCID=.*", 'parentCID=1\nparentFileNameHint="web-000001.vmdk"'),
            ["runs in a circle", "web-000001.vmdk comes twice"],
        ),
        (
            edit("web-000001.vmdk", 'Hint="web.vmdk', 'Hint="web-000001.vmdk'),
            ["runs in a circle"],
        ),
        (edit("web-000001.vmdk", "parentFileNameHint=.*\n", ""), ["does not name it"]),
        (edit("web-000001.vmdk", 'Hint="web', 'Hint="../x/web'), ["leads elsewhere by '..'"]),
        (edit("web.vmdk", '"web-flat', '"/etc/web-flat'), ["'/etc/web-flat.vmdk'", "leads out"]),
        (edit("web.vmdk", '"web-flat', '"../web-flat'), ["'../web-flat.vmdk'", "leads out"]),
        (edit("web.vmdk", '"web-flat.vmdk', '"..'), ["is missing"]),
        (edit("web.vmdk", "RW 128", "RW 99999999999999"), ["web.vmdk", "sectors"]),
        (edit("web.vmx", "web-000001", "../../other/web-000001"), ["leads elsewhere by '..'"]),
        (edit("web.vmx", "web-000001.vmdk", "/etc/passwd"), ["/etc/passwd is not a VMDK"]),
        (edit("web.vmx", '"web-000001.vmdk"', '""'), ["disk scsi0:0: "]),
        (edit("web.vmx", 'displayName = ".*', 'displayName = "a"\ndisplayName = "b"'), ["several"]),
        (edit("web.vmx", 'memsize = ".*|nvram = "', 'what is this?\nnvram = "'), ["line 5"]),
        (write("web.vmx", b"\0\1\2" * 99), ["web.vmx is not a .vmx"]),
        (write("web.vmx", b""), ["web.vmx is not a .vmx"]),
        (write("web.vmx", b"hello\n"), ["web.vmx is not a .vmx"]),
        (write("web.vmx", b'displayName = "x"\n' + b"#" * 2**20), ["web.vmx is not a .vmx"]),
        (write("web.vmx", b'displayName = "x"\n'), ["names no disk"]),
        (link("web-flat.vmdk", "/etc/passwd"), ["web-flat.vmdk is no file but a link"]),
        (link("web-flat.vmdk", "/dev/zero"), ["web-flat.vmdk is no file but a link"]),
        (link("web.vmdk", "web_1.vmdk"), ["web.vmdk"]),
        (link("web.vmx", "/etc/passwd"), ["web.vmx is no file but a link"]),
        (link("web.vmx.hlb", "web.vmx"), ["web.vmx.hlb is no file but a link"]),
        (link(KEPT, "/tmp"), [f"{KEPT} is no folder but a link"]),
        (write(KEPT, b""), [f"{KEPT} is no folder but a link or a file"]),
        (make_pipe("web-flat.vmdk"), ["web-flat.vmdk is no file"]),
        (make_pipe("web.vmdk"), ["web.vmdk"]),
        (make_pipe("web.vmx"), ["web.vmx"]),
        (make_pipe("web.vmsd"), ["web.vmsd"]),
        (make_folder("web-flat.vmdk"), ["web-flat.vmdk"]),
    ],
)
def test_what_is_not_whole_is_refused_by_name(
    site: RestoreSite, backup: Backup, damage: Damage, words: list[str]
) -> None:
    folder = backup.put_back()
    damage(folder)
    said = site.refuse(folder)
    for word in words:
        assert word in said


def test_all_reasons_are_given_at_once(site: RestoreSite, backup: Backup) -> None:
    folder = backup.put_back()
    cut("web-flat.vmdk", 5)(folder)
    unlink("web_1-flat.vmdk")(folder)
    edit("web.vmx", 'nvram = "', 'nvram = "a"\nnvram = "')(folder)
    said = site.refuse(folder)
    assert "cannot be restored as it is; nothing was changed" in said
    assert "web-flat.vmdk has 5 bytes" in said
    assert "web_1-flat.vmdk is missing" in said
    assert "several values for nvram" in said


def test_a_device_for_a_disks_data_is_refused(site: RestoreSite, backup: Backup) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root makes devices")
    folder = backup.put_back()
    (folder / "web-flat.vmdk").unlink()
    os.mknod(folder / "web-flat.vmdk", 0o600 | 0o060000, os.makedev(7, 200))
    assert "web-flat.vmdk is no file but a link or a device" in site.refuse(folder)


def test_a_chain_without_end_is_refused(site: RestoreSite, backup: Backup) -> None:
    folder = backup.put_back()
    for number in range(2, 40):
        text = (folder / "web-000001.vmdk").read_text()
        text = text.replace('Hint="web.vmdk"', f'Hint="web-0000{number + 1:02}.vmdk"')
        (folder / f"web-0000{number:02}.vmdk").write_text(text)
    edit("web-000001.vmdk", 'Hint="web', 'Hint="web-000002')(folder)
    assert "is too long" in site.refuse(folder)


@pytest.mark.parametrize("options", [("--disk", "scsi0:9=/x"), ("--without-disk", "scsi0:9")])
def test_a_disk_that_the_vm_has_not_is_a_mistake(
    site: RestoreSite, backup: Backup, options: tuple[str, ...]
) -> None:
    said = site.refuse(backup.put_back(), *options, exit_code=2)
    assert "the VM has no disk scsi0:9" in said
    assert "its disks are: scsi0:0, scsi0:1" in said


@pytest.mark.parametrize(
    "options",
    [
        ("--disk", "scsi0:1"),
        ("--disk", "web=/x"),
        ("--without-disk", "web_1.vmdk"),
        ("--uuid", "maybe"),
        ("--network", "none"),
        ("--name", ""),
        ("--name", "  "),
        ("--name", "a\nb"),
        ("--name", "a\x1b[0m"),
    ],
)
def test_an_option_that_cannot_be_is_a_mistake(
    site: RestoreSite, backup: Backup, options: tuple[str, ...]
) -> None:
    site.refuse(backup.put_back(), *options, exit_code=2)


@pytest.mark.parametrize("name", ["web-flat.vmdk", "web-000001.vmdk", "none.vmdk", "web.vmx"])
def test_a_place_that_is_no_base_is_refused(site: RestoreSite, backup: Backup, name: str) -> None:
    folder = backup.put_back()
    if name == "web-000001.vmdk":
        (folder / "web.vmdk").unlink()
    assert "disk scsi0:0: " in site.refuse(folder, "--disk", f"scsi0:0={folder}/{name}")


@pytest.mark.parametrize("kind", ["missing", "file", "empty"])
def test_a_folder_that_holds_no_vm_is_a_mistake(
    site: RestoreSite, tmp_path: Path, kind: str
) -> None:
    folder = tmp_path / "a folder"
    if kind == "file":
        folder.write_bytes(b"")
    if kind == "empty":
        folder.mkdir()
    words = site.refuse(folder, exit_code=2)
    assert ("has no .vmx" if kind == "empty" else "is no folder") in words


# -- disks of another moment than the backup's


def back_up_with_foreign(site: RestoreSite, *, is_below: bool) -> Backup:
    vmx = site.host.add_vm("web", disks=[FIRST])
    first, second = ("before patches", OUR_SNAPSHOT) if is_below else (OUR_SNAPSHOT, "by hand")
    site.host.take_admin_snapshot(vmx, first)
    return site.back_up(vmx, snapshot=second, has_saved=is_below, has_claim=is_below)


def test_the_base_of_somebody_elses_snapshot_is_not_the_backup(site: RestoreSite) -> None:
    folder = back_up_with_foreign(site, is_below=True).put_back()
    words = site.refuse(folder)
    assert "web.vmdk is the disk as of the snapshot 'before patches'" in words
    assert "--drop-snapshots" in words
    site.restore(folder, "--drop-snapshots")
    assert read_keys(folder / "web.vmx")["scsi0:0.filename"] == "web.vmdk"


def test_a_later_snapshot_of_somebodys_does_not_hide_ours(site: RestoreSite) -> None:
    folder = back_up_with_foreign(site, is_below=False).put_back()
    site.restore(folder, "--uuid", "keep")
    assert read_keys(folder / "web.vmx")["scsi0:0.filename"] == "web.vmdk"


def test_a_list_of_snapshots_that_cannot_be_read_decides_nothing(
    site: RestoreSite, backup: Backup
) -> None:
    folder = backup.put_back()
    write("web.vmsd", b'snapshot0.uid = "1"\n')(folder)
    assert "whose snapshot froze" in site.refuse(folder)
    site.restore(folder, "--drop-snapshots")


def test_a_delta_with_its_data_is_not_dropped_without_evidence(site: RestoreSite) -> None:
    vmx = site.host.add_vm("web", disks=[FIRST])
    backup = site.back_up(vmx, has_saved=False, has_claim=False).drop("web.vmsd")
    backup.files[backup.folder / "web-000001-delta.vmdk"] = b"COWD".ljust(24576, b"\0")
    folder = backup.put_back()
    assert "web-000001.vmdk has its data with it" in site.refuse(folder)
    site.restore(folder, "--drop-snapshots")
    assert "web-000001-delta.vmdk" in list_names(folder / KEPT)


# -- what no backup behind a snapshot holds


def test_an_independent_disk_that_did_not_come_is_said_by_name(site: RestoreSite) -> None:
    vmx = site.host.add_vm("web", disks=[FIRST, FIRST], independent={1})
    folder = site.back_up(vmx).drop("web_1-flat.vmdk", "web_1.vmdk").put_back()
    words = site.refuse(folder)
    assert "disk scsi0:1: " in words
    assert "it is independent, no snapshot covers it" in words
    site.restore(folder, "--without-disk", "SCSI0:1")
    assert read_keys(folder / "web.vmx")["scsi0:1.present"] == "FALSE"


def test_an_independent_disk_that_came_is_used(site: RestoreSite) -> None:
    vmx = site.host.add_vm("web", disks=[FIRST, FIRST], independent={1})
    folder = site.back_up(vmx, has_saved=False).put_back()
    site.restore(folder)
    assert read_keys(folder / "web.vmx")["scsi0:1.filename"] == "web_1.vmdk"


@pytest.mark.parametrize("kind", ["virtual", "physical"])
def test_a_raw_mapping_is_said_by_name(site: RestoreSite, tmp_path: Path, kind: str) -> None:
    vmx = site.host.add_vm("web", disks=[FIRST, FIRST], raw_devices={1: kind})  # type: ignore[dict-item]  # a parameter
    backup = site.back_up(vmx)
    copy = backup.put_back(tmp_path / "copy")
    words = site.refuse(copy, "--uuid", "create")
    assert "disk scsi0:1: " in words
    assert "is a raw device mapping: its data is on a LUN" in words
    site.restore(copy, "--uuid", "create", "--without-disk", "scsi0:1")
    outcome = site.restore(backup.put_back())
    assert "disk scsi0:1 is a raw device mapping" in outcome.stdout


def test_a_key_of_any_case_is_found(site: RestoreSite, backup: Backup) -> None:
    backup.change("web.vmx", lambda data: data.replace(b"fileName", b"FILENAME"))
    backup.change("web.vmx", replace("sched.swap.derivedName", "SCHED.SWAP.derivedname"))
    folder = backup.put_back()
    site.restore(folder)
    text = (folder / "web.vmx").read_text()
    assert 'scsi0:0.FILENAME = "web.vmdk"' in text
    assert "derivedname" not in text
