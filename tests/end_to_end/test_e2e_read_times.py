"""How long a snapshot was there beyond its VM's reading: what the guard saw of the client."""

import json
import os
import signal
from typing import Any

from hook_kit import RunningAvtar, Site
from hook_watching import wait_until
from rehearsing import run_hlb


def tell_run(site: Site) -> dict[str, Any]:
    outcome = run_hlb(site, "report", "--json")
    told: dict[str, Any] = json.loads(outcome.stdout)["run"]
    return told


def wait_until_looked_at(site: Site, avtar: RunningAvtar, times: int = 3) -> None:
    """Return when the guard has looked around a few times: it reads the client's own descriptors.

    A look leaves no trace, so this waits as long as several of the guard's polls.
    """
    assert avtar.process.poll() is None
    ticks: set[str] = set()

    def has_polled() -> bool:
        (guard,) = site.guards()
        with open(f"/proc/{guard}/status", encoding="ascii") as status:
            ticks.update(line for line in status if line.startswith("voluntary_ctxt_switches"))
        return len(ticks) > times

    wait_until(has_polled, "the guard's next looks")


def back_up_reading(site: Site, vmx: str, *options: str) -> None:
    with site.avtar(f"--hold={site.flat_path(vmx)}", *options) as avtar:
        avtar.wait_started()
        wait_until_looked_at(site, avtar)
        avtar.finish()
    site.wait_settled()


def test_the_report_says_what_was_read_and_how_long_its_snapshot_was_there_besides(
    site: Site,
) -> None:
    read, left = site.add_vms(2)
    # Somebody else's reading is nothing that the snapshot was made for.
    with site.flat_path(left).open("rb"):
        back_up_reading(site, read)
    told = tell_run(site)
    readings = {vm["vmx"]: vm["reading"] for vm in told["vms"]}
    assert readings[left] is None
    assert told["begun"] <= readings[read]["begun"] <= readings[read]["ended"] <= told["latest"]
    (vm,) = [vm for vm in told["vms"] if vm["vmx"] == read]
    there = sum(phase["seconds"] for phase in vm["phases"] if phase["kind"] in {"open", "removing"})
    assert readings[read]["beyond_seconds"] == max(0, there - readings[read]["seconds"])
    assert told["totals"]["beyond_reading_seconds"] == readings[read]["beyond_seconds"]
    text = run_hlb(site, "report").stdout
    assert text.count("read by the client for about") == 1
    assert "all VMs together (estimate)" in text


def test_whoever_is_lost_before_the_end_takes_the_estimate_along_and_nothing_else(
    site: Site,
) -> None:
    (vmx,) = site.add_vms(1)
    with site.avtar(f"--hold={site.flat_path(vmx)}") as avtar:
        avtar.wait_started()
        wait_until_looked_at(site, avtar)
        os.kill(site.guards()[0], signal.SIGKILL)
        wait_until(lambda: not site.guards(), "the guard's end")
        assert avtar.finish().ended.exit_code == 0
    told = tell_run(site)
    assert told["vms"][0]["reading"] is None
    assert told["totals"]["beyond_reading_seconds"] is None
    assert "about" not in run_hlb(site, "report").stdout


def test_what_a_client_s_child_reads_counts_and_is_kept_when_the_client_is_killed(
    site: Site,
) -> None:
    (vmx,) = site.add_vms(1)
    with site.avtar(f"--hold={site.flat_path(vmx)}", "--hold-in-a-child") as avtar:
        avtar.wait_started()
        wait_until_looked_at(site, avtar)
        avtar.kill()
    site.wait_settled()
    assert site.host.snapshots(vmx) == []
    assert tell_run(site)["vms"][0]["reading"] is not None
