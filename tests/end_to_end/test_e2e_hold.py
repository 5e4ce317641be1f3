"""``hlb hold`` and ``hlb drain``: an operator's wish is kept until it is released."""

import subprocess
from pathlib import Path

import pytest
from hook_kit import PROGRAMS, Site
from hook_watching import wait_until
from rehearsing import rehearse, run_hlb


def test_a_vm_that_is_held_is_left_out_with_who_when_and_why_and_nothing_has_failed(
    site: Site,
) -> None:
    first, second = site.add_vms(2)
    held = run_hlb(site, "hold", "vm1", "--reason", "patch day")
    assert (held.exit_code, held.lines) == (0, [f"vm1 is left alone from now on: {first}"])
    story = site.back_up()
    assert story.start.flags(first) == ["LEFT_OUT"]
    assert "wants it left alone since 20" in story.start.words(first)
    assert ": patch day\n" in story.start.words(first)
    assert f"next step: when it may be backed up again: hlb hold --release {first}" in (
        story.start.words(first)
    )
    assert story.start.flags(second) == ["OK_snap"]
    assert story.end.counts == {"chosen": 1, "ready": 1, "failed": 0, "open": 0}
    assert story.end.exit_code == 0
    assert [vmx for vmx, _ in site.changing_calls()] == [second, second]
    site.wait_settled()


def test_what_is_held_comes_last_in_the_report(site: Site) -> None:
    first, second = site.add_vms(2)
    run_hlb(site, "hold", first)
    site.host.take_admin_snapshot(second, "by hand")
    assert list(site.back_up().start.report) == [
        vmx.removesuffix(".vmx") for vmx in (second, first)
    ]
    site.wait_settled()


