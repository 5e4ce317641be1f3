"""The client's reading: in place against a clone first, and how long snapshots outlast it."""

import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from figures import Figure, measure_in_turn, seconds
from free_host import FreeHost, Workshop

CHUNK = 1 << 20
READER = """\
#!{python} -I
import time
for path in {paths!r}:
    with open(path, "rb") as file:
        while file.read(1 << 20):
            pass
        time.sleep({seconds})
"""


def measure_in_place(workshop: Workshop, folder: Path, mebibytes: int) -> Iterator[Figure]:
    """Read a disk in place, and a clone of it that is made first, as VCB and ghettoVCB do."""
    host = FreeHost(workshop, folder / "in-place", 1, 1, (1,))
    flat = Path(host.chosen[0].removesuffix(".vmx") + "-flat.vmdk")
    with flat.open("wb") as file:
        for _ in range(mebibytes):
            file.write(os.urandom(CHUNK))
        os.fsync(file.fileno())
    buffer = folder / "buffer"
    buffer.mkdir()
    written: dict[str, int] = {}

    def read_in_place() -> float:
        return time_reading(host, [flat], written, "in place")

    def clone_first() -> float:
        clone = buffer / flat.name
        taken = time_reading(host, [clone], written, "clone", copied=(flat, clone))
        clone.unlink()
        return taken

    in_place, cloned = measure_in_turn([read_in_place, clone_first], 3)
    what = f"a VM of {mebibytes} MiB, in place against clone first"
    yield Figure(
        f"{what}: until its last byte is read",
        seconds(in_place),
        seconds(cloned),
        in_place / cloned,
    )
    yield Figure(
        f"{what}: written to disks beside the backup",
        show_bytes(written["in place"]),
        show_bytes(written["clone"]),
        written["in place"] / written["clone"],
        0.001,
    )


def time_reading(
    host: FreeHost,
    files: Sequence[Path],
    written: dict[str, int],
    way: str,
    copied: tuple[Path, Path] | None = None,
) -> float:
    """Time a client's reading while the snapshot is open, and note what the disks hold more."""
    host.time_floor_phase("end", 1)
    before = measure_usage(host.folder, files)
    host.time_floor_phase("start", 1)
    for path in host.folder.rglob("*-flat.vmdk"):
        forget_cache(path)
    started = time.perf_counter()
    if copied is not None:
        subprocess.run(["cp", *copied], check=True)
        with copied[1].open("rb") as file:
            os.fsync(file.fileno())
        forget_cache(copied[1])
    for path in files:
        with path.open("rb", buffering=0) as file:
            while file.read(CHUNK):
                pass
    taken = time.perf_counter() - started
    written[way] = measure_usage(host.folder, files) - before
    host.time_floor_phase("end", 1)
    return taken


def forget_cache(path: Path) -> None:
    """Have the next reading come from the disk."""
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def measure_usage(folder: Path, others: Sequence[Path]) -> int:
    """Give the bytes that the files take up."""
    paths = {*folder.rglob("*"), *others}
    return sum(path.stat().st_size for path in paths if path.is_file())


def show_bytes(count: int) -> str:
    return f"{count / CHUNK:.2f} MiB"


def measure_exposure(
    workshop: Workshop, folder: Path, vms: int, read_seconds: float
) -> Iterator[Figure]:
    """Estimate how long snapshots are there beyond the client's reading of each VM.

    By the run's own report, for which the guard watched what the client held open.
    """
    host = FreeHost(workshop, folder / "exposure", vms, vms, (1, 1))
    host.set_latency({"createsnapshot": 0.5, "removesnapshots": 0.5})
    host.configure_guard(0.2)
    flats = [vmx.removesuffix(".vmx") + "-flat.vmdk" for vmx in host.chosen]
    reader = folder / "reader"
    text = READER.format(python=workshop.python, paths=flats, seconds=read_seconds)
    reader.write_text(text)
    reader.chmod(0o755)
    host.time_hooks(reader)
    told = host.report()["run"]
    readings = [vm["reading"] for vm in told["vms"]]
    if None in readings:
        raise AssertionError("the guard did not see the client read every VM")
    read = [each["seconds"] for each in readings]
    beyond = [each["beyond_seconds"] for each in readings]
    there = sum(read) + sum(beyond)
    yield Figure(
        f"estimate: a snapshot there, against the reading of its VM ({vms} VMs read one after "
        f"another, {read_seconds:g} s each)",
        seconds(there / vms),
        seconds(sum(read) / vms),
        there / max(1, sum(read)),
    )
    yield Figure(
        "estimate: a snapshot there beyond the reading, least and most of a VM",
        seconds(min(beyond)),
        seconds(max(beyond)),
    )
    hours = told["totals"]["beyond_reading_seconds"] / 3600
    yield Figure(f"estimate: the same, all {vms} VMs", f"{hours:.4f} snapshot hours")
