"""``hlb reap``: what has nobody any more is settled, and nothing else is touched."""

import os
import subprocess

from hook_kit import PROGRAMS, Site

HLB = PROGRAMS / "hlb"


def reap(site: Site, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(HLB), "reap", "--config", str(site.config), *options],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )


def test_a_run_that_has_nobody_is_settled(site: Site) -> None:
    vmxs = site.add_vms(3)
    site.orphan_a_run()
    done = reap(site)
    assert done.returncode == 0, done.stdout
    assert [site.host.snapshots(vmx) for vmx in vmxs] == [[], [], []]
    assert site.leftovers() == []
    assert site.is_settled()
    assert all(site.flags(vmx)[-1] == "OK_umount" for vmx in vmxs)


def test_a_rehearsed_reap_says_what_it_would_do_and_does_nothing(site: Site) -> None:
    vmxs = site.add_vms(2)
    site.orphan_a_run()
    before = site.state_file.read_bytes()
    done = reap(site, "--dry-run")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("WOULD run: ") == 2
    assert all(site.host.snapshots(vmx) for vmx in vmxs)
    assert site.state_file.read_bytes() == before
    assert site.count_calls().get("removesnapshots", 0) == 0
    reap(site)


def test_a_run_whose_owner_lives_is_left_alone(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    with site.avtar() as avtar:
        avtar.wait_started()
        done = reap(site)
        assert done.returncode == 0, done.stdout
        assert "its owner is avtar" in done.stdout
        assert site.host.snapshots(vmx)
        avtar.finish()


def test_what_cannot_be_removed_now_is_said_and_tried_again(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    site.orphan_a_run()
    site.host.take_admin_snapshot(vmx, "by hand")
    done = reap(site)
    assert done.returncode == 4, done.stdout
    assert "by hand" in done.stdout
    assert len(site.host.snapshots(vmx)) == 2
    assert reap(site).returncode == 4


def test_a_configuration_that_cannot_be_read_keeps_no_snapshot_open(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    site.orphan_a_run()
    text = site.config.read_text("utf-8")
    site.config.write_text(text + "\nnonsense = [\n", "utf-8")
    done = reap(site)
    assert done.returncode == 0, done.stdout
    assert "warning: " in done.stdout
    assert site.host.snapshots(vmx) == []


def test_what_somebody_still_reads_is_left_alone_until_he_is_done(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    run = site.orphan_a_run().stem
    with site.flat_path(vmx).open("rb"):
        done = reap(site)
        assert done.returncode == 4, done.stdout
        assert f"run {run} is left alone: {site.flat_path(vmx)} is still being read" in done.stdout
        assert f"pids ({os.getpid()},)" in done.stdout
        assert len(site.host.snapshots(vmx)) == 1
    done = reap(site)
    assert done.returncode == 0, done.stdout
    assert site.leftovers() == []
    assert site.is_settled()
