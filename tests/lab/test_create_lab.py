import os
import stat
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_kit import find_vm, make_lab, no_hook, run_vmware_cmd

from hlb_hooks.base.errors import UsageError
from hlb_hooks.lab.client_files import HOOK_NAMES, quote_toml
from hlb_hooks.lab.create import DATASTORES
from hlb_hooks.lab.evidence import list_lost_disks, list_open_snapshots
from hlb_hooks.lab.host.disks import read_vm_disks, read_vmx
from hlb_hooks.lab.host.registry import read_registry
from hlb_hooks.lab.layout import Lab, LabSettings, open_lab
from hlb_hooks.lab.sample_vms import ODD_VMS


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return make_lab(tmp_path_factory.mktemp("lab") / "with blank", 15)


@pytest.fixture(params=[0o000, 0o002, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    former = os.umask(request.param)
    yield request.param
    os.umask(former)


def test_the_host_knows_the_vms_in_the_order_they_were_made(lab: Lab) -> None:
    names = [vm.folder.name for vm in read_registry(lab)]
    assert names == [sample.directory for sample in ODD_VMS] + ["vm014", "vm015"]


def test_datastores_lie_under_their_uuid_and_are_linked_by_label(lab: Lab) -> None:
    for label, uuid in DATASTORES.items():
        assert (lab.volumes / label).readlink() == Path(uuid)
        assert (lab.volumes / uuid).is_dir()


def test_every_disk_is_there_at_its_full_size_and_equals_its_shadow(lab: Lab) -> None:
    for vm in read_registry(lab):
        assert list_lost_disks(lab, vm) == []
        for disk in read_vm_disks(vm):
            assert disk.data_files[-1].stat().st_size == disk.capacity_bytes


def test_the_odd_vms_are_as_odd_as_they_are_meant_to_be(lab: Lab) -> None:
    disks = {vm.folder.name: read_vm_disks(vm) for vm in read_registry(lab)}
    assert [disk.descriptor.name for disk in disks["wro215ts"]] == [
        "wro215ts.vmdk",
        "wro215ts_1.vmdk",
    ]
    assert [disk.is_covered for disk in disks["branch-scratch"]] == [True, False]
    assert [disk.has_content for disk in disks["mailstore"]] == [True, False]
    assert not disks["mailstore"][1].is_covered
    here, elsewhere = disks["branch-files"]
    assert here.descriptor.parent.parent != elsewhere.descriptor.parent.parent
    assert read_vmx(find_vm(lab, "two lines")).display_name == "two\nlines"
    assert read_vmx(find_vm(lab, "cluster-node-a")).shared_bus_controllers() == ["scsi0"]
    assert find_vm(lab, "golden").config.suffix == ".vmtx"
    assert find_vm(lab, "branch-laptop").power == "suspended"
    assert (find_vm(lab, "branch-laptop").folder / "branch-laptop.vmss").exists()


def test_only_the_administrators_snapshot_is_open(lab: Lab) -> None:
    patchday = find_vm(lab, "patchday").config
    assert list_open_snapshots(lab) == {patchday: ("before the March patches",)}


def test_the_same_seed_makes_the_same_disks(tmp_path: Path) -> None:
    first, second = (make_lab(tmp_path / name, 1) for name in ("a", "b"))
    one, two = (read_vm_disks(find_vm(lab, "wro215ts")) for lab in (first, second))
    assert one[0].data_files[0].read_bytes() == two[0].data_files[0].read_bytes()


def test_disks_have_empty_and_full_areas(lab: Lab) -> None:
    content = read_vm_disks(find_vm(lab, "wro215ts"))[0].data_files[0].read_bytes()
    blocks = [content[at : at + 4096] for at in range(0, len(content), 4096)]
    assert 100 < blocks.count(bytes(4096)) < len(blocks) / 2


def test_no_file_is_writable_for_others_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    lab = make_lab(tmp_path / "lab", 3)
    for path in (lab.folder, *lab.folder.rglob("*")):
        if not path.is_symlink():
            mode = stat.S_IMODE(path.stat().st_mode)
            assert not mode & 0o022, f"umask {umask:o}: {path} has {mode:o}"
    assert stat.S_IMODE((lab.vardir / "hlb").stat().st_mode) == 0o700
    assert os.access(lab.programs / "vmware-cmd", os.X_OK)


def test_the_configuration_points_at_the_lab(lab: Lab) -> None:
    found = tomllib.loads((lab.sysdir / "hlb/hlb.toml").read_text("utf-8"))
    assert Path(found["host"]["vmware_cmd"]) == lab.programs / "vmware-cmd"
    assert Path(found["paths"]["state_dir"]) == lab.vardir / "hlb"
    assert Path(found["jobs"]["default"]["targets"]).read_text("utf-8").count("\nwro215ts\n") == 1
    assert found["snapshot"] == {
        "min_free_percent": 0,
        "min_free_gib": 0,
        "emergency_free_percent": 0,
    }


def test_the_five_hooks_are_where_avtar_looks(lab: Lab) -> None:
    scripts = lab.sysdir / "scripts"
    assert sorted(path.name for path in scripts.iterdir()) == sorted(HOOK_NAMES)
    assert all(os.access(path, os.X_OK) for path in scripts.iterdir())


@pytest.mark.parametrize(
    "text", ["/plain", '/with "quotes"', "/back\\slash", "/tab\there", "/del\x7f", "/żółw"]
)
def test_a_quoted_path_reads_back_as_toml(text: str) -> None:
    assert tomllib.loads(f"path = {quote_toml(text)}") == {"path": text}


def test_a_folder_that_no_toml_can_name_is_refused_before_anything_is_made(
    tmp_path: Path,
) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    with pytest.raises(UsageError, match="not UTF-8"):
        make_lab(folder, 1)
    assert not folder.exists()


def test_a_folder_in_use_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("data")
    with pytest.raises(UsageError, match="already"):
        make_lab(tmp_path, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


def test_an_empty_folder_will_do(tmp_path: Path) -> None:
    assert run_vmware_cmd(make_lab(tmp_path, 1), "-l").exit_code == 0


@pytest.mark.parametrize("content", [None, "", "[]", '{"dialect": "esperanto"}', '{"x": 1}'])
def test_what_is_no_lab_is_said_to_be_none(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "lab.json").write_text(content)
    with pytest.raises(UsageError, match="is no lab"):
        open_lab(str(tmp_path))


def test_settings_survive_being_written_and_read(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    settings = LabSettings("vcli", 7, lists_templates=False, merge_pause_seconds=0.5)
    lab.write_settings(settings)
    assert open_lab(str(tmp_path)).read_settings() == settings


def test_a_hook_is_asked_for_by_name(tmp_path: Path) -> None:
    asked = []

    def render(name: str, interpreter: str) -> str:
        asked.append(name)
        return no_hook(name, interpreter)

    make_lab(tmp_path / "lab", 0, render_hook=render)
    assert asked == list(HOOK_NAMES)
