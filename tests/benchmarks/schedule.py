"""Side by side: how near the hooks come to the best order that there can be."""

from collections.abc import Iterator
from pathlib import Path

from figures import Figure, seconds
from free_host import FreeHost, Workshop

AT_ONCE, AT_ONCE_OF_A_DATASTORE = 4, 2
CREATE_SECONDS, REMOVE_SECONDS, JITTER = 2.0, 3.0, 0.3
UNEVEN = (10, 5, 3, 2)


def measure_schedule(workshop: Workshop, folder: Path, vms: int) -> Iterator[Figure]:
    """Measure both hooks with latencies as real hosts have them, on uneven datastores."""
    host = FreeHost(workshop, folder / "schedule", vms, vms, UNEVEN)
    host.configure(
        parallel=AT_ONCE, parallel_per_datastore=AT_ONCE_OF_A_DATASTORE, remove_parallel=AT_ONCE
    )
    host.set_latency(
        {"createsnapshot": CREATE_SECONDS, "removesnapshots": REMOVE_SECONDS, "jitter": JITTER}
    )
    taken = host.time_hooks().seconds
    best = find_least_seconds(host)
    yield Figure(
        f"both hooks, {vms} VMs on uneven datastores, create {CREATE_SECONDS:g} s, remove "
        f"{REMOVE_SECONDS:g} s, ± {JITTER:.0%}, {AT_ONCE} at once, {AT_ONCE_OF_A_DATASTORE} a "
        "datastore; against the least time that any order needs",
        seconds(taken),
        seconds(best),
        taken / best,
        1.05,
    )


def find_least_seconds(host: FreeHost) -> float:
    """Give what no order can be quicker than, a datastore's limit counting for creations alone.

    That is all work shared out evenly, or that of the fullest datastore among its places.
    """
    creations: dict[Path, list[float]] = {}
    for vmx in map(Path, host.chosen):
        taken = vary(CREATE_SECONDS, "createsnapshot", vmx.stem)
        creations.setdefault(vmx.parent.parent, []).append(taken)
    removals = [vary(REMOVE_SECONDS, "removesnapshots", Path(vmx).stem) for vmx in host.chosen]
    all_creations = sum(map(sum, creations.values()))
    fullest = max(sum(each) / AT_ONCE_OF_A_DATASTORE for each in creations.values())
    start = max(all_creations / AT_ONCE, fullest)
    return start + max(sum(removals) / AT_ONCE, *removals)


def vary(usual_seconds: float, action: str, name: str) -> float:
    """Give how long the host takes for a command on a VM: see native/vmware_cmd.c."""
    hashed = 2166136261
    for byte in (action + name).encode():
        hashed = (hashed ^ byte) * 16777619 % (1 << 32)
    return usual_seconds * (1 + JITTER * (hashed % 2001 / 1000 - 1))
