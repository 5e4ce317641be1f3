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
AFTER_REMOVAL = ("counter", "zero", "empty", "absent")
"""What the removal of the last snapshot leaves of a .vmsd: the counter alone, as real hosts do;
the counter and ``numSnapshots = "0"``, seen too; an empty file; or no file."""
REGISTER_TWICE = ("fault", "error")
"""What a console says of a VM that it knows already: a fault of hostd's (ESX 3 gives a -999), or
VMControl's own error -20 (VMware Server)."""
UUID_QUESTIONS = ("dialect", "altered", "might", "moved")
"""In which words a VM asks whether it was moved or copied: those of the dialect (a console's are
``moved``), "may have been", "might have been", or the 2009 talk's with five choices."""
START_WHILE_ASKING = ("waits", "fails", "times out", "returns")
"""What ``start`` does while the VM that it starts asks something."""
WITHOUT_INPUT = ("default", "fails")
"""What ``answer`` does at the end of its input."""
SHARED_FOLDERS = ("locks", "tasks", "instants", "shadow", "hosts")
"""What hosts on the same datastores have in common, below ``Lab.hostd``: a second host's are links
to the first one's. ``hosts`` holds a link to the folder of each."""


@dataclass(frozen=True)
class LabSettings:
    """How this host behaves; kept in lab.json and read anew by each command.

    What is not known of real hosts is a setting: whether ``-l`` lists templates, which stream
    errors go to, whether a removal shows its helper snapshot meanwhile, what it leaves in the .vmsd
    (``AFTER_REMOVAL``), whether tasks outlive a restart of the management daemon, and what is said
    of a VM that is registered twice (``REGISTER_TWICE``).
    ``merge_pause_seconds`` is waited between the pieces of a merge. ``host_name`` is what the
    hooks' configuration calls this host. ``host_id`` is what it makes its VMs' ``uuid.location``
    from, with their paths: hosts of one lab have the same unless they are given others, as if
    VirtualCenter answered for them whatever it moves.

    A question: ``uuid_question`` (``UUID_QUESTIONS``), ``first_choice`` and ``reverses_choices``
    (the choices' numbers and order), ``start_while_asking`` (``START_WHILE_ASKING``), and
    ``answer_without_input`` (``WITHOUT_INPUT``).
    """

    dialect: str = "console"
    seed: int = 2009
    lists_templates: bool = True
    error_stream: str = "stderr"
    merge_pause_seconds: float = 0.0
    host_name: str = "esx1"
    shows_helper: bool = False
    vmsd_after_removal: str = "counter"
    hostd_restart_kills_tasks: bool = False
    register_twice: str = "fault"
    host_id: str = "lab"
    uuid_question: str = "dialect"
    first_choice: int = 0
    reverses_choices: bool = False
    start_while_asking: str = "waits"
    answer_without_input: str = "default"

    def __post_init__(self) -> None:
        """Raise ValueError for a word that is none of those allowed."""
        for word, allowed in (
            (self.dialect, DIALECTS),
            (self.error_stream, ("stdout", "stderr")),
            (self.vmsd_after_removal, AFTER_REMOVAL),
            (self.register_twice, REGISTER_TWICE),
            (self.uuid_question, UUID_QUESTIONS),
            (self.start_while_asking, START_WHILE_ASKING),
            (self.answer_without_input, WITHOUT_INPUT),
        ):
            if word not in allowed:
                raise ValueError(f"{word!r} is none of {', '.join(allowed)}")

    @property
    def wording_of_uuid_question(self) -> str:
        """Which of ``altered``, ``might`` and ``moved`` this host says."""
        if self.uuid_question != "dialect":
            return self.uuid_question
        return "moved" if self.dialect == "console" else "altered"

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
        """The place of /vmfs/volumes: one path for all hosts that share the datastores."""
        return (self.folder / "vmfs").resolve() / "volumes"

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
