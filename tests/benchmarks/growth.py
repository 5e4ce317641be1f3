"""What grows with the number of VMs and of runs, and what does not."""

import statistics
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from figures import Figure, measure_in_turn, seconds
from free_host import FreeHost, Workshop
from overhead import STORES

from hlb_hooks.base.config import load_config
from hlb_hooks.effects.journal import Journal
from hlb_hooks.effects.owner import lease_for
from hlb_hooks.effects.records import Flag, Record, encode_record, make_record
from hlb_hooks.effects.run_digest import digest_run
from hlb_hooks.effects.run_index import IndexEntry, read_stamp, write_index
from hlb_hooks.effects.run_store import StateFolder
from hlb_hooks.effects.run_story import tell_run
from hlb_hooks.effects.state_file import read_state_file
from hlb_hooks.effects.vm_story import encode_disks
from hlb_hooks.steps.run_head import make_head
from hlb_hooks.vmfiles.sighting import RecordedDisk

MANY = 10_000
FLAGS = 300
STATUS = "from hlb_hooks.entry.hlb import main; raise SystemExit(main())"
# As much as differs between two equal measurements here.
SAME = 1.1
# What is ten times as large does not fit into a processor's caches any more.
LINEAR = 1.25


def measure_vms(
    workshop: Workshop, few: tuple[int, int], many: tuple[int, int]
) -> Iterator[Figure]:
    """Measure both hooks with few VMs and with many, as present and chosen."""
    hosts = [
        FreeHost(workshop, workshop.folder / f"growth-{present}", present, chosen, STORES)
        for present, chosen in (few, many)
    ]
    timings = [host.time_hooks() for host in hosts]
    each = [timing.seconds / len(host.chosen) for timing, host in zip(timings, hosts, strict=True)]
    counts = [f"{present:,} present, {chosen} chosen" for present, chosen in (few, many)]
    yield Figure(
        f"time for a chosen VM, commands that cost nothing, {counts[1]}; against {counts[0]}",
        seconds(each[1]),
        seconds(each[0]),
        each[1] / each[0],
        1,
    )
    memory = timings[1].memory_mib
    yield Figure(f"memory, {counts[1]}", f"{memory:.1f} MiB", "", memory, 64, "MiB")
    guard = hosts[1].guard_memory_mib
    yield Figure(f"memory of the guard, {counts[1]}", f"{guard:.1f} MiB")
    files = [next(host.state_dir.glob("*.state")) for host in hosts]
    records = [len(read_state_file(str(path)).records) for path in files]
    taken = measure_in_turn([lambda path=path: time_reading(path) for path in files], 9)
    each = [value / count for value, count in zip(taken, records, strict=True)]
    yield Figure(
        f"reading a record of a state file, {records[1]:,} records; against {records[0]:,}",
        seconds(each[1]),
        seconds(each[0]),
        each[1] / each[0],
        LINEAR,
    )


def time_reading(path: Path) -> float:
    """Read a state file, as a hook does that ends its run; give the processor's seconds."""
    started = time.process_time()
    tell_run(read_state_file(str(path)).records, str(path))
    return time.process_time() - started


def measure_flags(folder: Path) -> Iterator[Figure]:
    """Measure setting a flag in a run of few VMs, and in one of many."""
    few, many = (begin_run(folder, count) for count in (10, MANY))
    taken: dict[Journal, list[float]] = {few: [], many: []}
    for number in range(FLAGS):
        for journal, values in taken.items():
            started = time.perf_counter()
            journal.note(Flag.OK_SNAP, f"/vmfs/volumes/a/vm{number % 10}/vm.vmx", snapshot="HLB-1")
            values.append(time.perf_counter() - started)
    few_seconds, many_seconds = (statistics.median(values) for values in taken.values())
    yield Figure(
        f"setting a flag, {MANY:,} VMs; against 10",
        seconds(many_seconds),
        seconds(few_seconds),
        many_seconds / few_seconds,
        SAME,
    )


