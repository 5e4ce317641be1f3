"""A lab that is mounted for real: what any program meets that reads and writes there."""

import errno
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lab_kit import find_vm, make_lab, no_hook, run_vmware_cmd, wait_for
from mount_kit import LIBRARIES, list_holders, no_mount_left, serve, skip_unless_possible

from hlb_hooks.lab.client.store import hash_file
from hlb_hooks.lab.evidence import list_instants
from hlb_hooks.lab.host.disks import read_vm_disks
from hlb_hooks.lab.host.hosts import add_host
from hlb_hooks.lab.host.registry import change_registry, read_registry
from hlb_hooks.lab.layout import Lab
from hlb_hooks.lab.sample_vms import SampleDisk, SampleVm

DISK = SampleDisk(1024 * 1024)
VMS = [
    SampleVm("wro215ts", disks=(DISK, DISK)),
    SampleVm("far", disks=(SampleDisk(65536, is_elsewhere=True),)),
    SampleVm("off", disks=(DISK,), power="off"),
]
ASK_PYTHON = "import sys\ntry: open(sys.argv[1], 'rb')\nexcept OSError as e: print(e.errno)"


@pytest.fixture(autouse=True)
def leaves_no_mount(tmp_path: Path) -> Iterator[None]:
    skip_unless_possible()
    with no_mount_left(tmp_path):
        yield


@pytest.fixture(params=LIBRARIES or ["no library"])
def library(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return make_lab(tmp_path / "lab", VMS)


@pytest.fixture
def mounted(lab: Lab, tmp_path: Path, library: str) -> Iterator[Path]:
    with serve(lab, tmp_path / "mounted on", library):
        yield tmp_path / "mounted on"


def see(lab: Lab, mounted: Path, path: Path) -> Path:
    """Give the place of a file of the lab's datastores in the mount."""
    return mounted / "vmfs" / path.relative_to(lab.volumes.parent)


def list_flats(lab: Lab, name: str) -> list[Path]:
    return [disk.data_files[-1] for disk in read_vm_disks(find_vm(lab, name))]


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, errors="replace", check=False)


@pytest.mark.parametrize(
    "words",
    [
        ("cat", "FILE"),
        ("dd", "if=FILE", "of=/dev/null"),
        ("cp", "FILE", "/dev/null"),
        # Told to write to /dev/null, tar reads nothing.
        ("tar", "-cPf", "-", "FILE"),
        ("sha256sum", "FILE"),
        ("sh", "-c", 'exec 3<"$1"', "sh", "FILE"),
    ],
)
def test_any_program_is_refused_a_locked_disk_and_gets_another(
    lab: Lab, mounted: Path, words: tuple[str, ...]
) -> None:
    for name, is_refused in (("wro215ts", True), ("far", True), ("off", False)):
        (flat, *_) = list_flats(lab, name)
        named = [word.replace("FILE", str(see(lab, mounted, flat))) for word in words]
        done = run(*named)
        said = done.stderr + done.stdout
        assert ("Device or resource busy" in said) == is_refused
        assert (done.returncode != 0) == is_refused


def test_a_program_gets_the_very_number_of_ebusy(lab: Lab, mounted: Path) -> None:
    flat = see(lab, mounted, list_flats(lab, "wro215ts")[0])
    assert run(sys.executable, "-c", ASK_PYTHON, flat).stdout == "16\n"


@pytest.mark.parametrize(
    "change",
    [
        lambda path: os.open(path, os.O_RDONLY),
        lambda path: os.open(path, os.O_RDWR),
        lambda path: os.open(path, os.O_WRONLY | os.O_TRUNC),
        lambda path: os.open(path, os.O_WRONLY | os.O_APPEND),
        lambda path: os.open(path, os.O_WRONLY | os.O_CREAT, 0o600),
        lambda path: os.truncate(path, 5),
    ],
)
def test_no_way_of_opening_gets_past_a_lock(
    lab: Lab, mounted: Path, change: Callable[[Path], object]
) -> None:
    (flat, *_) = list_flats(lab, "wro215ts")
    before = hash_file(flat)
    with pytest.raises(OSError, match="busy") as caught:
        change(see(lab, mounted, flat))
    assert caught.value.errno == errno.EBUSY
    assert hash_file(flat) == before


def test_behind_a_snapshot_the_base_can_be_read_and_the_delta_cannot(
    lab: Lab, mounted: Path
) -> None:
    vm = find_vm(lab, "wro215ts")
    flats = list_flats(lab, "wro215ts")
    assert run("cat", see(lab, mounted, flats[0])).returncode == 1
    run_vmware_cmd(lab, vm.config, "createsnapshot", "HLB-a", "text", "1", "0")
    (instant,) = list_instants(lab, vm)
    for disk in instant.disks:
        assert hash_file(see(lab, mounted, disk.data_files[-1])) == disk.sha256
    delta = see(lab, mounted, read_vm_disks(vm)[0].data_files[0])
    assert delta.name.endswith("-delta.vmdk")
    assert run("cat", delta).stderr.endswith("Device or resource busy\n")
    run_vmware_cmd(lab, vm.config, "removesnapshots")
    assert run("cat", see(lab, mounted, flats[0])).returncode == 1


def test_the_datastores_label_leads_to_the_same_files(lab: Lab, mounted: Path) -> None:
    flat = mounted / "vmfs/volumes/storage1/wro215ts/wro215ts-flat.vmdk"
    assert run("cat", flat).stderr.endswith("Device or resource busy\n")
    assert (
        run("cat", flat.with_name("wro215ts.vmdk")).stdout
        == flat.with_name("wro215ts.vmdk").read_text()
    )
    assert lab.volumes.joinpath("storage1").readlink() == flat.parents[1].readlink()


