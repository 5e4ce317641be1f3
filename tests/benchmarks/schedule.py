"""Side by side: how near the hooks come to the best order that there can be."""

import heapq
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from figures import Figure, seconds
from free_host import FreeHost, Workshop

from hlb_hooks.steps.side_by_side import Limits, _pick

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
    least, in_order = find_least_seconds(host), replay_order(host)
    what = (
        f"both hooks, {vms} VMs on uneven datastores, create {CREATE_SECONDS:g} s, remove "
        f"{REMOVE_SECONDS:g} s, ± {JITTER:.0%}, {AT_ONCE} at once, {AT_ONCE_OF_A_DATASTORE} a "
        "datastore; against"
    )
    yield Figure(
        f"{what} the least time that any order needs",
        seconds(taken),
        seconds(least),
        taken / least,
        1.05,
    )
    yield Figure(
        f"{what} their own order with nothing between",
        seconds(taken),
        seconds(in_order),
        taken / in_order,
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


def replay_order(host: FreeHost) -> float:
    """Give what the hooks' order takes by itself: nobody knows beforehand how long each takes."""
    start = Limits(AT_ONCE, AT_ONCE_OF_A_DATASTORE, 0)
    end = Limits(AT_ONCE, AT_ONCE, 0)
    return replay_one(host, CREATE_SECONDS, "createsnapshot", start) + replay_one(
        host, REMOVE_SECONDS, "removesnapshots", end
    )


def replay_one(host: FreeHost, usual_seconds: float, action: str, limits: Limits) -> float:
    """Play what the host does with one command for each VM, as the hooks would give them."""
    waiting: dict[str, deque[str]] = {}
    for vmx in map(Path, host.chosen):
        waiting.setdefault(str(vmx.parent.parent), deque()).append(vmx.stem)
    under_way: list[tuple[float, tuple[str, str]]] = []
    now = 0.0
    while waiting or under_way:
        while picked := _pick(waiting, [item for _, item in under_way], limits):
            heapq.heappush(under_way, (now + vary(usual_seconds, action, picked[0]), picked))
        now, _ = heapq.heappop(under_way)
    return now


def vary(usual_seconds: float, action: str, name: str) -> float:
    """Give how long the host takes for a command on a VM: see native/vmware_cmd.c."""
    hashed = 2166136261
    for byte in (action + name).encode():
        hashed = (hashed ^ byte) * 16777619 % (1 << 32)
    return usual_seconds * (1 + JITTER * (hashed % 2001 / 1000 - 1))
