"""The folder of an emulated host: its switches, its memory, and its locks."""

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from esx_files import read_text, write_text
from esx_words import Call, Failure, Switches, refuse_with_fault


class HostFolder:
    """What the host remembers in ``root`` between two calls of ``vmware-cmd``."""

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root).resolve()
        self.volumes = (self.root / "vmfs" / "volumes").resolve()
        self.vmware_cmd = self.root / "bin" / "vmware-cmd"
        self._switches_file = self.root / "esx.json"
        self._inventory_file = self.root / "hostd" / "inventory.json"
        self._calls_file = self.root / "hostd" / "calls.jsonl"

    def configure(self, **changes: Any) -> None:
        """Change switches (see ``Switches``); the others keep their values."""
        with self._locked("switches"):
            old = {}
            if self._switches_file.exists():
                old = json.loads(read_text(self._switches_file))
            self._write_switches({**old, **changes})

    def switches(self) -> Switches:
        return Switches.checked(json.loads(read_text(self._switches_file)))

    def _write_switches(self, raw: Mapping[str, Any]) -> None:
        Switches.checked(raw)
        write_text(self._switches_file, json.dumps(raw, indent=1))

    def next_failure(self, call: Call) -> Failure | None:
        """Find the failure ordered for this call, and count it."""
        with self._locked("switches"):
            raw = json.loads(read_text(self._switches_file))
            for entry in raw.get("fail", []):
                failure = Failure(**entry)
                wants_quiesce = call.command == "createsnapshot" and call.arguments[2] == "1"
                if (
                    failure.command in ("", call.command)
                    and failure.vmx in ("", call.vmx)
                    and (wants_quiesce or not failure.quiesce)
                    and failure.times != 0
                ):
                    if failure.times is not None:
                        entry["times"] = failure.times - 1
                        self._write_switches(raw)
                    return failure
        return None

    def power(self, vmx: str) -> str | None:
        """Give the power state of a VM; None when it is not registered here."""
        return self._inventory().get(vmx)

    def registered(self) -> list[str]:
        return list(self._inventory())

    def _inventory(self) -> dict[str, str]:
        return dict(json.loads(read_text(self._inventory_file)))

    def _change_inventory(self, vmx: str, power: str | None) -> None:
        with self._locked("inventory"):
            inventory = self._inventory()
            if power is None:
                del inventory[vmx]
            else:
                inventory[vmx] = power
            write_text(self._inventory_file, json.dumps(list(inventory.items())))

    def calls(self) -> list[list[str]]:
        """Give the arguments of every vmware-cmd so far, in the order they came."""
        return [record["argv"] for record in self.call_records()]

    def call_records(self) -> list[dict[str, Any]]:
        """Give, for every call: argv, cwd, environment, stdin (its file), session, pid."""
        return [json.loads(line) for line in read_text(self._calls_file).splitlines()]

    def log_call(self, argv: Sequence[str]) -> None:
        stdin = Path("/proc/self/fd/0")
        record = {
            "argv": list(argv),
            "cwd": str(Path.cwd()),
            "environment": dict(os.environ),
            "stdin": str(stdin.readlink()) if stdin.is_symlink() else None,
            "session": os.getsid(0),
            "pid": os.getpid(),
        }
        line = json.dumps(record).encode() + b"\n"
        file = os.open(self._calls_file, os.O_WRONLY | os.O_APPEND)
        os.write(file, line)
        os.close(file)

    @contextmanager
    def holding(self, point: Literal["task", "merge"]) -> Iterator[None]:
        """Hold the host's work at a point, for tests that must not depend on time.

        ``task``: a changing command was accepted and has done nothing yet. ``merge``: the entry
        has left the .vmsd, and the merge has not begun.
        """
        held = self.root / "hostd" / f"hold-{point}"
        held.touch()
        try:
            yield
        finally:
            held.unlink()

    def wait_while_held(self, point: str) -> None:
        held, deadline = self.root / "hostd" / f"hold-{point}", time.monotonic() + 120
        # A test that was killed never lets go; its host must not stay for ever.
        while held.exists() and time.monotonic() < deadline:
            time.sleep(0.01)

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        with (self.root / "hostd" / f"{name}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @contextmanager
    def locked_vm(self, vmx: str, kind: str, *, is_busy_an_error: bool = False) -> Iterator[None]:
        """Hold a VM; kept beside the datastores, for two hosts may share them."""
        digest = hashlib.sha256(os.fsencode(vmx)).hexdigest()
        with (self.volumes.parent / "locks" / f"{digest[:16]}.{kind}").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (fcntl.LOCK_NB if is_busy_an_error else 0))
            except BlockingIOError:
                refuse_with_fault("Operation failed since another task is in progress.")
            yield
