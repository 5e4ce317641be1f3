"""What a dataset leaves out: what is locked or useless, and never a file that a restore wants."""

from pathlib import Path

import esx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlb_hooks.decisions.dataset_plan import (
    EXCLUDES,
    is_excluded,
    is_writable,
    list_needed_files,
    plan_dataset,
)
from hlb_hooks.effects.vm_files import read_vm
from hlb_hooks.lab.client.dataset import Dataset as Reading

VOLUMES = "/vmfs/volumes"
STORE = "/vmfs/volumes/4a9b8a6e"
OURS = "HLB-gold-20261122T010000Z-0123abcd"


def reads(path: str, dataset_of: list[str]) -> bool:
    """Tell whether the lab's avtar, which has a matcher of its own, would read ``path``."""
    dataset = plan_dataset("gold", dataset_of, names_folders=False)
    reading = Reading((), dataset.excludes, dataset.includes)
    return reading.is_wanted(Path(path), Path(VOLUMES))


@pytest.mark.parametrize(
    ("name", "is_read"),
    [
        # What a restore goes by.
        *((name, True) for name in ("vm.vmx", "vm.vmxf", "vm.vmtx", "vm.nvram", "vm.vmsd")),
        *((name, True) for name in ("vm.vmx.hlb", "vm.hlb-claim", "vm-000001.vmdk", "vm.vmss")),
        *((name, True) for name in ("vm.vmdk", "vm-flat.vmdk", "vm_1-flat.vmdk", "vm-rdm.vmdk")),
        # Base disks whose names come near to those of a snapshot.
        *((name, True) for name in ("web-1-flat.vmdk", "web-2009.vmdk", "web-123456.vmdk")),
        *((name, True) for name in ("web-123456-flat.vmdk", "web-server-delta.vmdk")),
        *((name, True) for name in ("vm-delta.vmdk", "vm-12345-delta.vmdk")),
        *((name, True) for name in ("vm-1234567-delta.vmdk", "vm-00001a-delta.vmdk")),
        # What is locked or useless.
        *((name, False) for name in ("vm-000001-delta.vmdk", "vm_1-000012-delta.vmdk")),
        *((name, False) for name in ("vm-000001-sesparse.vmdk", "it's (1)-000001-delta.vmdk")),
        *((name, False) for name in ("vm.vswp", "vm-0264bf9d.vswp", "vmx-vm-1-1.vswp")),
        *((name, False) for name in ("vm-ctk.vmdk", "vm-000001-ctk.vmdk", "vm-Snapshot1.vmsn")),
        *((name, False) for name in ("vm-Snapshot12.vmem", "vm.vmx.lck", ".lck-3409000000000000")),
    ],
)
def test_a_file_is_read_or_left_out_by_its_name(name: str, *, is_read: bool) -> None:
    path = f"{STORE}/vm/{name}"
    assert reads(path, []) is is_read
    assert is_excluded(path, [VOLUMES], EXCLUDES) is not is_read


@pytest.mark.parametrize("name", [".fbb.sf", ".fdc.sf", ".pbc.sf", ".sbc.sf", ".vh.sf", ".pb2.sf"])
def test_the_files_of_the_file_system_itself_are_left_out(name: str) -> None:
    assert not reads(f"{STORE}/{name}", [])


@pytest.mark.parametrize(
    "path",
    [
        f"{STORE}/store-000001-delta/store-000001-delta.vmdk",
        f"{STORE}/x-ctk/x-ctk.vmdk",
        f"{STORE}/door.lck/door.lck-flat.vmdk",
        f"{STORE}/a [b] {{c}} *?#/a [b] {{c}} *?#-ctk.vmdk",
        f"{STORE}/two\nlines/two\nlines-ctk.vmdk",
        f"{STORE}/\udcffoo/\udcffoo-ctk.vmdk",
    ],
)
def test_a_disk_that_is_called_like_a_snapshots_file_is_added_back(path: str) -> None:
    assert not reads(path, [])
    assert reads(path, [path])
    dataset = plan_dataset("gold", [path], names_folders=False)
    assert dataset.rescued == (path,)
    assert all(is_writable(pattern) for pattern in dataset.includes)


