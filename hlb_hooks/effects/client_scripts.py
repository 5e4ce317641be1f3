"""The client's scripts folder: which hooks lie there, whether they are ours, of which version."""

import os
import re
from dataclasses import dataclass
from enum import Enum

from hlb_hooks.base.errors import HlbError
from hlb_hooks.base.names import JOB_NAME
from hlb_hooks.base.trusted_files import read_trusted
from hlb_hooks.effects.commands import Command, CommandRunner
from hlb_hooks.effects.effect_kind import EffectKind, reads

_MAX_SCRIPT_BYTES = 64 * 1024
_LIMIT_SECONDS = 60
_LINK = re.compile(rf"(?:initial_backup|initial_umount)\.({JOB_NAME.pattern})")


class ScriptState(Enum):
    """What is the matter with a hook in the scripts folder."""

    GOOD = "good"
    MISSING = "missing"
    BROKEN_LINK = "broken link"
    REFUSED = "refused"  # somebody else could have written it
    NOT_EXECUTABLE = "not executable"
    FOREIGN = "foreign"  # a script that is not ours
    PROBE = "probe"  # the inert hook of `hlb probe`
    BROKEN = "broken"  # ours, and it does not start
    OTHER_VERSION = "other version"


@dataclass(frozen=True)
class ClientScript:
    """One hook as it lies there. ``told``: what it said, or why it was refused."""

    path: str
    state: ScriptState
    told: str = ""


@reads
def read_client_script(
    folder: str, name: str, hook: str, version: str, runner: CommandRunner
) -> ClientScript:
    """Look at ``name``, which is to be ``hook`` of ``version``.

    It is asked for its version, but only when it is ours: nobody knows what another does.
    """
    path = os.path.join(folder, name)
    if not os.path.lexists(path):
        return ClientScript(path, ScriptState.MISSING)
    if not os.path.exists(path):
        return ClientScript(path, ScriptState.BROKEN_LINK, os.path.realpath(path))
    try:
        content = read_trusted(path, "hook", _MAX_SCRIPT_BYTES)
    except HlbError as error:
        return ClientScript(path, ScriptState.REFUSED, error.message)
    if is_probe(content):
        return ClientScript(path, ScriptState.PROBE)
    if f"from hlb_hooks.entry.hooks import {hook}\n".encode() not in content:
        return ClientScript(path, ScriptState.FOREIGN)
    if not os.access(path, os.X_OK):
        return ClientScript(path, ScriptState.NOT_EXECUTABLE)
    return _ask(path, hook, version, runner)


@reads
def list_jobs_of_scripts(folder: str) -> tuple[str, ...]:
    """Give the jobs that the start and end hooks in ``folder`` name after a dot."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return ()
    return tuple(dict.fromkeys(match[1] for name in names if (match := _LINK.fullmatch(name))))


def is_probe(content: bytes) -> bool:
    """Tell the script that `hlb probe` puts in a hook's place."""
    return b"from hlb_hooks.entry.probe_script import " in content


def _ask(path: str, hook: str, version: str, runner: CommandRunner) -> ClientScript:
    argv = (path, "--version")
    try:
        answer = runner.run(
            Command(f"{hook} --version", argv, EffectKind.READS, _LIMIT_SECONDS, "fixed")
        )
    except HlbError as error:
        return ClientScript(path, ScriptState.BROKEN, error.message)
    told = os.fsdecode(answer.stdout or answer.stderr).strip()
    if answer.exit_code:
        return ClientScript(path, ScriptState.BROKEN, told[-200:])
    state = ScriptState.GOOD if told == f"{hook} {version}" else ScriptState.OTHER_VERSION
    return ClientScript(path, state, told)
