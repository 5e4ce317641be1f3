"""Which datastores our deltas endanger, and whose VMs are on them."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hlb_hooks.base.config import Config
from hlb_hooks.effects.disk_space import DiskSpace
from hlb_hooks.effects.owner import ProcessOwner
from hlb_hooks.effects.processes import ProcessIdentity
from hlb_hooks.effects.records import Flag, make_record
from hlb_hooks.effects.run_story import Run
from hlb_hooks.effects.vm_story import VmStory, encode_disks
from hlb_hooks.steps.emergency import find_short_of_space, list_datastores
from hlb_hooks.vmfiles.sighting import RecordedDisk

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
FULL, ROOMY = "/vmfs/volumes/full", "/vmfs/volumes/roomy"


def begin_run(limit_percent: int = 3) -> Run:
    config = Config("/x")
    snapshot = replace(config.snapshot, emergency_free_percent=limit_percent)
    owner = ProcessOwner(ProcessIdentity(1, 1, "boot"), "avtar")
    return Run("r", "gold", "esx1", "boot", NOW, owner, replace(config, snapshot=snapshot))


def open_vm(run: Run, vmx: str, *chains: tuple[str, ...], snapshot: str = "HLB-1") -> VmStory:
    """Let a run have a snapshot of a VM whose disks are on these chains."""
    disks = [
        RecordedDisk(f"scsi0:{number}", chain, "0123abcd", ())
        for number, chain in enumerate(chains)
    ]
    intent = {"snapshot": snapshot, "disks": encode_disks(disks)}
    run.apply(make_record(Flag.INTENT_SNAP, vmx, **intent))
    run.apply(make_record(Flag.OK_SNAP, vmx, snapshot=snapshot))
    return run.vms[vmx]


def set_room(
    monkeypatch: pytest.MonkeyPatch, rooms: dict[str, DiskSpace | None], asked: list[str]
) -> None:
    def read(folder: str) -> DiskSpace | None:
        asked.append(folder)
        return rooms.get(folder, DiskSpace(100, 100))

    monkeypatch.setattr("hlb_hooks.steps.emergency.read_disk_space", read)


@pytest.mark.parametrize(
    ("free_bytes", "total_bytes", "limit_percent", "is_short"),
    [
        (2, 100, 3, True),
        (3, 100, 3, False),
        (29_999, 1_000_000, 3, True),
        (30_000, 1_000_000, 3, False),
        (0, 100, 1, True),
        (0, 100, 3, True),
        (99, 100, 100, True),
        (100, 100, 100, False),
        # A limit of 0 means never.
        (0, 100, 0, False),
    ],
)
def test_a_datastore_is_short_below_its_limit(
    monkeypatch: pytest.MonkeyPatch,
    free_bytes: int,
    total_bytes: int,
    limit_percent: int,
    *,
    is_short: bool,
) -> None:
    run = begin_run(limit_percent)
    vm = open_vm(run, f"{FULL}/a/a.vmx", (f"{FULL}/a/a.vmdk",))
    asked: list[str] = []
    set_room(monkeypatch, {FULL: DiskSpace(total_bytes, free_bytes)}, asked)
    assert find_short_of_space(run) == ([vm] if is_short else [])
    assert asked == ([FULL] if limit_percent else [])


def test_where_the_room_cannot_be_known_there_is_no_emergency(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = begin_run(100)
    open_vm(run, f"{FULL}/a/a.vmx", (f"{FULL}/a/a.vmdk",))
    set_room(monkeypatch, {FULL: None}, [])
    assert find_short_of_space(run) == []


@pytest.mark.parametrize(
    ("vmx", "chains", "datastores"),
    [
        (f"{ROOMY}/a/a.vmx", [(f"{ROOMY}/a/a.vmdk",)], {ROOMY}),
        # A delta may lie beside the .vmx or beside its disk: both count.
        (f"{FULL}/a/a.vmx", [(f"{ROOMY}/a/a.vmdk",)], {FULL, ROOMY}),
        (f"{ROOMY}/a/a.vmx", [(f"{ROOMY}/a/a.vmdk",), (f"{FULL}/a/b.vmdk",)], {FULL, ROOMY}),
        # The disk of a clone's parent grows no more.
        (
            f"{ROOMY}/c/c.vmx",
            [(f"{ROOMY}/c/c-000001.vmdk", f"{FULL}/parent/parent.vmdk")],
            {ROOMY},
        ),
        ("/mnt/nfs/a/a.vmx", [("/mnt/nfs/a/a.vmdk",)], {"/mnt/nfs"}),
        (f"{ROOMY}/a/a.vmx", [], {ROOMY}),
    ],
)
def test_a_vm_is_in_danger_on_each_datastore_that_may_hold_its_deltas(
    monkeypatch: pytest.MonkeyPatch,
    vmx: str,
    chains: list[tuple[str, ...]],
    datastores: set[str],
) -> None:
    run = begin_run()
    vm = open_vm(run, vmx, *chains)
    assert list_datastores(vm) == datastores
    set_room(monkeypatch, {FULL: DiskSpace(100, 1)}, [])
    assert find_short_of_space(run) == ([vm] if FULL in datastores else [])


def test_a_datastore_by_its_label_is_the_same_one(tmp_path: Path) -> None:
    volumes = tmp_path / "vmfs" / "volumes"
    (volumes / "4a3b-uuid").mkdir(parents=True)
    (volumes / "storage1").symlink_to("4a3b-uuid")
    real = volumes.resolve() / "4a3b-uuid"
    vm = open_vm(begin_run(), f"{volumes}/storage1/a/a.vmx", (f"{real}/a/a.vmdk",))
    assert list_datastores(vm) == {str(real)}


def test_every_attempt_at_a_vm_counts() -> None:
    run = begin_run()
    vmx = f"{ROOMY}/a/a.vmx"
    open_vm(run, vmx, (f"{FULL}/a/a.vmdk",), snapshot="HLB-1")
    vm = open_vm(run, vmx, (f"{ROOMY}/a/a.vmdk",), snapshot="HLB-2")
    assert list_datastores(vm) == {FULL, ROOMY}


def test_only_vms_with_something_open_on_a_short_datastore_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = begin_run()
    open_vm(run, f"{ROOMY}/safe/safe.vmx", (f"{ROOMY}/safe/safe.vmdk",))
    first = open_vm(run, f"{FULL}/a/a.vmx", (f"{FULL}/a/a.vmdk",))
    closed = open_vm(run, f"{FULL}/b/b.vmx", (f"{FULL}/b/b.vmdk",))
    run.apply(make_record(Flag.OK_UMOUNT, closed.vmx, snapshot="HLB-1"))
    run.apply(make_record(Flag.READABLE, f"{FULL}/t/t.vmtx"))
    second = open_vm(run, f"{FULL}/c/c.vmx", (f"{FULL}/c/c.vmdk",))
    set_room(monkeypatch, {FULL: DiskSpace(100, 1)}, [])
    assert find_short_of_space(run) == [first, second]