def test_an_inclusion_is_for_its_own_file_alone() -> None:
    rescued = f"{STORE}/x-ctk/x-ctk.vmdk"
    assert not reads(f"{STORE}/y/y-ctk.vmdk", [rescued])
    assert not reads(f"{STORE}/x-ctk/x-ctk-000001-delta.vmdk", [rescued])


@given(
    st.lists(
        st.text(st.characters(exclude_characters="/\0", exclude_categories=()), min_size=1).filter(
            lambda name: name not in {".", ".."}
        ),
        min_size=2,
        max_size=3,
    ),
    st.sampled_from(["", "-000001-delta.vmdk", "-ctk.vmdk", ".vswp", ".lck"]),
)
def test_whatever_a_vm_is_called_its_files_are_read(names: list[str], ending: str) -> None:
    path = f"{STORE}/{'/'.join(names)}{ending}"
    assert reads(path, [path])


def test_the_folders_that_lead_to_the_datastores_exclude_nothing() -> None:
    path = "/srv/a.lck/vmfs/volumes/4a9b/vm/vm-flat.vmdk"
    assert plan_dataset("gold", [path], names_folders=False).rescued == ()


def test_without_any_vm_the_source_is_the_usual_one() -> None:
    dataset = plan_dataset("default", [], names_folders=False)
    assert (dataset.sources, dataset.includes) == ((VOLUMES,), ())


def test_a_disk_outside_the_datastores_is_a_source_of_its_own() -> None:
    files = [f"{STORE}/vm/vm.vmx", "/nfs/disks/vm/data.vmdk", "/nfs/disks/vm/data-flat.vmdk"]
    assert plan_dataset("gold", files, names_folders=False).sources == ("/nfs/disks/vm", VOLUMES)


def test_folders_are_named_once_and_not_inside_each_other() -> None:
    files = [f"{STORE}/{each}" for each in ("b/b.vmx", "a/a.vmx", "a/a.vmdk", "a/deep/d.vmdk")]
    dataset = plan_dataset("gold", [*files, f"{STORE}/a-b/a-b.vmx"], names_folders=True)
    assert dataset.sources == (f"{STORE}/a", f"{STORE}/a-b", f"{STORE}/b")


@pytest.mark.parametrize(
    ("job", "ending"), [("default", ""), ("gold", ".gold"), ("Se-cond_1", ".Se-cond_1")]
)
def test_the_hooks_are_those_of_the_job(job: str, ending: str) -> None:
    options = dict(plan_dataset(job, [], names_folders=False).options)
    assert options == {
        "run-at-start": f"initial_backup{ending}",
        "run-at-start-exit": "true",
        "run-at-end": f"initial_umount{ending}",
        "run-at-end-exit": "true",
    }


def test_the_flags_say_the_same_and_the_sources_come_last() -> None:
    dataset = plan_dataset("gold", [f"{STORE}/x-ctk/x-ctk.vmdk"], names_folders=False)
    assert dataset.flags[0] == "--run-at-start=initial_backup.gold"
    assert dataset.flags[-2:] == (f"--include={STORE}/x-ctk/x-ctk.vmdk", VOLUMES)
    assert "--exclude=*.vswp" in dataset.flags


def test_of_a_vm_with_a_snapshot_the_base_is_needed_and_its_delta_is_not(tmp_path: Path) -> None:
    host = esx.Host.create(tmp_path / "esx")
    vmx = host.add_vm("vm")
    bare = list_needed_files(read_vm(vmx))
    host.take_admin_snapshot(vmx, OURS)
    assert list_needed_files(read_vm(vmx)) == bare
    folder = Path(vmx).parent
    assert {f"{folder}/vm.vmx", f"{folder}/vm.vmdk", f"{folder}/vm-flat.vmdk"} <= set(bare)
    assert not any("000001" in path for path in bare)
