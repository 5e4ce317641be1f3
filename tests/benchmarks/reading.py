"""The client's reading: in place against a clone first, and how long snapshots outlast it."""

import os
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from figures import Figure, measure_in_turn, seconds
from free_host import FreeHost, Workshop

from hlb_hooks.effects.processes import list_holders

CHUNK = 1 << 20
LOOK_SECONDS = 0.05
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
    """Estimate how long snapshots are open beyond the client's reading of each VM.

    By what the guard looks at too: which base disks another process holds open.
    """
    host = FreeHost(workshop, folder / "exposure", vms, vms, (1, 1))
    host.set_latency({"createsnapshot": 0.5, "removesnapshots": 0.5})
    flats = [vmx.removesuffix(".vmx") + "-flat.vmdk" for vmx in host.chosen]
    reader = folder / "reader"
    text = READER.format(python=workshop.python, paths=flats, seconds=read_seconds)
    reader.write_text(text)
    reader.chmod(0o755)
    watch = Watch(flats)
    watch.start()
    try:
        host.time_hooks(reader)
    finally:
        watch.is_over.set()
        watch.join()
    is_open, is_read = watch.open_seconds, watch.read_seconds
    beyond = is_open - is_read
    yield Figure(
        f"estimate: a snapshot open, against the reading of its VM ({vms} VMs read one after "
        f"another, {read_seconds:g} s each)",
        seconds(is_open / vms),
        seconds(is_read / vms),
        is_open / is_read,
    )
    yield Figure(
        f"estimate: open beyond the reading, all {vms} VMs", f"{beyond / 3600:.4f} snapshot hours"
    )


class Watch(threading.Thread):
    """Looks again and again at which snapshots there are, and which base disks are held open."""

    def __init__(self, flats: Sequence[str]) -> None:
        super().__init__(daemon=True)
        self.open_seconds = self.read_seconds = 0.0
        self.is_over = threading.Event()
        self._flats = flats
        self._deltas = [flat.replace("-flat.vmdk", "-000001.vmdk") for flat in flats]

    def run(self) -> None:
        looked = time.monotonic()
        while not self.is_over.wait(LOOK_SECONDS):
            now = time.monotonic()
            # What is seen now is taken to have been so since the look before.
            self.open_seconds += (now - looked) * sum(map(os.path.exists, self._deltas))
            self.read_seconds += (now - looked) * len(list_holders(self._flats))
            looked = now
