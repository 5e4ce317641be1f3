"""[paths] report_dir: the report of each run is there in the morning, even if the host is not."""

import json
from pathlib import Path
from typing import Any

import pytest
from hook_kit import Site
from hook_watching import wait_until
from policy_kit import COMPLETED, back_up_with_log, make_older
from rehearsing import rehearse, run_hlb


@pytest.fixture
def folder(site: Site) -> Path:
    folder = site.root / "reports of all"
    folder.mkdir()
    site.configure(paths={"report_dir": str(folder)})
    return folder


def read(folder: Path, run: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((folder / f"{run}.json").read_bytes())
    return told


def test_a_night_leaves_its_page_and_what_programs_read(site: Site, folder: Path) -> None:
    site.add_vms(2)
    back_up_with_log(site, COMPLETED)
    run = site.run_name
    assert {path.name for path in folder.iterdir()} == {f"{run}.html", f"{run}.json"}
    told = read(folder, run)
    asked = json.loads(run_hlb(site, "report", "--json").stdout)
    assert {**told, "written": ""} == {**asked, "written": ""}
    assert [vm["is_read"] for vm in told["run"]["vms"]] == [True, True]
    page = (folder / f"{run}.html").read_text("utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert run in page
    for path in folder.iterdir():
        assert path.stat().st_mode & 0o777 == 0o644, "the folder says who may read it"


def test_the_end_hook_leaves_what_is_known_when_something_is_open_still(
    site: Site, folder: Path
) -> None:
    (vmx,) = site.add_vms(1)
    site.host.configure(fail=[{"exit_code": 231, "text": "no", "command": "removesnapshots"}])
    assert site.back_up().end.exit_code == 4
    (vm,) = read(folder, site.run_name)["run"]["vms"]
    assert (vm["vmx"], vm["outcome"]) == (vmx, "open")
    site.host.configure(fail=[])
    site.wait_settled()
    wait_until(
        lambda: read(folder, site.run_name)["run"]["vms"][0]["outcome"] == "protected",
        "the guard's own report",
    )


def test_a_run_whose_guard_was_killed_is_reported_by_the_reaper(site: Site, folder: Path) -> None:
    site.add_vms(1)
    orphan = site.orphan_a_run()
    assert list(folder.iterdir()) == []
    assert run_hlb(site, "reap").exit_code == 0
    assert read(folder, orphan.stem)["run"]["totals"]["open"] == 0


def test_a_rehearsal_leaves_none(site: Site, folder: Path) -> None:
    site.add_vms(1)
    site.orphan_a_run()
    rehearse(site, "hlb reap")
    rehearse(site, "initial_umount", "--run", site.run_name)
    assert list(folder.iterdir()) == []
    run_hlb(site, "reap")


@pytest.mark.parametrize("obstacle", ["missing", "file", "in the way"])
def test_a_report_that_cannot_be_left_fails_nothing_and_is_said(site: Site, obstacle: str) -> None:
    site.add_vms(1)
    folder = site.root / "reports"
    if obstacle == "file":
        folder.write_text("")
    site.configure(paths={"report_dir": str(folder)})
    with site.avtar() as avtar:
        avtar.wait_started()
        if obstacle == "in the way":
            (folder / f"{site.run_name}.html").mkdir(parents=True)
        story = avtar.finish()
    assert story.end.exit_code == 0
    site.wait_settled()
    assert site.leftovers() == []
    events = [each for each in site.log_events() if each["event"] == "report_not_left"]
    assert all("the report cannot be written" in each["why"] for each in events)
    assert events
    checked = run_hlb(site, "check").stdout
    assert ("no report can be left" in checked) == (obstacle != "in the way")


def test_a_report_goes_with_its_state_file_and_never_before(site: Site, folder: Path) -> None:
    site.configure(run={"keep_days": 30})
    site.add_vms(1)
    runs = [back_up_with_log(site, COMPLETED).end.machine["run"] for _ in range(2)]
    make_older(site.state_files(), 31)
    (folder / "notes.html").write_text("somebody's own")
    (folder / f"{runs[0]}.html.orig").write_text("somebody's own")
    assert run_hlb(site, "reap").exit_code == 0
    # The newest success of a VM stays, however old it is.
    assert {path.name for path in folder.iterdir()} == {
        f"{runs[1]}.html",
        f"{runs[1]}.json",
        "notes.html",
        f"{runs[0]}.html.orig",
    }
    assert [path.stem for path in site.state_files()] == [runs[1]]


def test_a_report_that_cannot_be_deleted_keeps_its_state_file_for_the_next_try(
    site: Site, folder: Path
) -> None:
    site.configure(run={"keep_days": 30})
    site.add_vms(1)
    for _ in range(2):
        back_up_with_log(site, COMPLETED)
    old = min(site.state_files(), key=lambda path: path.stat().st_mtime_ns)
    make_older(site.state_files(), 31)
    (folder / f"{old.stem}.json").unlink()
    (folder / f"{old.stem}.json").mkdir()
    run_hlb(site, "reap")
    assert old.exists()
    (folder / f"{old.stem}.json").rmdir()
    run_hlb(site, "reap")
    assert not old.exists()
