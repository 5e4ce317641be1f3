"""What the tests of ``hlb restore`` share: VMs that are backed up, lost, and put back.

A backup here is what any client reads of a VM while a snapshot of ours is open: every file that
the host does not have locked, which is all but the delta's data and the swap file.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from esx import Host
from hook_kit import PROGRAMS
from hook_story import Outcome
from hook_watching import PATIENCE_SECONDS, picture

from hlb_hooks.effects.claims import Claim

OUR_SNAPSHOT = "HLB-default-20261007T010000Z-0a1b2c3d"
SNAPSHOT_TIME = datetime(2026, 10, 7, 1, 0, 0, tzinfo=UTC)
KEPT = "before-restore"
CHANGING = {"register", "start", "answer"}
_LOCKED = re.compile(r".*(-delta\.vmdk|\.vswp|\.lck)")


@dataclass
class Backup:
    """The files of a VM by their absolute paths, as the client read them."""

    vmx: Path
    files: dict[Path, bytes] = field(repr=False)

    @property
    def folder(self) -> Path:
        return self.vmx.parent

    def drop(self, *names: str) -> "Backup":
        """Leave files out that the dataset did not cover."""
        for name in names:
            del self.files[self.folder / name]
        return self

    def change(self, name: str, change: Callable[[bytes], bytes]) -> "Backup":
        """Let a file have been another one."""
        path = self.folder / name
        before = self.files[path]
        self.files[path] = change(before)
        assert self.files[path] != before, "the change changes nothing"
        return self

    def put_back(self, folder: Path | None = None) -> Path:
        """Write the files where they were; or into another folder, with what lay elsewhere."""
        target = folder or self.folder
        for path, data in self.files.items():
            is_inside = self.folder in path.parents
            own = target / path.relative_to(self.folder) if is_inside else target / path.name
            place = own if is_inside or folder else path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
            # Well before any snapshot: what is not told otherwise is old.
            stamp(place, SNAPSHOT_TIME - timedelta(days=1))
        return target


class RestoreSite:
    """A host, and the configuration that ``hlb restore`` reaches it by."""

    def __init__(self, root: Path, dialect: str = "console") -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.root = root
        self.host = Host.create(root / "esx", dialect=dialect)
        self.config = root / "hlb.toml"
        self.configure()

    def configure(self, **host: object) -> None:
        keys = {
            "vmware_cmd": str(self.host.vmware_cmd),
            "command_timeout_seconds": 20,
            **host,
        }
        lines = [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
        state = json.dumps(str(self.root / "state"))
        log = json.dumps(str(self.root / "hlb.log"))
        text = "\n".join(
            [
                "[host]",
                *lines,
                "[paths]",
                f"state_dir = {state}",
                f"log_file = {log}",
                "",
            ]
        )
        self.config.write_text(text, "utf-8")
        self.config.chmod(0o600)

    @property
    def volumes(self) -> Path:
        return self.host.volumes

    # -- backups

    def back_up(
        self,
        vmx: str,
        *,
        snapshot: str = OUR_SNAPSHOT,
        has_saved: bool = True,
        has_claim: bool = True,
        is_lost: bool = True,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> Backup:
        """Snapshot a VM as the start hook does, read it as a client does; then the VM is lost."""
        path = Path(vmx)
        before = path.read_bytes()
        if snapshot:
            self.host.take_admin_snapshot(vmx, snapshot)
        meanwhile()
        files = self._read(path)
        if has_saved:
            files[Path(f"{vmx}.hlb")] = before
        if has_claim:
            files[path.with_suffix(".hlb-claim")] = make_claim(vmx, snapshot)
        if is_lost:
            self.lose(vmx)
        elif snapshot:
            self.host.remove_admin_snapshots(vmx)
        return Backup(path, files)

    def _read(self, vmx: Path) -> dict[Path, bytes]:
        text = vmx.read_bytes().decode("utf-8", "surrogateescape")
        elsewhere = {Path(name).parent for name in re.findall(r'= "(/.*\.vmdk)"', text)}
        return {
            path: path.read_bytes()
            for folder in {vmx.parent, *elsewhere}
            for path in sorted(folder.rglob("*"))
            if path.is_file() and not _LOCKED.fullmatch(path.name)
        }

    def lose(self, vmx: str) -> None:
        """Take a VM and all of its files away."""
        path = Path(vmx)
        for name in re.findall(r'= "(/.*\.vmdk)"', path.read_text("utf-8", "surrogateescape")):
            shutil.rmtree(Path(name).parent, ignore_errors=True)
        shutil.rmtree(path.parent)
        if vmx in self.host.registered():
            self.host.unregister(vmx)

    # -- the program

    def run(self, folder: Path | str, *options: str | Path) -> Outcome:
        return run_program(self.command(folder, *options))

    def command(self, folder: Path | str, *options: str | Path) -> list[str]:
        words = [PROGRAMS / "hlb", "restore", "--config", self.config, folder, *options]
        return [os.fspath(word) for word in words]

    def restore(self, folder: Path, *options: str | Path) -> Outcome:
        """Rehearse, restore, and restore again: the same exit code, and nothing to do any more."""
        rehearsed = self.rehearse(folder, *options)
        outcome = self.run(folder, *options)
        assert outcome.exit_code == rehearsed.exit_code == 0, outcome.stdout
        before = self.look()
        again = self.run(folder, *options)
        assert again.exit_code == 0, again.stdout
        assert differing(before, self.look()) == set(), again.stdout
        assert "written:" not in again.stdout
        return outcome

    def rehearse(self, folder: Path, *options: str | Path) -> Outcome:
        """Make a dry run; it changes not a byte."""
        before, calls = self.look(), self.changing_calls()
        outcome = self.run(folder, "--dry-run", *options)
        assert differing(before, self.look()) == set()
        assert self.changing_calls() == calls
        return outcome

    def refuse(self, folder: Path, *options: str | Path, exit_code: int = 1) -> str:
        """Let it be refused, in a rehearsal too, with nothing changed; give the words."""
        rehearsed = self.rehearse(folder, *options)
        before = self.look()
        outcome = self.run(folder, *options)
        assert differing(before, self.look()) == set()
        assert outcome.stdout == rehearsed.stdout
        assert outcome.exit_code == rehearsed.exit_code == exit_code, outcome.stdout
        return outcome.stdout

    def look(self) -> dict[str, tuple[Any, ...]]:
        """Give all that a refusal or a rehearsal must leave as it is."""
        return picture(self.root, without=[self.host.root / "hostd"])

    def changing_calls(self) -> list[list[str]]:
        return [call for call in self.host.calls() if CHANGING & set(call)]


def run_program(command: list[str], timeout_seconds: float = PATIENCE_SECONDS) -> Outcome:
    done = subprocess.run(
        command,
        capture_output=True,
        check=False,
        cwd="/",
        stdin=subprocess.DEVNULL,
        timeout=timeout_seconds,
    )
    outcome = Outcome(done.returncode, os.fsdecode(done.stdout), os.fsdecode(done.stderr))
    assert "Traceback" not in outcome.stdout + outcome.stderr, outcome.stderr
    return outcome


def differing(before: Mapping[str, object], after: Mapping[str, object]) -> set[str]:
    return {path for path in before | after if before.get(path) != after.get(path)}


def make_claim(vmx: str, snapshot: str = OUR_SNAPSHOT) -> bytes:
    claim = Claim("esx1", "boot", "run", snapshot, SNAPSHOT_TIME, is_released=False, vmx=vmx)
    return claim.to_bytes()


def stamp(path: Path, moment: datetime) -> None:
    os.utime(path, (moment.timestamp(), moment.timestamp()))


def read_keys(vmx: Path) -> dict[str, str]:
    """Read a .vmx without the package's help; keys in lower case."""
    text = vmx.read_bytes().decode("utf-8", "surrogateescape")
    found = re.findall(r'^\s*([^\s=#]+)\s*=\s*"(.*)"\s*$', text, re.MULTILINE)
    return {key.lower(): value for key, value in found}


def list_names(folder: Path) -> list[str]:
    """Give the names of what lies in a folder itself."""
    return sorted(entry.name for entry in folder.iterdir() if entry.name != KEPT)


def replace(old: str, new: str) -> Callable[[bytes], bytes]:
    """Change some text of a file."""
    return lambda data: data.replace(old.encode(), new.encode())


def set_geometry(sectors_of_disk: int = 128) -> Callable[[bytes], bytes]:
    """Give a descriptor the geometry that belongs to its size."""
    cylinders = sectors_of_disk // 64

    def change(data: bytes) -> bytes:
        for name, number in (("cylinders", cylinders), ("heads", 8), ("sectors", 8)):
            data = re.sub(rf'(geometry\.{name}) = "\d+"'.encode(), rb'\1 = "%d"' % number, data)
        return data

    return change
