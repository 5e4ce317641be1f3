"""What the hooks add to the host's own commands, as ratios within one run: ``make bench``.

Times mean nothing alone, least of all on a machine that others use too, so each figure stands
beside what it is measured against, in turn with it, and medians are compared. The page
docs/reference/performance.md is written from a whole run; ``--short`` measures less of everything,
in a minute, and writes nothing.
"""

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "emulation"))

import growth
import overhead
import reading
import schedule
from figures import Table
from free_host import Workshop
from native_programs import NoCompilerError
from page import PAGE, describe_machine, render
from removal_window import measure_in_a_process

MEMORY = Path("/dev/shm")
REMOVALS = int(os.environ.get("HLB_BENCH_REMOVALS", "400"))


def describe_window(folder: Path, removals: int) -> str:
    """Measure, and say in lines, who falls into the window of a removal, and how wide it is."""
    tries = measure_in_a_process(folder, removals, seed=1)
    asked = [each for each in tries if each.is_asked]
    ours, hosts = ([getattr(each, part) for each in asked] for part in ("window_ms", "host_ms"))
    lines = [
        f"window of a removal, {what}: median {statistics.median(values):.1f} ms, "
        f"99 % {statistics.quantiles(values, n=100)[-1]:.1f} ms, longest {max(values):.1f} ms"
        for what, values in (("ours", ours), ("the host's", hosts))
    ]
    taken = [each for each in tries if each.is_taken]
    lost = [each for each in taken if each.is_lost]
    early = [each for each in taken if each.was_complete_before_the_look]
    lines.append(
        f"{len(taken)} snapshots by an administrator around {len(tries)} removals; complete before "
        f"the last look {len(early)}, of these lost {sum(each.is_lost for each in early)}; lost "
        f"between look and start {sum(each.admin_done < each.executed for each in lost)}, between "
        f"start and the host's task {sum(each.admin_done >= each.executed for each in lost)}"
    )
    return "\n".join(lines)


def measure(table: Table, in_memory: Path, on_disk: Path, *, is_short: bool) -> None:
    """Measure everything."""
    workshop = Workshop(in_memory / "shop")
    table.add(overhead.measure_start_up(workshop, 5 if is_short else 21))
    table.add(overhead.measure_one_command(workshop, 100))
    many = (200, 10) if is_short else (1000, 50)
    table.add(overhead.measure_free_commands(workshop, *many, 3 if is_short else 5, (5, 1 / 20)))
    table.add(overhead.measure_free_commands(workshop, 10, 1, 5, (None, 3)))
    table.add(overhead.measure_slow_commands(workshop, on_disk, 10, 1, 3, 1.25))
    table.add(overhead.measure_slow_commands(workshop, on_disk, *many, 1, 1.05))
    few, most = ((200, 10), (2000, 100)) if is_short else ((1000, 50), (10_000, 500))
    table.add(growth.measure_vms(workshop, few, most))
    table.add(growth.measure_flags(in_memory))
    table.add(growth.measure_status(workshop, on_disk, 30 if is_short else 365, 500))
    table.add(schedule.measure_schedule(workshop, on_disk, 20 if is_short else 40))
    table.add(reading.measure_in_place(workshop, on_disk, 32 if is_short else 256))
    table.add(reading.measure_exposure(workshop, on_disk, 4 if is_short else 12, 3.0))


def main() -> None:
    """Measure, print, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", allow_abbrev=False)
    parser.add_argument("--short", action="store_true", help="less of everything, and no page")
    options = parser.parse_args()
    table = Table()
    # What is measured is what the hooks do, and not how long this machine's disk takes for it.
    memory = MEMORY if os.access(MEMORY, os.W_OK) else None
    with (
        tempfile.TemporaryDirectory(dir=memory) as in_memory,
        tempfile.TemporaryDirectory() as on_disk,
    ):
        try:
            measure(table, Path(in_memory), Path(on_disk), is_short=options.short)
        except NoCompilerError as error:
            print(f"left out, and no page is written: {error}")
            options.short = True
        removals = 100 if options.short else REMOVALS
        window = describe_window(Path(on_disk) / "window", removals)
    print(window)
    if not options.short:
        PAGE.write_text(render(table, describe_machine(), window), "utf-8")


if __name__ == "__main__":
    main()
