"""The readers on real files, which lie beside the project and are read there."""

from pathlib import Path

import pytest

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
