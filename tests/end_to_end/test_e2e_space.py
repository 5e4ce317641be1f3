"""A datastore runs full: what is ours there goes at once, and nothing anywhere else."""

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hook_kit import Site
from hook_watching import wait_until

# Several of the guard's polls.
A_WHILE_SECONDS = 0.7
SIZE_BYTES = 32 * 1024 * 1024
LIMIT_PERCENT = 2
# Below the limit, and still room for what the host itself writes while it removes a snapshot.
LEFT_BYTES = 256 * 1024


@dataclass
class SmallDatastore:
    """The host's second datastore on a file system of its own, which can be filled."""

    label: str
    folder: Path

    def fill(self) -> None:
        with (self.folder / "filler").open("wb") as file:
            file.write(bytes(SIZE_BYTES - self._used_bytes() - LEFT_BYTES))

    def _used_bytes(self) -> int:
        done = subprocess.run(
            ["df", "--block-size=1", "--output=used", self.folder],
            capture_output=True,
            check=True,
            text=True,
        )
        return int(done.stdout.split()[-1])


@pytest.fixture
def small(site: Site) -> Iterator[SmallDatastore]:
    label = "store (1)"
    folder = (site.host.volumes / label).resolve()
    options = ["-t", "tmpfs", "-o", f"size={SIZE_BYTES},mode=0755", "hlb-test"]
    mounted = subprocess.run(["mount", *options, folder], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("a file system of a datastore's own needs root, to mount a tmpfs")
    try:
        site.configure(snapshot={"emergency_free_percent": LIMIT_PERCENT})
        yield SmallDatastore(label, folder)
    finally:
        # Lazily: a guard of a test that failed may still read there.
        subprocess.run(["umount", "--lazy", folder], check=True)


def add_three(site: Site, small: SmallDatastore) -> tuple[str, str, str]:
    """Make a VM on the large datastore, one on the small, and one with a disk on each."""
    return (
        site.host.add_vm("large"),
        site.host.add_vm("small", datastore=small.label),
        site.host.add_vm("both", disks=[bytes(512), bytes(512)], datastores={1: small.label}),
    )


def wait_removed(site: Site, *vmxs: str) -> None:
    wait_until(lambda: not any(map(site.host.snapshots, vmxs)), "the emergency's removals")


def test_an_emergency_on_one_datastore_touches_no_vm_of_another(
    site: Site, small: SmallDatastore
) -> None:
    large, *short = add_three(site, small)
    with site.avtar() as avtar:
        avtar.wait_started()
        small.fill()
        wait_removed(site, *short)
        time.sleep(A_WHILE_SECONDS)
        assert len(site.host.snapshots(large)) == 1
        story = avtar.finish()
    assert story.ended.exit_code == 1
    assert story.ended.flags(large) == ["OK_snap", "OK_umount"]
    for vmx in short:
        assert story.ended.flags(vmx) == ["OK_snap", "TORN", "OK_umount"]
        assert str(small.folder) in story.ended.words(vmx)
    site.wait_settled()
    assert site.leftovers() == []


def test_an_emergency_does_not_end_the_waiting_for_a_reader_elsewhere(
    site: Site, small: SmallDatastore
) -> None:
    large, *short = add_three(site, small)
    with site.avtar() as avtar:
        avtar.wait_started()
        with site.flat_path(large).open("rb"):
            avtar.kill()
            time.sleep(A_WHILE_SECONDS)
            # The reader holds up all, as long as nothing is in danger.
            assert site.count_calls().get("removesnapshots", 0) == 0
            small.fill()
            wait_removed(site, *short)
            time.sleep(A_WHILE_SECONDS)
            assert len(site.host.snapshots(large)) == 1
            assert not site.has_flag("ENDED")
    site.wait_settled()
    assert site.leftovers() == []
    assert site.count_calls()["removesnapshots"] == 3
    assert not site.has_flag("TORN")


def test_after_the_end_hook_nothing_is_torn_by_an_emergency(
    site: Site, small: SmallDatastore
) -> None:
    site.configure(run={"end_budget_seconds": 1}, snapshot={"remove_parallel": 1})
    vmxs = [site.host.add_vm(f"small{number}", datastore=small.label) for number in range(2)]
    with site.avtar() as avtar:
        avtar.wait_started()
        with site.host.holding("merge"):
            story = avtar.finish()
            # What is left is the guard's; all has been read, and well.
            assert story.ended.exit_code == 4
            small.fill()
            time.sleep(A_WHILE_SECONDS)
        site.wait_settled()
    for vmx in vmxs:
        assert site.flags(vmx)[-1] == "OK_umount"
    assert not site.has_flag("TORN")
    assert site.leftovers() == []
    again = site.run("initial_umount", "--run", site.run_name)
    assert again.exit_code == 0
