"""A VM as its own files show it, on the files of an emulated host."""

import os
import shutil
from pathlib import Path

import esx
import pytest
from effects_kit import record_disks_of

from hlb_hooks.base.errors import VmFileError
from hlb_hooks.effects.base_disks import find_changed_base, read_status, record_disks
from hlb_hooks.effects.claims import Claim, take_claim
from hlb_hooks.effects.vm_files import datastore_of, read_vm, read_vmx, working_folder
from hlb_hooks.vmfiles.chain import read_chain


@pytest.fixture
def host(tmp_path: Path) -> esx.Host:
    return esx.Host.create(tmp_path / "esx")


def edit(vmx: str, key: str, value: str) -> None:
    config = esx.Vmx(Path(vmx))
    config.set(key, value)
    config.save()


@pytest.mark.parametrize("directory", [*esx.ODD_NAMES[:3], "a b", "zażółć", b"\xff\xfe"])
def test_a_vm_without_snapshots_is_read(host: esx.Host, directory: str | bytes) -> None:
    vmx = host.add_vm(directory)
    facts = read_vm(vmx)
    assert facts.vmx_path == vmx
    assert facts.vmx_data == Path(vmx).read_bytes()
    assert facts.snapshot_names == ()
    assert facts.claim is None
    assert not facts.is_template
    base = str(Path(vmx).with_suffix(".vmdk"))
    assert facts.chains == {"scsi0:0": (base,)}
    assert facts.folders == (os.path.dirname(vmx),)


@pytest.mark.parametrize("display_name", ["web", "store\nroom", "it's", 'a"b|c', "zażółć"])
def test_a_vm_goes_by_its_display_name(host: esx.Host, display_name: str) -> None:
    assert read_vm(host.add_vm("folder", display_name=display_name)).name == display_name


def test_a_vm_without_display_name_goes_by_its_folder(host: esx.Host) -> None:
    vmx = host.add_vm("folder")
    edit(vmx, "displayName", "")
    assert read_vm(vmx).name == "folder"


@pytest.mark.parametrize("vmsd", [b"", None, b'.encoding = "UTF-8"\nsnapshot.lastUID = "3"\n'])
def test_every_way_to_have_no_snapshot_is_one(host: esx.Host, vmsd: bytes | None) -> None:
    assert read_vm(host.add_vm("a", vmsd=vmsd)).snapshot_names == ()


def test_snapshots_are_named_in_their_order_with_their_deltas(host: esx.Host) -> None:
    vmx = host.add_vm("a", disks=[b"x" * 1024, b"y" * 512])
    host.take_admin_snapshot(vmx, "before upgrade")
    host.take_admin_snapshot(vmx, "HLB-x")
    facts = read_vm(vmx)
    assert facts.snapshot_names == ("before upgrade", "HLB-x")
    assert {node: len(chain) for node, chain in facts.chains.items()} == {
        "scsi0:0": 3,
        "scsi0:1": 3,
    }
    expected = tuple(str(path) for path in host.disk_chain(vmx, "scsi0:1"))
    assert facts.chains["scsi0:1"] == expected


@pytest.mark.parametrize("aftermath", ["counter", "zero", "empty", "absent"])
def test_after_the_last_snapshot_there_is_none(host: esx.Host, aftermath: str) -> None:
    host.configure(vmsd_after_removal=aftermath)
    vmx = host.add_vm("a")
    before = read_vm(vmx).chains
    host.take_admin_snapshot(vmx, "x")
    host.remove_admin_snapshots(vmx)
    facts = read_vm(vmx)
    assert (facts.snapshot_names, facts.chains) == ((), before)


def test_a_list_of_snapshots_that_was_cut_short_is_never_none(host: esx.Host) -> None:
    vmx = host.add_vm("a")
    host.take_admin_snapshot(vmx, "x")
    path = Path(vmx).with_suffix(".vmsd")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(VmFileError, match=r"a\.vmsd"):
        read_vm(vmx)


def test_a_list_of_snapshots_that_cannot_be_read_is_never_none(host: esx.Host) -> None:
    vmx = host.add_vm("a", vmsd=None)
    Path(vmx).with_suffix(".vmsd").mkdir()
    with pytest.raises(VmFileError, match=r"a\.vmsd: cannot be read: Is a directory"):
        read_vm(vmx)


