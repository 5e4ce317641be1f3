"""Files of a VM's folder, told apart by name: six digits, no more and no less."""

import pytest

from hlb_hooks.vmfiles.file_names import (
    is_configuration,
    is_left_by_running,
    name_base,
    name_disk,
)


@pytest.mark.parametrize(
    ("path", "base"),
    [
        ("/v/vm/vm-000001.vmdk", "/v/vm/vm.vmdk"),
        ("it's (1)_1-000012.VMDK", "it's (1)_1.vmdk"),
        ("a\nb-000001.vmdk", "a\nb.vmdk"),
        ("web-000001-000002.vmdk", "web-000001.vmdk"),
        ("vm.vmdk", None),
        ("vm-flat.vmdk", None),
        ("web-1-flat.vmdk", None),
        ("web-2009.vmdk", None),
        ("vm-0000001.vmdk", None),
        ("vm-\u0660\u0660\u0660\u0660\u0660\u0661.vmdk", None),
        ("-000001.vmdk", None),
        ("vm-000001-delta.vmdk", None),
    ],
)
def test_the_base_that_a_snapshots_descriptor_is_named_after(path: str, base: str | None) -> None:
    assert name_base(path) == base


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("vm-000001.vmdk", "vm"),
        ("vm_1-000003-delta.vmdk", "vm_1"),
        ("vm-000001-sesparse.vmdk", "vm"),
        ("/v/a b/vm-ctk.vmdk", "vm"),
        ("vm-000001-ctk.vmdk", "vm"),
        ("vm.vmdk", None),
        ("vm-flat.vmdk", None),
        ("vm-delta.vmdk", None),  # a linked clone's own data
        ("web-1-flat.vmdk", None),
        ("ctk.vmdk", None),
    ],
)
def test_the_disk_whose_snapshot_a_file_is_of(name: str, stem: str | None) -> None:
    assert name_disk(name) == stem


@pytest.mark.parametrize(
    "name",
    [
        *("vm.vmsd", "vm-Snapshot1.vmsn", "vm.vmss", "vm-1.vmem", "vm-0264bf9d.vswp"),
        *(
            "vm.hlb-claim",
            "vm.hlb-claim.0a1b2c3d",
            "vm.vmx.hlb",
            "vm.vmx.hlb-new",
            "vm.vmx.lck",
            ".lck-a4f0",
        ),
    ],
)
def test_what_a_snapshot_or_a_running_vm_leaves_is_told_from_what_it_is_made_of(name: str) -> None:
    assert is_left_by_running(name)
    assert not is_configuration(name)


@pytest.mark.parametrize(
    "name", ["vm.vmx", "VM.VMX", "vm.vmtx", "vm.vmdk", "vm-flat.vmdk", "vm.nvram", "vmware.log"]
)
def test_what_a_vm_is_made_of_stays(name: str) -> None:
    assert not is_left_by_running(name)


def test_a_configuration_is_known_by_its_ending() -> None:
    assert is_configuration("vm.vmx")
    assert is_configuration("template.vmtx")
    assert not is_configuration("vm.vmxf")
    assert not is_configuration(".vmx")
