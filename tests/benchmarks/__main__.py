"""What the hooks add to the host's own commands, as ratios within one run: ``make bench``.

Times mean nothing alone, least of all on a machine that others use too, so each figure stands
beside its floor, measured in turn with it, and the medians are compared.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from bench_host import BIN, BenchHost, run_quietly
from removal_window import measure_in_a_process

VMS = 10
ROUNDS = 7
REMOVALS = int(os.environ.get("HLB_BENCH_REMOVALS", "1000"))


def measure(command: Callable[[], object], floor: Callable[[], object]) -> tuple[float, float]:
    """Give the median seconds of both, run in turn."""
    seconds: dict[Callable[[], object], list[float]] = {command: [], floor: []}
    for _ in range(ROUNDS):
        for action, taken in seconds.items():
            started = time.perf_counter()
            action()
            taken.append(time.perf_counter() - started)
    return statistics.median(seconds[command]), statistics.median(seconds[floor])


def start_hook() -> object:
    return run_quietly([BIN / "initial_backup", "--version"])


def start_python() -> object:
    return run_quietly([sys.executable, "-I", "-c", "pass"])


def print_table(rows: list[tuple[str, float, float]]) -> None:
    print(f"{'what, against what':<52} {'seconds':>9} {'floor':>9} {'ratio':>7}")
    for what, seconds, floor in rows:
        print(f"{what:<52} {seconds:>9.4f} {floor:>9.4f} {seconds / floor:>7.2f}")


def print_window(folder: Path) -> None:
    """Measure and print who falls into the window of a removal, and how wide it is."""
    tries = measure_in_a_process(folder, REMOVALS, seed=1)
    asked = [each for each in tries if each.is_asked]
    ours, hosts = ([getattr(each, part) for each in asked] for part in ("window_ms", "host_ms"))
    for what, values in (("ours", ours), ("the host's", hosts)):
        print(
            f"window of a removal, {what}: median {statistics.median(values):.1f} ms, "
            f"99 % {statistics.quantiles(values, n=100)[-1]:.1f} ms, longest {max(values):.1f} ms"
        )
    taken = [each for each in tries if each.is_taken]
    lost = [each for each in taken if each.is_lost]
    early = [each for each in taken if each.was_complete_before_the_look]
    print(
        f"{len(taken)} snapshots by an administrator around {len(tries)} removals; complete before "
        f"the last look {len(early)}, of these lost {sum(each.is_lost for each in early)}; lost "
        f"between look and start {sum(each.admin_done < each.executed for each in lost)}, between "
        f"start and the host's task {sum(each.admin_done >= each.executed for each in lost)}"
    )


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        host = BenchHost(Path(folder), VMS)
        print_table(
            [
                (
                    "initial_backup --version / python -I -c pass",
                    *measure(start_hook, start_python),
                ),
                (
                    f"both hooks, {VMS} VMs / their host commands alone",
                    *measure(host.run_hooks, host.run_commands),
                ),
            ]
        )
    with tempfile.TemporaryDirectory() as folder:
        print_window(Path(folder))


if __name__ == "__main__":
    main()
