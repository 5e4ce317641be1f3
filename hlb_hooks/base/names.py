"""Names made here: of jobs, runs and snapshots."""

import os
import re
from datetime import UTC, datetime

JOB_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")
SNAPSHOT_PREFIX = "HLB-"
_STAMP = "%Y%m%dT%H%M%SZ"
_RUN_NAME = re.compile(r"([A-Za-z0-9_-]{1,32})-([0-9]{8}T[0-9]{6}Z)-[0-9a-f]{8}")


def make_run_name(job: str, now: datetime) -> str:
    """Give ``<job>-<UTC time>-<random>``: unique, sortable within its job, safe as a file name."""
    return f"{job}-{now.strftime(_STAMP)}-{os.urandom(4).hex()}"


def make_snapshot_name(job: str, now: datetime) -> str:
    """Give ``HLB-<job>-<UTC time>-<random>``, for one attempt on one VM and never used again.

    ASCII letters, digits and ``-_`` only: the host's API has trouble with ``%``, ``/`` and line
    breaks.
    """
    return SNAPSHOT_PREFIX + make_run_name(job, now)


def is_run_name(text: str) -> bool:
    """Tell whether ``text`` has the form of a run's name."""
    return _RUN_NAME.fullmatch(text) is not None


def job_of_snapshot(name: str) -> str | None:
    """Give the job in a snapshot's name; None for a name that was not made here."""
    match = _RUN_NAME.fullmatch(name.removeprefix(SNAPSHOT_PREFIX))
    return match[1] if match and name.startswith(SNAPSHOT_PREFIX) else None


def moment_of_snapshot(name: str) -> datetime | None:
    """Give the moment in a snapshot's name; None for a name that was not made here."""
    match = _RUN_NAME.fullmatch(name.removeprefix(SNAPSHOT_PREFIX))
    if match is None or not name.startswith(SNAPSHOT_PREFIX):
        return None
    try:
        return datetime.strptime(match[2], _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None


def bears_our_prefix(snapshot_name: str) -> bool:
    """Tell whether a snapshot looks like ours; only a record of having made it makes it ours."""
    return snapshot_name.startswith(SNAPSHOT_PREFIX)
