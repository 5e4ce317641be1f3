"""The VMs of a lab: first the odd ones that a backup has to cope with, then plain ones."""

from dataclasses import dataclass
from enum import Enum

KIB = 1024
MIB = 1024 * KIB
PLAIN_DISK_BYTES = 64 * KIB


class DiskKind(Enum):
    """What stands in the .vmx and the descriptor of a disk."""

    NORMAL = "normal"
    INDEPENDENT = "independent"
    PHYSICAL_RAW_DEVICE = "physical raw device"


@dataclass(frozen=True)
class SampleDisk:
    """A disk to be made; with ``is_elsewhere`` in a folder on the other datastore."""

    size_bytes: int = MIB
    kind: DiskKind = DiskKind.NORMAL
    is_elsewhere: bool = False


@dataclass(frozen=True)
class SampleVm:
    """A VM to be made; its folder and its files are called ``directory``.

    ``admin_snapshot`` is the name of a snapshot that the administrator has made and left.
    """

    directory: str
    disks: tuple[SampleDisk, ...] = (SampleDisk(),)
    display_name: str = ""
    power: str = "on"
    datastore: int = 0
    is_template: bool = False
    has_shared_bus: bool = False
    admin_snapshot: str = ""

    @property
    def name(self) -> str:
        """The display name, which is the folder's unless it was given."""
        return self.display_name or self.directory


ODD_VMS = (
    SampleVm("wro215ts", disks=(SampleDisk(4 * MIB), SampleDisk(MIB))),
    SampleVm("sql server (2)", disks=(SampleDisk(2 * MIB), SampleDisk(MIB))),
    SampleVm("web+app"),
    SampleVm("it's", datastore=1),
    SampleVm("two lines", display_name="two\nlines"),
    SampleVm("golden", power="off", is_template=True),
    SampleVm("mailstore", disks=(SampleDisk(), SampleDisk(kind=DiskKind.PHYSICAL_RAW_DEVICE))),
    SampleVm(
        "branch-scratch", disks=(SampleDisk(), SampleDisk(kind=DiskKind.INDEPENDENT)), datastore=1
    ),
    SampleVm("patchday", admin_snapshot="before the March patches"),
    SampleVm("branch-archive", power="off"),
    SampleVm("branch-laptop", power="suspended"),
    SampleVm("branch-files", disks=(SampleDisk(), SampleDisk(is_elsewhere=True))),
    SampleVm("cluster-node-a", disks=(SampleDisk(256 * KIB),), has_shared_bus=True),
)

TARGETS = """\
# Which VMs the backup takes, one a line: display name, folder name or .vmx path, or a pattern.
# A name with a line break in it is written the way the report shows it.
wro215ts
sql server (2)
web+app
it's
two\\nlines
branch-*
!branch-scratch
# Nobody has this one here: it is reported, as it may be on another host.
decommissioned-2008
# patchday bears a snapshot of the administrator, and removing one would remove his too. Take the
# '#' away to see it left out, by name, and the run end in 1:
#patchday
"""


def list_sample_vms(count: int) -> list[SampleVm]:
    """Give ``count`` VMs: the odd ones come first, each further one is plain and small."""
    plain = [
        SampleVm(f"vm{number:03}", disks=(SampleDisk(PLAIN_DISK_BYTES),), datastore=number % 2)
        for number in range(len(ODD_VMS) + 1, count + 1)
    ]
    return [*ODD_VMS[:count], *plain]
