"""What a check finds about places: the state folder, the scripts folder, the datastores. Pure."""

import fnmatch
import shlex
from collections.abc import Iterable, Mapping

from hlb_hooks.base.config_schema import DEFAULT_JOB
from hlb_hooks.base.config_snapshot import SnapshotConfig
from hlb_hooks.base.errors import StateError
from hlb_hooks.base.text import escape
from hlb_hooks.decisions.findings import Area, Finding, Severity, from_error, good
from hlb_hooks.decisions.phrase import Phrase, phrase
from hlb_hooks.decisions.space import GIB
from hlb_hooks.effects.client_scripts import ClientScript, ScriptState
from hlb_hooks.effects.disk_space import DiskSpace
from hlb_hooks.effects.state_place import StatePlace

MIB = 1024 * 1024
# A run of 500 VMs writes about one megabyte.
_FEW_BYTES, _NO_BYTES = 64 * MIB, 4 * MIB
_FEW_FILES = 100
START, END = "initial_backup", "initial_umount"


def check_state(place: StatePlace, damaged: Iterable[StateError]) -> list[Finding]:
    """Look at the state folder and at the files in it that cannot be read."""
    findings = [from_error(Area.STATE, place.trouble)] if place.trouble else []
    findings += [from_error(Area.STATE, error) for error in damaged]
    folder = place.folder
    if not place.is_writable:
        what = phrase("state_read_only", folder=folder)
        findings.append(Finding(Area.STATE, Severity.CRITICAL, what, phrase("mend_state")))
    is_short_of_files = place.free_files is not None and place.free_files < _FEW_FILES
    if is_short_of_files or (place.free_bytes is not None and place.free_bytes < _FEW_BYTES):
        is_full = is_short_of_files or (place.free_bytes or 0) < _NO_BYTES
        what = phrase("state_short", folder=folder, mib=(place.free_bytes or 0) // MIB)
        severity = Severity.CRITICAL if is_full else Severity.WARNING
        findings.append(Finding(Area.STATE, severity, what, phrase("mend_state")))
    if findings:
        return findings
    key = "state_good" if place.is_there else "state_not_there_yet"
    return [good(Area.STATE, phrase(key, folder=folder))]


def check_scripts(scripts: Iterable[ClientScript], version: str) -> list[Finding]:
    """Look at the hooks that the client is to run."""
    findings = [_judge_script(script, version) for script in scripts]
    faults = [finding for finding in findings if finding.severity is not Severity.OK]
    return faults or findings


def check_strays(folder: str, named: Iterable[str], jobs: Iterable[str]) -> list[Finding]:
    """Name the hooks of jobs that are not configured: avtar would be refused."""
    return [
        Finding(
            Area.SCRIPTS,
            Severity.WARNING,
            phrase("script_without_job", folder=folder, job=job),
            phrase("add_job", job=job),
        )
        for job in sorted(set(named) - set(jobs))
    ]


def name_script(hook: str, job: str) -> str:
    """Give the name by which the client runs a hook for a job."""
    return hook if job == DEFAULT_JOB else f"{hook}.{job}"


def is_for_avtar(owner: Iterable[str]) -> bool:
    """Tell whether the runs belong to avtar, which has a scripts folder; others need none."""
    return any(
        fnmatch.fnmatchcase(name, shape) for shape in owner for name in ("avtar", "avtar.bin")
    )


def check_space(rooms: Mapping[str, DiskSpace | None], settings: SnapshotConfig) -> list[Finding]:
    """Look at the room for deltas on the datastores of the chosen VMs."""
    findings = [_judge_room(name, room, settings) for name, room in sorted(rooms.items())]
    faults = [finding for finding in findings if finding.severity is not Severity.OK]
    return faults or findings


def _judge_room(name: str, room: DiskSpace | None, settings: SnapshotConfig) -> Finding:
    if room is None:
        what = phrase("space_unknown", datastore=name)
        return Finding(Area.SPACE, Severity.OK, what)
    percent = 100 * room.free_bytes / room.total_bytes
    words = {
        "datastore": name,
        "percent": f"{percent:.0f}",
        "gib": f"{room.free_bytes / GIB:.1f}",
    }
    if percent < settings.emergency_free_percent:
        return Finding(
            Area.SPACE, Severity.CRITICAL, phrase("space_gone", **words), phrase("make_space")
        )
    limit = max(room.total_bytes * settings.min_free_percent / 100, settings.min_free_gib * GIB)
    if room.free_bytes < limit:
        return Finding(
            Area.SPACE, Severity.WARNING, phrase("space_short", **words), phrase("make_space")
        )
    return good(Area.SPACE, phrase("space_good", **words))


def _judge_script(script: ClientScript, version: str) -> Finding:
    path = script.path
    if script.state is ScriptState.GOOD:
        return good(Area.SCRIPTS, phrase("script_good", path=path, version=version))
    quoted = escape(shlex.quote(path))
    faults: dict[ScriptState, tuple[Phrase, Phrase]] = {
        ScriptState.MISSING: (
            phrase("script_missing", path=path),
            phrase("link_hook", text=quoted),
        ),
        ScriptState.BROKEN_LINK: (
            phrase("script_broken_link", path=path, target=script.told),
            phrase("link_hook", text=quoted),
        ),
        ScriptState.REFUSED: (
            phrase("files_unreadable", message=script.told),
            phrase("mend_script", text=quoted),
        ),
        ScriptState.NOT_EXECUTABLE: (
            phrase("script_not_executable", path=path),
            phrase("make_executable", text=quoted),
        ),
        ScriptState.FOREIGN: (
            phrase("script_foreign", path=path),
            phrase("link_hook", text=quoted),
        ),
        ScriptState.PROBE: (phrase("script_is_probe", path=path), phrase("remove_probe")),
        ScriptState.BROKEN: (
            phrase("script_broken", path=path, told=script.told),
            phrase("install_again"),
        ),
        ScriptState.OTHER_VERSION: (
            phrase("script_of_other_version", path=path, told=script.told, version=version),
            phrase("install_again"),
        ),
    }
    what, next_step = faults[script.state]
    is_warning = script.state is ScriptState.OTHER_VERSION
    severity = Severity.WARNING if is_warning else Severity.CRITICAL
    return Finding(Area.SCRIPTS, severity, what, next_step)