def test_a_vm_that_is_registered_meanwhile_locks_its_files(lab: Lab, mounted: Path) -> None:
    vms = read_registry(lab)
    change_registry(lab, lambda _: [])
    (flat, *_) = [see(lab, mounted, path) for path in list_flats_of(vms[0].config)]
    assert run("cat", flat).returncode == 0
    change_registry(lab, lambda _: vms)
    assert run("cat", flat).returncode == 1


def list_flats_of(config: Path) -> list[Path]:
    return sorted(config.parent.glob("*-flat.vmdk"))


def test_whoever_reads_is_seen_as_a_holder_of_the_labs_file(lab: Lab, mounted: Path) -> None:
    (flat,) = list_flats(lab, "off")
    assert list_holders(flat) == []
    with see(lab, mounted, flat).open("rb") as reader:
        assert reader.read(1)
        (holder,) = list_holders(flat)
        assert b"hlb_hooks.lab.mount.daemon" in Path(f"/proc/{holder}/cmdline").read_bytes()
    wait_for(lambda: list_holders(flat) == [], "the file to be let go of")


def test_what_is_written_there_is_written_to_the_lab(lab: Lab, mounted: Path) -> None:
    (mounted / "new").mkdir(mode=0o750)
    file = mounted / "new/file"
    file.write_bytes(b"one\n")
    with file.open("ab") as appending:
        appending.write(b"two\n")
        os.fsync(appending.fileno())
    with file.open("r+b") as changing:
        changing.write(b"ONE")
        changing.truncate(7)
        changing.seek(0)
        assert changing.read() == b"ONE\ntwo"
    file.chmod(0o604)
    os.chown(file, 1234, 5678)
    os.utime(file, ns=(10**18 + 1, 10**18 + 2))
    os.link(file, mounted / "new/hard")
    (mounted / "new/soft").symlink_to("../any text")
    os.mkfifo(mounted / "new/pipe", 0o600)
    file.rename(mounted / "new/renamed")
    there = lab.folder / "new"
    assert sorted(path.name for path in there.iterdir()) == ["hard", "pipe", "renamed", "soft"]
    assert (there / "hard").read_bytes() == b"ONE\ntwo"
    status = (there / "renamed").stat()
    seen = (mounted / "new/renamed").stat()
    assert status.st_mode == 0o100604
    assert (status.st_uid, status.st_gid, status.st_nlink) == (1234, 5678, 2)
    assert status.st_mtime_ns == 10**18 + 2
    for name in ("st_mode", "st_ino", "st_nlink", "st_uid", "st_gid", "st_size", "st_mtime_ns"):
        assert getattr(seen, name) == getattr(status, name)
    assert (there / "soft").readlink() == Path("../any text")
    assert (there / "pipe").is_fifo()
    assert there.stat().st_mode == 0o040750
    os.truncate(mounted / "new/hard", 3)
    assert (there / "renamed").read_bytes() == b"ONE"
    for path in list((mounted / "new").iterdir()):
        path.unlink()
    (mounted / "new").rmdir()
    assert not there.exists()
    found, below = os.statvfs(mounted), os.statvfs(lab.folder)
    assert (found.f_blocks, found.f_namemax) == (below.f_blocks, below.f_namemax)


def test_one_of_two_times_can_be_set_and_the_present_too(lab: Lab, mounted: Path) -> None:
    file = lab.folder / "file"
    file.write_text("")
    os.utime(file, ns=(10**18, 10**18))
    before_ns = time.time_ns()
    assert run("touch", "-m", mounted / "file").returncode == 0
    assert file.stat().st_atime_ns == 10**18
    assert file.stat().st_mtime_ns >= before_ns
    os.utime(mounted / "file")
    assert file.stat().st_atime_ns >= before_ns


def test_a_name_of_any_bytes_survives(lab: Lab, mounted: Path) -> None:
    names = [b"za\xff\xc5\x82", b"two\nlines", b'comma, \\ and "quotes"', "ę".encode()]
    folder = os.fsencode(mounted)
    for name in names:
        Path(os.fsdecode(folder + b"/vmfs/" + name)).write_bytes(name)
    there = os.fsencode(lab.volumes.parent)
    assert sorted(os.listdir(there)) == sorted([*names, b"volumes"])
    assert sorted(os.listdir(folder + b"/vmfs")) == sorted(os.listdir(there))
    for name in names:
        assert Path(os.fsdecode(there + b"/" + name)).read_bytes() == name


def test_what_the_host_changes_below_is_seen_at_once(lab: Lab, mounted: Path) -> None:
    file = lab.folder / "file"
    for content in (b"first", b"other", b"longer than before"):
        file.write_bytes(content)
        assert (mounted / "file").read_bytes() == content
        assert (mounted / "file").stat().st_size == len(content)
    file.unlink()
    assert not (mounted / "file").exists()


def test_errors_keep_their_numbers(mounted: Path) -> None:
    with pytest.raises(FileNotFoundError):
        (mounted / "gone").read_bytes()
    with pytest.raises(FileExistsError):
        (mounted / "vmfs").mkdir()
    with pytest.raises(OSError, match="not empty"):
        (mounted / "vmfs").rmdir()


def test_a_second_hosts_mount_has_the_datastores_of_both(
    lab: Lab, tmp_path: Path, library: str
) -> None:
    second = add_host(lab, tmp_path / "second", "esx2", no_hook)
    (flat, *_) = list_flats(lab, "wro215ts")
    with serve(second, tmp_path / "mounted", library):
        assert (tmp_path / "mounted/vmfs").is_dir()
        assert not (tmp_path / "mounted/vmfs").is_symlink()
        assert run("cat", see(second, tmp_path / "mounted", flat)).returncode == 1
