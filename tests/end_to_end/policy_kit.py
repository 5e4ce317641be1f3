"""What the tests of policies share: runs made older, and clients with and without a log."""

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from hook_kit import Site
from hook_story import Story

from hlb_hooks.effects.records import decode_records, encode_record

HEAD = "2026-11-22 01:00:00 avtar Info <5551>: Command Line: avtar -c\n"
COMPLETED = "2026-11-22 01:10:00 avtar Info <5314>: Command completed (exit code 0: success)\n"
FAILED = "2026-11-22 01:10:00 avtar Info <5314>: Command failed (1 error, exit code 10028)\n"


def back_up_with_log(site: Site, *lines: str) -> Story:
    """Back up by a client whose log says ``lines`` in the end; return when the run is settled."""
    log = site.root / f"avtar{len(site.state_files())}.log"
    log.write_text(HEAD, "utf-8")
    with site.avtar(f"--logfile={log}") as avtar:
        avtar.wait_started()
        with log.open("a", encoding="utf-8") as file:
            file.writelines(lines)
        story = avtar.finish()
    site.wait_settled()
    return story


def make_older(paths: Iterable[Path], days: float) -> None:
    """Make runs so many days older than they are; fewer than none makes them of the future."""
    for path in paths:
        shifted = [
            encode_record(record._replace(moment=record.moment - timedelta(days=days)))
            for record in decode_records(path.read_bytes(), str(path)).records
        ]
        path.write_bytes(b"".join(shifted))


def list_due(site: Site) -> tuple[set[str], set[str]]:
    """Give the display names of the VMs that a run would take now, and of those it would not."""
    report = site.run("compare_backup", "--job", "default")
    assert report.exit_code in {0, 1}, report.stdout
    found: list[str] = []
    waiting: set[str] = set()
    for line in report.lines:
        if line.startswith("**found "):
            found.append(line.removeprefix("**found "))
        elif "next due" in line:
            waiting.add(found[-1])
    return set(found) - waiting, waiting
