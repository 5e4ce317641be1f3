"""Where everything lies in a lab folder, and the settings that say how its host behaves."""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from hlb_hooks.base.errors import UsageError
from hlb_hooks.lab.files import hold_lock, write_file

DIALECTS = ("console", "vcli")


@dataclass(frozen=True)
class LabSettings:
    """How this host behaves; kept in lab.json and read anew by each command.

    What is not known of real hosts is a setting: whether ``-l`` lists templates, and which
    stream errors go to. ``merge_pause_seconds`` is waited between the pieces of a merge.
    """

    dialect: str = "console"
    seed: int = 2009
    lists_templates: bool = True
    error_stream: str = "stderr"
    merge_pause_seconds: float = 0.0

    def __post_init__(self) -> None:
        """Raise ValueError for a dialect or a stream that there is not."""
        if self.dialect not in DIALECTS or self.error_stream not in {"stdout", "stderr"}:
            raise ValueError(f"dialect {self.dialect!r}, error_stream {self.error_stream!r}")

    @property
    def puts_deltas_beside_parent(self) -> bool:
        """Whether a delta lies beside its parent disk, or in the VM's own folder.

        ESX 3 and 4 keep all deltas of a VM in one place (VMware KB 1027887); the vSphere 6
        manual says "by default, the first and all delta disks are stored with the base".
        """
        return self.dialect == "vcli"


@dataclass(frozen=True)
class Lab:
    """The paths of one lab. ``folder`` is absolute and has no symbolic link in it."""

    folder: Path

    @property
    def settings_file(self) -> Path:
        """The file that makes a folder a lab."""
        return self.folder / "lab.json"

    @property
    def programs(self) -> Path:
        """The folder of ``vmware-cmd`` and ``avtar``."""
        return self.folder / "bin"

    @property
    def volumes(self) -> Path:
        """The place of /vmfs/volumes."""
        return self.folder / "vmfs/volumes"

    @property
    def hostd(self) -> Path:
        """What the host's management daemon keeps for itself."""
        return self.folder / "hostd"

    @property
    def sysdir(self) -> Path:
        """The client's etc folder; the hooks lie in ``scripts`` below it."""
        return self.folder / "avamar/etc"

    @property
    def vardir(self) -> Path:
        """The client's var folder: logs, locks, and the hooks' state."""
        return self.folder / "avamar/var"

    @property
    def store(self) -> Path:
        """What stands for the backup server."""
        return self.folder / "store"

    def shadow_file(self, descriptor: Path) -> Path:
        """Give the place of the copy to which every write of a guest goes too."""
        return self.hostd / "shadow" / make_key(descriptor)

    def instants_folder(self, vmx: Path) -> Path:
        """Give the folder of the records of a VM's disks at its snapshots."""
        return self.hostd / "instants" / make_key(vmx)

    def read_settings(self) -> LabSettings:
        """Read lab.json. Raise UsageError when this is no lab, or not one of this version."""
        try:
            found = json.loads(self.settings_file.read_text("utf-8"))
            return LabSettings(**found)
        except (OSError, ValueError, TypeError) as error:
            known = ", ".join(field.name for field in fields(LabSettings))
            raise UsageError(
                f"{self.folder} is no lab: lab.json cannot be used ({error}); it holds {known}",
                next_step="make one with: hlb lab create DIR",
            ) from error

    def write_settings(self, settings: LabSettings) -> None:
        """Write lab.json."""
        write_file(self.settings_file, json.dumps(asdict(settings), indent=2).encode() + b"\n")

    @contextlib.contextmanager
    def hold_vm(self, vmx: Path) -> Iterator[None]:
        """Keep a VM's guest and its disks still: for an instant, a write, or a piece of a merge."""
        with hold_lock(self.hostd / "locks" / make_key(vmx)):
            yield


def open_lab(folder: str) -> Lab:
    """Give the lab in ``folder``. Raise UsageError when there is none."""
    lab = Lab(Path(folder).resolve())
    lab.read_settings()
    return lab


def make_key(path: Path) -> str:
    """Give a short name for a path that may hold any byte, for files of the lab's own."""
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:20]
