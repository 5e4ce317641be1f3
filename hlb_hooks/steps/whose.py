"""Whose run it is: the owner of a new one, and the runs that a caller may end."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from hlb_hooks.base.errors import UsageError
from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.base.names import is_run_name
from hlb_hooks.base.text import escape
from hlb_hooks.decisions.activity import find_runs_of
from hlb_hooks.decisions.verdict import NOTHING
from hlb_hooks.effects import owner, processes
from hlb_hooks.effects.found_runs import FoundRun, FoundRuns
from hlb_hooks.effects.owner import Owner, ProcessOwner
from hlb_hooks.effects.owner_log import find_log_path
from hlb_hooks.effects.run_story import Run
from hlb_hooks.steps.context import Context
from hlb_hooks.steps.report import say_machine_line

_LEASE = re.compile(r"([0-9]{1,5})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_LONGEST_LEASE = timedelta(days=7)
_LOG_HEAD_BYTES = 64 * 1024


@dataclass(frozen=True)
class OwnerOptions:
    """What the command line says of the owner; the configuration's patterns come last."""

    owner_pid: int | None
    lease: str | None
    patterns: tuple[str, ...]


def find_owner(options: OwnerOptions) -> Owner:
    """Give the owner of a new run. Raise UsageError, naming the three ways, where there is none."""
    if options.lease is not None:
        return owner.lease_for(parse_lease(options.lease))
    if options.owner_pid is not None:
        return owner.owner_of_pid(options.owner_pid)
    found = owner.find_owner(options.patterns)
    if found is None:
        names = ", ".join(options.patterns)
        raise UsageError(
            f"no owner: none of this hook's ancestors is called {escape(names)}, so nothing would "
            "say when the snapshots may go; no snapshot is made",
            next_step="name your client in [run] owner, or say --owner-pid PID, or --lease 4h",
        )
    return found


def parse_lease(text: str) -> timedelta:
    """Read ``90s``, ``30m``, ``4h`` or ``1d``. Raise UsageError for anything else."""
    match = _LEASE.fullmatch(text)
    length = timedelta(**{_UNITS[match.group(2)]: int(match.group(1))}) if match else timedelta()
    if not timedelta() < length <= _LONGEST_LEASE:
        raise UsageError(
            f"--lease {escape(text)}: expected a time from 1s to 7d, such as 30m or 4h",
            next_step="say how long the backup may take at the most",
        )
    return length


class Caller(Enum):
    """How whoever ends a run knows that it may."""

    CLIENT = "client"  # it is the client, or its hook
    BY_OWNER_PID = "by --owner-pid"  # it says whose run it ends
    BY_RUN = "by --run"  # an operator, who may not know what the client does


def caller_of(run_name: str | None, options: OwnerOptions) -> Caller:
    """Tell by the command line who ends a run."""
    if run_name is not None:
        return Caller.BY_RUN
    return Caller.CLIENT if options.owner_pid is None else Caller.BY_OWNER_PID


def find_own_runs(
    found: FoundRuns, run_name: str | None, options: OwnerOptions
) -> tuple[Sequence[FoundRun], Owner | None]:
    """Give the runs that this caller may end, and the caller's owner where there is one.

    With ``--run`` exactly that one; with ``--owner-pid`` those of that process. Else those of the
    nearest ancestor that has any or is called like a client; by hand there is none. Raise
    UsageError for that, and for a run nobody knows.
    """
    if run_name is not None:
        named = [entry for entry in found.runs if entry.name == run_name]
        if not named:
            shape = "no state file knows this run" if is_run_name(run_name) else "no run's name"
            raise UsageError(
                f"--run {escape(run_name)}: {shape}",
                next_step="the runs there are: " + _list_open(found),
            )
        return named, named[0].owner
    if options.owner_pid is not None:
        caller = owner.owner_of_pid(options.owner_pid)
        return find_runs_of(found.runs, caller.process), caller
    client = owner.find_owner(options.patterns)
    for ancestor in processes.list_ancestors():
        own = find_runs_of(found.runs, ancestor)
        if own:
            return own, own[0].owner
        if client is not None and client.process == ancestor:
            # The nearest client has no run. What one above it has is not this caller's to end.
            return [], client
    raise UsageError(
        "by hand it must be said which run to end",
        next_step="say --run RUN; the open ones are: " + _list_open(found),
    )


def is_somebody_elses(run: Run) -> bool:
    """Tell whether a run's client lives and is no ancestor of this process."""
    owner = run.owner
    if not isinstance(owner, ProcessOwner) or owner.is_over():
        return False
    return owner.process not in processes.list_ancestors()


def is_restore(context: Context, who: Owner, job: str) -> bool:
    """Tell, and say, whether the owner is restoring: only on positive evidence.

    The evidence is ``-x`` or ``--extract`` on its command line, or on the one that the log named
    by its ``--logfile`` shows. Without any it is a backup. ``-x`` is avtar's: to other clients it
    says something else (borg: ``--one-file-system``).
    """
    if not isinstance(who, ProcessOwner):
        return False
    words = processes.read_arguments(who.process.pid)
    options = {"--extract", "--extract=true"}
    facts = processes.read_process(who.process.pid)
    if facts and any(name.startswith("avtar") for name in processes.read_process_names(facts)):
        options.add("-x")
    if not options & {*words, *_read_logged_words(words)}:
        return False
    context.speaker.say("restore", owner=who.describe())
    say_machine_line(context, job=job, run="-", tally=NOTHING, exit_code=ExitCode.DONE)
    return True


def _read_logged_words(words: Sequence[str]) -> Sequence[str]:
    """Give the words of the ``Command Line:`` in the owner's log.

    In a log that several runs write to, or that is longer than what is read here, it may be that
    of another run: that is no evidence.
    """
    path = find_log_path(words)
    text = processes.read_text_head(path, _LOG_HEAD_BYTES) if path.startswith("/") else ""
    lines = [line for line in text.splitlines() if "Command Line:" in line]
    is_whole = len(os.fsencode(text)) < _LOG_HEAD_BYTES
    return lines[0].split() if len(lines) == 1 and is_whole else ()


def _list_open(found: FoundRuns) -> str:
    names = [entry.name for entry in found.runs if not entry.is_ended]
    return ", ".join(names) if names else "none"