@pytest.mark.parametrize(
    "spelling", ["", ".", "./", "{folder}", "{folder}/", "{folder}//", "{label}", "{label}/"]
)
def test_a_working_directory_that_is_the_vm_s_own_is_one_folder(
    host: esx.Host, spelling: str
) -> None:
    vmx = host.add_vm("a b")
    host.take_admin_snapshot(vmx, "HLB-x")
    folder = os.path.dirname(vmx)
    label = str(host.volumes / "storage1" / "a b")
    edit(vmx, "workingDir", spelling.format(folder=folder, label=label))
    facts = read_vm(vmx)
    # A name that were counted twice would look like a second snapshot, of somebody else.
    assert facts.snapshot_names == ("HLB-x",)
    assert {os.path.realpath(each) for each in facts.folders} == {folder}


@pytest.mark.parametrize("ending", ["", "/"])
def test_a_working_directory_elsewhere_is_looked_into_too(host: esx.Host, ending: str) -> None:
    vmx = host.add_vm("a")
    elsewhere = (host.volumes / "store (1)").resolve() / "a"
    elsewhere.mkdir()
    host.take_admin_snapshot(vmx, "HLB-x")
    shutil.move(Path(vmx).with_suffix(".vmsd"), elsewhere / "a.vmsd")
    edit(vmx, "workingDir", f"{elsewhere}{ending}")
    facts = read_vm(vmx)
    assert facts.snapshot_names == ("HLB-x",)
    assert facts.folders == (str(elsewhere), os.path.dirname(vmx))
    assert working_folder(vmx, facts.vmx) == str(elsewhere)


def test_a_relative_working_directory_counts_from_the_vm_s_folder(host: esx.Host) -> None:
    vmx = host.add_vm("a")
    edit(vmx, "workingDir", "snapshots")
    assert working_folder(vmx, read_vmx(vmx)) == os.path.dirname(vmx) + "/snapshots"


@pytest.mark.parametrize("hostile", ["../..", "/vmfs/../etc"])
def test_a_working_directory_that_leads_elsewhere_unseen_is_an_error(
    host: esx.Host, hostile: str
) -> None:
    vmx = host.add_vm("a")
    edit(vmx, "workingDir", hostile)
    with pytest.raises(VmFileError, match=r"\.\."):
        read_vm(vmx)


def test_a_disk_on_another_datastore_is_found_there(host: esx.Host) -> None:
    vmx = host.add_vm("a", disks=[b"x" * 512, b"y" * 512], datastores={1: "store (1)"})
    facts = read_vm(vmx)
    other = str((host.volumes / "store (1)").resolve() / "a")
    assert facts.chains["scsi0:1"] == (f"{other}/a_1.vmdk",)
    assert facts.folders == (os.path.dirname(vmx), other)


@pytest.mark.parametrize(
    ("options", "covered"),
    [
        ({}, ["scsi0:0", "scsi0:1"]),
        ({"independent": [1]}, ["scsi0:0"]),
        ({"independent": [0, 1]}, []),
        ({"raw_devices": {1: "physical"}}, ["scsi0:0"]),
        ({"raw_devices": {1: "virtual"}}, ["scsi0:0", "scsi0:1"]),
    ],
)
def test_the_disks_that_a_snapshot_covers_are_known(
    host: esx.Host, options: dict[str, object], covered: list[str]
) -> None:
    vmx = host.add_vm("a", disks=[b"x" * 512, b"y" * 512], **options)  # type: ignore[arg-type]  # a table of keywords
    facts = read_vm(vmx)
    assert [disk.disk.node for disk in facts.covered_disks] == covered
    assert [disk.node for disk in record_disks(facts)] == covered
    host.take_admin_snapshot(vmx, "x")
    chains = read_vm(vmx).chains
    assert [node for node, chain in chains.items() if len(chain) == 2] == covered


def test_what_is_recorded_names_every_data_file_and_its_size(host: esx.Host) -> None:
    vmx = host.add_vm("a", disks=[b"x" * 1024, b"y" * 512])
    first, second = record_disks_of(vmx)
    folder = os.path.dirname(vmx)
    assert first.extents == ((f"{folder}/a-flat.vmdk", 1024),)
    assert second.extents == ((f"{folder}/a_1-flat.vmdk", 512),)
    assert first.chain == (f"{folder}/a.vmdk",)
    base = read_chain(lambda path: Path(path).read_bytes(), first.chain[0]).base
    assert first.top_cid == base.descriptor.cid


