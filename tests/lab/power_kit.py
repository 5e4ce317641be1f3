"""What the tests of starting and registering share: VMs to start, and copies of them."""

import shutil
from pathlib import Path

from lab_kit import Outcome

from hlb_hooks.lab.files import write_file
from hlb_hooks.lab.layout import Lab
from hlb_hooks.lab.sample_vms import SampleDisk, SampleVm
from hlb_hooks.vmfiles.vmx import Vmx

SMALL = SampleDisk(65536)
VMS = [
    SampleVm("vm", disks=(SMALL, SMALL), power="off"),
    SampleVm("it's (2)", disks=(SMALL,), power="off", datastore=1),
    SampleVm("runs", disks=(SMALL,)),
    SampleVm("sleeps", disks=(SMALL,), power="suspended"),
    SampleVm("golden", disks=(SMALL,), power="off", is_template=True),
]


def refusal(lab: Lab, text: str) -> Outcome:
    """Give a fault of hostd's as ``vmware-cmd`` prints it."""
    if lab.read_settings().dialect == "vcli":
        return Outcome(1, "", f"{text}\n")
    soap = f"SoapError: ServerFaultCode(0) : ({text})"
    return Outcome(231, "", f"VMControl error -999: Unknown error: {soap}\n")


def copy_vm(config: Path, name: str, **keys: str) -> Path:
    """Copy a VM's folder beside it, as a restore to another place does; give the new .vmx.

    ``keys`` are set in it as by ``set_keys``.
    """
    folder = config.parent.with_name(name)
    shutil.copytree(config.parent, folder)
    set_keys(folder / config.name, **keys)
    return folder / config.name


def set_keys(config: Path, **keys: str) -> None:
    """Give keys of a .vmx other values; ``__`` stands for a dot, ``_at_`` for a colon."""
    vmx = Vmx.parse(config.read_bytes(), str(config))
    for key, value in keys.items():
        vmx.set(key.replace("__", ".").replace("_at_", ":"), value)
    write_file(config, vmx.to_bytes())


def read_key(config: Path, key: str) -> str | None:
    return Vmx.parse(config.read_bytes(), str(config)).get(key)
