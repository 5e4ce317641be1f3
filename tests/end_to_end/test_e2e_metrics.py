"""The metrics after each of those who write them; and that no run depends on them."""

import os
import signal
from pathlib import Path

import pytest
from hook_kit import Site
from hook_watching import wait_until
from policy_kit import COMPLETED, back_up_with_log
from promtool_kit import check_metrics
from rehearsing import rehearse


@pytest.fixture
def prom(site: Site) -> Path:
    folder = site.root / "collector"
    folder.mkdir()
    site.configure(paths={"metrics_file": str(folder / "hlb.prom")})
    return folder / "hlb.prom"


def read(prom: Path, name: str) -> list[str]:
    """Give the values of a metric."""
    lines = [line for line in prom.read_text("utf-8").splitlines() if not line.startswith("#")]
    return [line.rpartition(" ")[2] for line in lines if line.startswith((f"{name}{{", f"{name} "))]


def test_after_the_start_hook_they_say_what_is_open_and_after_the_end_that_nothing_is(
    site: Site, prom: Path
) -> None:
    site.add_vms(2)
    with site.avtar() as avtar:
        avtar.wait_started()
        assert read(prom, "hlb_snapshots_open") == ["2"]
        assert len(read(prom, "hlb_snapshot_open_since_timestamp_seconds")) == 2
        check_metrics(prom.read_text("utf-8"))
        avtar.finish()
    assert read(prom, "hlb_snapshots_open") == ["0"]
    check_metrics(prom.read_text("utf-8"))
    site.wait_settled()


def test_the_guard_adds_what_only_the_client_s_log_tells(site: Site, prom: Path) -> None:
    site.add_vms(2)
    back_up_with_log(site, COMPLETED)
    assert len(read(prom, "hlb_last_success_timestamp_seconds")) == 2


def test_the_guard_says_it_when_the_client_was_killed(site: Site, prom: Path) -> None:
    site.add_vms(1)
    with site.avtar() as avtar:
        avtar.wait_started()
        avtar.kill()
    site.wait_settled()
    assert read(prom, "hlb_snapshots_open") == ["0"]
    assert read(prom, "hlb_last_success_timestamp_seconds") == []
    assert len(read(prom, "hlb_success_expected_timestamp_seconds")) == 1


def test_a_run_goes_on_when_they_cannot_be_written(site: Site, prom: Path) -> None:
    prom.parent.rmdir()
    site.add_vms(1)
    story = site.back_up()
    assert story.start.exit_code == story.end.exit_code == 0
    assert story.start.lines[-1].startswith("HLB ")
    site.wait_settled()
    whys = [event["why"] for event in site.log_events() if event["event"] == "metrics_unwritten"]
    # The start hook, the end hook and the guard.
    assert len(whys) == 3
    assert all("hlb.prom: the metrics cannot be written: No such file" in why for why in whys)


def test_a_collector_never_finds_half_a_file(site: Site, prom: Path) -> None:
    site.add_vms(1)
    with site.avtar() as avtar:
        avtar.wait_started()
        inode = prom.stat().st_ino
        with prom.open("rb") as before:
            avtar.finish()
            assert before.read().endswith(b"# EOF\n")
        assert prom.stat().st_ino != inode
    site.wait_settled()


def test_a_dry_run_writes_none(site: Site, prom: Path) -> None:
    site.add_vms(1)
    rehearse(site, "initial_backup", "--owner-pid", str(os.getpid()))
    assert not prom.exists()


def test_without_the_key_none_are_written(site: Site, prom: Path) -> None:
    site.configure(paths={"metrics_file": ""})
    site.add_vms(1)
    site.back_up()
    site.wait_settled()
    assert list(prom.parent.iterdir()) == []


def test_a_guard_that_was_killed_leaves_them_as_they_were(site: Site, prom: Path) -> None:
    site.add_vms(1)
    with site.avtar() as avtar:
        avtar.wait_started()
        for guard in site.guards():
            os.kill(guard, signal.SIGKILL)
        wait_until(lambda: not site.guards(), "the guard's end")
        avtar.finish()
    assert read(prom, "hlb_snapshots_open") == ["0"]
    site.wait_settled()
