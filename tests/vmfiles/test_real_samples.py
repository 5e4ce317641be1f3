"""The readers on real files, which lie beside the project and are read there."""

import shutil
from pathlib import Path

import pytest

from hlb_hooks.decisions.restore.options import RestoreOptions
from hlb_hooks.decisions.restore.plan import plan_restore
from hlb_hooks.effects.restored_folder import read_restored_folder
from hlb_hooks.vmfiles.vmx import Vmx, VmxDisk

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "samples"

pytestmark = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason="there are no sample files in ../shared/samples"
)


def read_sample(name: str) -> tuple[bytes, Vmx]:
    path = SAMPLES / name
    data = path.read_bytes()
    return data, Vmx.parse(data, str(path))


def test_there_is_a_sample() -> None:
    assert list(SAMPLES.glob("*.vmx"))


def test_every_sample_is_written_back_as_it_was_read() -> None:
    for path in sorted(SAMPLES.glob("*.vmx")):
        data, vmx = read_sample(path.name)
        assert vmx.to_bytes() == data
        assert vmx.garbled_lines() == []
        assert vmx.duplicates() == []
        assert vmx.shared_bus_controllers() == []
        assert vmx.display_name


def test_a_vm_of_esx_3_has_one_disk_beside_its_cd_rom() -> None:
    _data, vmx = read_sample("esx-in-the-wild-1.vmx")
    assert vmx.display_name == "Fedora11"
    assert vmx.disks() == [VmxDisk("scsi0:0", "Fedora11.vmdk", "", "scsi-hardDisk")]
    assert vmx.get("uuid.location") == "56 4d b5 06 a2 bd fb eb-ae 86 f7 d8 49 27 d0 c4"


def test_a_vm_with_a_snapshot_open_can_be_put_back_on_its_base() -> None:
    data, vmx = read_sample("esx-in-the-wild-6.vmx")
    (disk,) = vmx.disks()
    assert (disk.node, disk.file_name) == ("scsi0:0", "el6-test-000001.vmdk")
    vmx.set(f"{disk.node}.fileName", "el6-test.vmdk")
    assert vmx.to_bytes() == data.replace(b"el6-test-000001.vmdk", b"el6-test.vmdk")


BASE = """\
# Disk DescriptorFile
CID=1
parentCID=ffffffff
createType="vmfs"
RW 1 VMFS "{stem}-flat.vmdk"
"""
DELTA = """\
# Disk DescriptorFile
CID=2
parentCID=1
createType="vmfsSparse"
parentFileNameHint="{stem}.vmdk"
RW 1 VMFSSPARSE "{stem}-000001-delta.vmdk"
"""


def restore_sample(sample: str, stem: str, folder: Path) -> bytes:
    """Give what ``hlb restore`` makes of a real .vmx, with a small disk for each that it names."""
    shutil.copy(SAMPLES / sample, folder / f"{stem}.vmx")
    (folder / f"{stem}.vmdk").write_text(BASE.format(stem=stem))
    (folder / f"{stem}-000001.vmdk").write_text(DELTA.format(stem=stem))
    (folder / f"{stem}-flat.vmdk").write_bytes(bytes(512))
    plan = plan_restore(read_restored_folder(str(folder), None), (), RestoreOptions(uuid="create"))
    (text,) = plan.texts
    return text.new


def test_a_vm_of_esx_3_is_restored_as_a_copy_by_three_lines(tmp_path: Path) -> None:
    data, _vmx = read_sample("esx-in-the-wild-1.vmx")
    gone = (b"sched.swap.derivedName", b"ethernet0.generatedAddress")
    lines = [line for line in data.splitlines(keepends=True) if not line.startswith(gone)]
    end = b"" if data.endswith(b"\n") else b"\n"
    wanted = b"".join(lines) + end + b'uuid.action = "create"\n'
    assert restore_sample("esx-in-the-wild-1.vmx", "Fedora11", tmp_path) == wanted


def test_a_vm_with_a_snapshot_open_is_restored_by_five_lines(tmp_path: Path) -> None:
    data, _vmx = read_sample("esx-in-the-wild-6.vmx")
    gone = (b"sched.swap.derivedName", b"ethernet0.generatedAddress")
    lines = [line for line in data.splitlines(keepends=True) if not line.startswith(gone)]
    wanted = b"".join(lines).replace(b"el6-test-000001.vmdk", b"el6-test.vmdk")
    end = b"" if data.endswith(b"\n") else b"\n"
    wanted += end + b'uuid.action = "create"\n'
    assert restore_sample("esx-in-the-wild-6.vmx", "el6-test", tmp_path) == wanted