def hang_on_parent(host: esx.Host, vmx: str, parent_folder: Path) -> None:
    """Put the VM's disk on a delta beside its .vmx, with its base moved to another folder."""
    base = Path(vmx).with_suffix(".vmdk")
    delta = esx.create_delta(base)
    parent_folder.mkdir(exist_ok=True)
    for path in (base, base.with_name(f"{base.stem}-flat.vmdk")):
        path.rename(parent_folder / path.name)
    text = delta.read_text("utf-8")
    parent = parent_folder / base.name
    delta.write_text(text.replace(f'Hint="{base.name}"', f'Hint="{parent}"'), "utf-8")
    edit(vmx, "scsi0:0.fileName", delta.name)


@pytest.mark.parametrize(
    ("beside_the_parent", "is_linked_clone"),
    [
        ("other.vmx", True),
        ("other.vmtx", True),
        ("OTHER.VMX", True),
        ("other.vmxf", False),
        ("other.vmsd", False),
        ("other.vmx.hlb", False),
    ],
)
def test_a_delta_on_a_disk_of_another_vm_is_a_linked_clone(
    host: esx.Host, beside_the_parent: str, *, is_linked_clone: bool
) -> None:
    vmx = host.add_vm("a")
    parent_folder = (host.volumes / "store (1)").resolve() / "a"
    hang_on_parent(host, vmx, parent_folder)
    (parent_folder / beside_the_parent).touch()
    [disk] = read_vm(vmx).disks
    assert disk.chain.is_delta
    assert disk.is_linked_clone is is_linked_clone


def test_a_disk_without_a_delta_is_no_linked_clone_wherever_it_lies(host: esx.Host) -> None:
    vmx = host.add_vm("a", datastores={0: "store (1)"})
    (host.disk_chain(vmx)[0].parent / "other.vmx").touch()
    assert [disk.is_linked_clone for disk in read_vm(vmx).disks] == [False]


def test_a_parent_in_the_vm_s_own_folder_by_another_name_is_its_own(host: esx.Host) -> None:
    vmx = host.add_vm("a")
    delta = esx.create_delta(Path(vmx).with_suffix(".vmdk"))
    by_label = host.volumes / "storage1" / "a" / "a.vmdk"
    text = delta.read_text("utf-8").replace('Hint="a.vmdk"', f'Hint="{by_label}"')
    delta.write_text(text, "utf-8")
    edit(vmx, "scsi0:0.fileName", delta.name)
    [disk] = read_vm(vmx).disks
    assert disk.chain.paths == (str(delta), str(by_label))
    assert not disk.is_linked_clone


def test_a_template_is_one_by_its_file(host: esx.Host) -> None:
    facts = read_vm(host.add_vm("t", template=True))
    assert facts.is_template
    assert list(facts.chains) == ["scsi0:0"]


def test_a_claim_beside_the_vm_is_seen(host: esx.Host) -> None:
    vmx = host.add_vm("a")
    take_claim(vmx, Claim("h", "b", "r", "s"), b"x", None)
    claim = read_vm(vmx).claim
    assert claim is not None
    assert claim.run == "r"


@pytest.mark.parametrize("missing", ["a.vmx", "a.vmdk"])
def test_a_missing_file_is_named(host: esx.Host, missing: str) -> None:
    vmx = host.add_vm("a")
    Path(vmx).with_name(missing).unlink()
    with pytest.raises(VmFileError, match="cannot be read: No such file") as caught:
        read_vm(vmx)
    assert missing in caught.value.message
    assert caught.value.next_step


def test_a_missing_data_file_is_named_when_it_is_to_be_recorded(host: esx.Host) -> None:
    vmx = host.add_vm("a")
    Path(vmx).with_name("a-flat.vmdk").unlink()
    with pytest.raises(VmFileError, match=r"a-flat\.vmdk: a disk's data file cannot be found"):
        record_disks(read_vm(vmx))
    with pytest.raises(VmFileError):
        read_status(str(Path(vmx).with_name("a-flat.vmdk")))


def test_a_vmx_that_is_just_being_replaced_is_waited_for(host: esx.Host) -> None:
    from threading import Timer

    vmx = Path(host.add_vm("a"))
    away = vmx.with_name("away")
    vmx.rename(away)
    back = Timer(0.06, lambda: away.rename(vmx))
    back.start()
    assert read_vm(str(vmx)).name == "a"
    back.join()


