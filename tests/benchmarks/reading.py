"""The client's reading: in place against a clone first, and how long snapshots outlast it."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from figures import Figure, measure_in_turn, seconds
from free_host import FreeHost, Workshop
from last_byte import measure_usage

HERE = Path(__file__).parent
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
    """Read a disk in place, and a clone of it that is made first, as VCB and ghettoVCB do.

    Both between the same two hooks; what is compared is what is done between them.
    """
    host = FreeHost(workshop, folder / "in-place", 1, 1, (1,))
    flat = Path(host.chosen[0].removesuffix(".vmx") + "-flat.vmdk")
    with flat.open("wb") as file:
        for _ in range(mebibytes):
            file.write(os.urandom(CHUNK))
        os.fsync(file.fileno())
    buffer = host.folder / "buffer"
    buffer.mkdir()
    in_place = Reading(host, [flat])
    clone_first = Reading(host, [flat, buffer / flat.name])
    read, cloned = measure_in_turn([in_place.time, clone_first.time], 3)
    what = f"a VM of {mebibytes} MiB, in place against clone first"
    yield Figure(
        f"{what}: until its last byte is read", seconds(read), seconds(cloned), read / cloned
    )
    yield Figure(
        f"{what}: written to disks beside the backup, which is the room it needs there",
        show_bytes(in_place.written),
        show_bytes(clone_first.written),
        in_place.written / clone_first.written,
        0.001,
    )


class Reading:
    """A client's reading between the hooks: of a disk, or of the clone it makes of it first."""

    def __init__(self, host: FreeHost, files: Sequence[Path]) -> None:
        """Take the disk, and, for a clone, where that is to be."""
        self.written = 0
        self._host = host
        self._told = host.folder / f"told-{len(files)}"
        self._client = host.folder / f"client-{len(files)}"
        self._client.write_text(
            f"#!{host.workshop.python} -I\nimport sys\nsys.path.insert(0, {str(HERE)!r})\n"
            f"import last_byte\nlast_byte.main({str(self._told)!r}, {list(map(str, files))!r})\n"
        )
        self._client.chmod(0o755)

    def time(self) -> float:
        """Give the seconds until the last byte is read; note what the disks hold more then."""
        self._told.write_text("")
        before = measure_usage(self._host.folder)
        self._host.time_hooks(self._client)
        taken, usage = self._told.read_text().split()
        self.written = int(usage) - before
        return float(taken)


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
