"""What the inert hooks write down: a file a call, an event a line, as JSON."""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hlb_hooks.base.errors import StateError
from hlb_hooks.effects.effect_kind import changes, reads
from hlb_hooks.effects.found_runs import check_folder
from hlb_hooks.effects.regular_files import read_regular_file
from hlb_hooks.effects.replaced_files import replace_file

FOLDER_NAME = "probe"
_SETTINGS = "settings.json"
_SUFFIX = ".jsonl"
_MAX_BYTES = 1 << 24


@dataclass(frozen=True)
class ProbeSettings:
    """How an inert hook behaves: how long it stays, its exit code, and who is called a client."""

    stay_seconds: float
    exit_code: int
    owner: tuple[str, ...]


@dataclass(frozen=True)
class ProbeRecord:
    """One call's file. Several processes append to it, a line at once."""

    path: str

    @changes
    def note(self, event: str, **details: Any) -> None:
        """Write an event down. A full disk costs the event."""
        moment = datetime.now(UTC).isoformat(timespec="milliseconds")
        table = {"time": moment, "pid": os.getpid(), "event": event, **details}
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(descriptor, json.dumps(table).encode("ascii") + b"\n")
            finally:
                os.close(descriptor)
        except OSError:
            return  # nobody may learn of it: this process is only to look


@reads
def begin_record(folder: str, hook: str) -> ProbeRecord:
    """Give the record of a call that begins now; its name sorts by time."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    return ProbeRecord(os.path.join(folder, f"{stamp}-{hook}-{secrets.token_hex(2)}{_SUFFIX}"))


@reads
def read_records(folder: str) -> list[list[Mapping[str, Any]]]:
    """Give the events of each call, the oldest call first. A line that was cut short is left out.

    Raise StateError when the folder cannot be read.
    """
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(_SUFFIX))
        return [_read_events(os.path.join(folder, name)) for name in names]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StateError(
            f"{folder}: what the probe saw cannot be read: {error.strerror}",
            next_step="mend its permissions or the disk it is on",
        ) from error


@changes
def write_settings(folder: str, settings: ProbeSettings) -> None:
    """Make the folder, and say in it how the inert hooks behave. Raise StateError."""
    table = {**vars(settings), "owner": list(settings.owner)}
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        check_folder(folder)
        replace_file(os.path.join(folder, _SETTINGS), json.dumps(table).encode("ascii"))
    except OSError as error:
        raise StateError(
            f"{folder}: cannot be written: {error.strerror}", next_step="make room or mend it"
        ) from error


@reads
def read_settings(folder: str) -> ProbeSettings:
    """Read what ``write_settings`` wrote; what cannot be read is what stays shortest."""
    try:
        table = json.loads(read_regular_file(os.path.join(folder, _SETTINGS), 1 << 16))
        return ProbeSettings(
            float(table["stay_seconds"]), int(table["exit_code"]), tuple(table["owner"])
        )
    except (OSError, ValueError, KeyError, TypeError):
        return ProbeSettings(0, 0, ("avtar*",))


def _read_events(path: str) -> list[Mapping[str, Any]]:
    events: list[Mapping[str, Any]] = []
    for line in read_regular_file(path, _MAX_BYTES).split(b"\n"):
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            events.append(event)
    return events