def test_a_claim_that_cannot_be_read_is_somebodys_and_the_vm_can_be_looked_at(
    host: esx.Host,
) -> None:
    vmx = host.add_vm("a")
    os.mkfifo(Path(vmx).with_name("a.hlb-claim"))
    assert read_vm(vmx).claim == Claim()


@pytest.mark.parametrize("name", ["a.vmx", "a.vmdk", "a.vmsd"])
def test_a_pipe_in_a_file_s_place_holds_nobody_up(host: esx.Host, name: str) -> None:
    path = Path(host.add_vm("a")).with_name(name)
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    with pytest.raises(VmFileError, match="not a regular file"):
        read_vm(str(path.with_name("a.vmx")))


@pytest.mark.parametrize("content", [b"", b"\0" * 4096, b"\xff\xfe\xfd", b"# nothing\n"])
def test_a_vmx_that_is_none_is_an_error(host: esx.Host, content: bytes) -> None:
    vmx = host.add_vm("a")
    Path(vmx).write_bytes(content)
    with pytest.raises(VmFileError, match=r"a\.vmx"):
        read_vm(vmx)


def test_a_huge_vmx_is_not_read_into_memory(host: esx.Host) -> None:
    vmx = host.add_vm("a")
    os.truncate(vmx, 1 << 34)
    with pytest.raises(VmFileError, match=r"a\.vmx"):
        read_vm(vmx)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (None, 0),
        ("512", 512 * 1024 * 1024),
        ("", 0),
        ("-5", 0),
        ("much", 0),
        ("1.5", 0),
        ("²", 0),
        ("9" * 5000, 0),
    ],
)
def test_the_guest_s_memory_is_what_the_vmx_says(
    host: esx.Host, written: str | None, expected: int
) -> None:
    vmx = host.add_vm("a")
    if written is not None:
        edit(vmx, "memsize", written)
    assert read_vm(vmx).memory_bytes == expected


def test_a_base_that_nobody_wrote_to_has_not_changed(host: esx.Host) -> None:
    vmx = host.add_vm("a", disks=[b"x" * 1024, b"y" * 512])
    recorded = record_disks_of(vmx)
    assert find_changed_base(recorded, read_vm(vmx)) == ""
    host.take_admin_snapshot(vmx, "HLB-x")
    host.write_guest(vmx, "scsi0:0", 0, b"new")
    assert find_changed_base(recorded, read_vm(vmx)) == ""


def test_a_base_that_grew_has_changed(host: esx.Host) -> None:
    vmx = host.add_vm("a", disks=[b"x" * 1024, b"y" * 512])
    recorded = record_disks_of(vmx)
    host.take_admin_snapshot(vmx, "HLB-x")
    flat = Path(vmx).with_name("a_1-flat.vmdk")
    os.truncate(flat, 1024)
    assert find_changed_base(recorded, read_vm(vmx)) == str(flat)


def test_a_base_that_was_merged_into_has_changed(host: esx.Host) -> None:
    vmx = host.add_vm("a")
    recorded = record_disks_of(vmx)
    host.take_admin_snapshot(vmx, "HLB-x")
    host.write_guest(vmx, "scsi0:0", 0, b"new")
    host.remove_admin_snapshots(vmx)
    host.take_admin_snapshot(vmx, "other")
    assert find_changed_base(recorded, read_vm(vmx)) == str(Path(vmx).with_suffix(".vmdk"))


def test_a_disk_that_left_the_vm_is_not_compared(host: esx.Host) -> None:
    vmx = host.add_vm("a", disks=[b"x" * 1024, b"y" * 512])
    recorded = record_disks_of(vmx)
    edit(vmx, "scsi0:1.present", "FALSE")
    assert find_changed_base(recorded, read_vm(vmx)) == ""


def test_a_datastore_is_known_by_any_of_its_names(host: esx.Host) -> None:
    for label in ("storage1", "store (1)"):
        real = str((host.volumes / label).resolve())
        assert datastore_of(f"{host.volumes}/{label}/a/a.vmx") == real
        assert datastore_of(f"{real}/a/a.vmx") == real
        assert datastore_of(f"{real}/") == real
        assert datastore_of(f"{host.volumes}/{label}/a b/c/d.vmdk") == real


def test_a_path_elsewhere_is_on_the_folder_above_the_vm_s() -> None:
    assert datastore_of("/mnt/nfs/a/a.vmx") == "/mnt/nfs"