def begin_run(folder: Path, vms: int) -> Journal:
    """Begin a run in a state folder of its own."""
    config = folder / "hlb.toml"
    config.write_text("")
    config.chmod(0o600)
    head = make_head("bench", "default", lease_for(timedelta(hours=1)), load_config(str(config)))
    vmxs = (f"/vmfs/volumes/a/vm{number}/vm.vmx" for number in range(vms))
    store = StateFolder(str(folder / f"flags-{vms}"))
    with store.beginning(1):
        return store.begin("bench", [*head, *(make_record(Flag.PRESENT, vmx) for vmx in vmxs)])


def measure_status(workshop: Workshop, folder: Path, days: int, vms: int) -> Iterator[Figure]:
    """Measure `hlb status` over so many nights of so many VMs."""
    state_dir = folder / "year"
    write_nights(state_dir, days, vms)
    config = folder / "year.toml"
    config.write_text(f'[paths]\nstate_dir = "{state_dir}"\nlog_file = "{folder}/year.log"\n')
    config.chmod(0o600)
    command: list[str | Path] = [workshop.python, "-I", "-c", STATUS, "status", "--config", config]
    (taken,) = measure_in_turn([lambda: workshop.stopwatch.time(command).seconds], 5)
    what = f"`hlb status` over {days} nightly runs of {vms} VMs"
    yield Figure(what, seconds(taken), "", taken, 1, "s")


def write_nights(state_dir: Path, days: int, vms: int) -> None:
    """Write the state files of finished runs, one a night, and their index as a guard leaves it."""
    state_dir.mkdir(mode=0o700, parents=True)
    (state_dir / "empty.toml").write_text("")
    (state_dir / "empty.toml").chmod(0o600)
    config = load_config(str(state_dir / "empty.toml"))
    body = [record for number in range(vms) for record in tell_vm(number)]
    encoded = b"".join(encode_record(record) for record in [*body, make_record(Flag.ENDED)])
    digest = None
    entries = []
    for day in range(days):
        begun = datetime(2026, 1, 1, 22, tzinfo=UTC) + timedelta(days=day)
        name = f"default-{begun:%Y%m%dT%H%M%SZ}-{day:08x}"
        head = [
            record._replace(moment=begun)
            for record in make_head(name, "default", lease_for(timedelta(hours=4)), config)
        ]
        path = state_dir / f"{name}.state"
        path.write_bytes(b"".join(encode_record(record) for record in head) + encoded)
        if digest is None:
            run = tell_run([*head, *body, make_record(Flag.ENDED)], str(path))
            if run is None or not run.is_finished:
                raise AssertionError("the night that was written has not ended")
            digest = digest_run(run)
        own = replace(digest, name=name, begun=begun)
        entries.append(IndexEntry(path.name, read_stamp(str(path)), own))
    write_index(str(state_dir), entries)


def tell_vm(number: int) -> list[Record]:
    """Give what a night has of a VM whose backup went well."""
    stem = f"/vmfs/volumes/4a9b8a6e-3eca11a2-6a67-00144f0d8625/wro{number:04d}/wro{number:04d}"
    snapshot = f"HLB-default-20260101T220000Z-{number:08x}"
    disk = RecordedDisk(
        node="scsi0:0",
        chain=(f"{stem}.vmdk",),
        top_cid="0d43c0f9",
        extents=((f"{stem}-flat.vmdk", 1 << 34),),
        modified_ns=(1 << 60,),
    )
    vmx = f"{stem}.vmx"
    return [
        make_record(Flag.PRESENT, vmx),
        make_record(Flag.CHOSEN, vmx, name=f"wro{number:04d}", uuid=f"56 4d {number:04d}"),
        make_record(Flag.INTENT_SNAP, vmx, snapshot=snapshot, disks=encode_disks([disk])),
        make_record(Flag.OK_SNAP, vmx, snapshot=snapshot, level="quiesced"),
        make_record(Flag.INTENT_UMOUNT, vmx, snapshot=snapshot, boot_id="of another boot"),
        make_record(Flag.OK_UMOUNT, vmx, snapshot=snapshot),
        make_record(Flag.OK_READ, vmx),
    ]