def test_released_it_is_backed_up_again(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    run_hlb(site, "hold", "vm1")
    released = run_hlb(site, "hold", "vm1", "--release")
    assert (released.exit_code, released.lines) == (0, [f"vm1 is released: {vmx}"])
    assert site.back_up().start.flags(vmx) == ["OK_snap"]
    site.wait_settled()


def test_the_plan_says_it_and_changes_nothing(site: Site) -> None:
    site.add_vms(1)
    run_hlb(site, "hold", "vm1", "--reason", "patch day")
    outcome = rehearse(site, "hlb plan")
    assert outcome.exit_code == 0
    assert "LEFT_OUT" in outcome.stdout
    assert "patch day" in outcome.stdout
    assert "createsnapshot" not in outcome.stdout


def test_a_snapshot_that_is_open_is_removed_all_the_same(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    with site.avtar() as avtar:
        avtar.wait_started()
        held = run_hlb(site, "hold", "vm1")
        assert f"    run {site.run_name} is under way and knows it" in held.stdout
        story = avtar.finish()
    assert story.end.flags(vmx) == ["OK_snap", "OK_umount"]
    assert site.host.snapshots(vmx) == []
    site.wait_settled()


def test_no_snapshot_is_made_of_it_by_hand_either(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    run_hlb(site, "hold", "vm1")
    refused = site.run("snap_request", "--lease", "1h", vmx)
    assert refused.exit_code == 2
    assert "wants it left alone" in refused.stdout
    assert site.changing_calls() == []


def test_without_a_vm_it_shows_what_is_held(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    assert run_hlb(site, "hold").lines == ["nothing is held"]
    run_hlb(site, "hold", "vm1", "--reason", "patch day")
    run_hlb(site, "drain")
    shown = run_hlb(site, "hold")
    assert shown.lines[0] == vmx
    assert shown.lines[1].endswith(": patch day")
    assert shown.lines[2] == "the whole host"


def test_holding_twice_is_holding_once(site: Site) -> None:
    site.add_vms(1)
    for reason in ("first", "second"):
        run_hlb(site, "hold", "vm1", "--reason", reason)
    assert len(run_hlb(site, "hold").lines) == 2
    assert "second" in run_hlb(site, "hold").stdout


@pytest.mark.parametrize(
    "words", [("nobody",), ("vm*",), ("vm1", "--release"), ("--release",), ("two",)]
)
def test_a_wish_that_means_no_vm_or_several_is_refused(site: Site, words: tuple[str, ...]) -> None:
    site.add_vms(2)
    site.host.add_vm("a", display_name="two")
    site.host.add_vm("b", display_name="two")
    refused = run_hlb(site, "hold", *words)
    assert refused.exit_code == 2
    assert "next step: " in refused.stdout
    assert run_hlb(site, "hold").lines == ["nothing is held"]


def test_a_vm_that_left_the_host_can_be_released(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    run_hlb(site, "hold", "vm1")
    site.host.unregister(vmx)
    assert run_hlb(site, "hold", "--release", vmx).exit_code == 0


def test_who_cannot_read_the_wishes_begins_nothing(site: Site) -> None:
    site.add_vms(1)
    run_hlb(site, "hold", "vm1")
    (site.state_dir / "holds.json").write_text("")
    story = site.back_up()
    assert story.start.exit_code == 1
    assert "nobody knows what is held" in story.start.stdout
    assert site.changing_calls() == []


def test_the_check_reminds_of_what_is_held(site: Site) -> None:
    site.add_vms(1)
    run_hlb(site, "hold", "vm1", "--reason", "patch day")
    shown = run_hlb(site, "check").stdout
    assert "WARNING  backups: vm1: " in shown


def test_on_a_host_that_is_drained_no_run_begins(site: Site) -> None:
    site.add_vms(1)
    drained = run_hlb(site, "drain", "--reason", "new firmware")
    assert drained.exit_code == 0
    assert drained.lines[-1] == "nothing of ours is open: the host is free"
    story = site.back_up()
    assert story.start.exit_code == 75
    assert "(new firmware)" in story.start.stdout
    assert "next step: when its maintenance is over: hlb drain --release" in story.start.stdout
    assert rehearse(site, "hlb plan").exit_code == 75
    assert site.changing_calls() == []
    assert site.state_files() == []
    assert run_hlb(site, "drain", "--release").exit_code == 0
    assert site.back_up().start.exit_code == 0
    site.wait_settled()


def test_draining_waits_until_nothing_is_open(site: Site) -> None:
    site.add_vms(1)
    with site.avtar() as avtar:
        avtar.wait_started()
        now = run_hlb(site, "drain")
        assert now.exit_code == 4
        assert f"    run {site.run_name} is not over, 1 snapshots of it are open" in now.lines
        assert run_hlb(site, "drain", "--wait", "1s").exit_code == 4
        said = site.root / "said"
        with said.open("w") as stdout:
            waiting = subprocess.Popen(
                [PROGRAMS / "hlb", "drain", "--config", site.config, "--wait"], stdout=stdout
            )
        wait_until(lambda: "is not over" in said.read_text(), "the drain to wait")
        assert waiting.poll() is None
        avtar.finish()
        assert waiting.wait(30) == 0
    assert said.read_text().endswith("nothing of ours is open: the host is free\n")
    site.wait_settled()


def test_a_drain_that_is_interrupted_stays_in_force(site: Site) -> None:
    site.add_vms(1)
    with site.avtar() as avtar:
        avtar.wait_started()
        waiting = subprocess.Popen(
            [PROGRAMS / "hlb", "drain", "--config", site.config, "--wait"],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert waiting.stdout is not None
        assert waiting.stdout.readline() == "no run begins on this host until hlb drain --release\n"
        waiting.terminate()
        waiting.stdout.close()
        assert waiting.wait(30) == 143
        avtar.finish()
    site.wait_settled()
    assert site.run("initial_backup", "--lease", "1h").exit_code == 75


def test_what_cannot_be_read_is_not_taken_for_nothing_open(site: Site) -> None:
    site.add_vms(1)
    site.back_up()
    site.wait_settled()
    path = Path(site.state_file)
    path.write_bytes(path.read_bytes().replace(b"OK_snap", b"OK_snip"))
    assert run_hlb(site, "drain", "--wait").exit_code == 1
