"""Starting the guard: a process that outlives the hook, avtar, and whatever kills the two.

It is in a session of its own, in ``/``, with every inherited descriptor closed: avtar reads the
hook's stdout to its end, and that end does not come while anybody holds the pipe.
"""

import os
import select
import sys
from dataclasses import dataclass
from typing import Protocol

from hlb_hooks.base.errors import GuardError
from hlb_hooks.base.speech import Speaker
from hlb_hooks.effects import processes
from hlb_hooks.effects.effect_kind import changes, reads
from hlb_hooks.effects.journal import Journal
from hlb_hooks.effects.processes import ProcessIdentity
from hlb_hooks.effects.records import Flag

GUARD_MODULE = "hlb_hooks.entry.guard"
READY = b"ready\n"
_ENVIRONMENT = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C", "LC_ALL": "C", "HOME": "/"}


@dataclass(frozen=True)
class StartingGuard:
    """A guard on its way: the pipe on which it says that it watches."""

    pipe: int


class Guards(Protocol):
    """How a step comes by a guard."""

    @changes
    def start(self, journal: Journal) -> StartingGuard | None:
        """Start a guard for a run and do not wait for it. Raise GuardError."""

    @changes
    def wait_until_ready(self, guard: StartingGuard | None, journal: Journal) -> None:
        """Return once the guard watches, and note its pid. Raise GuardError if it does not."""


class GuardStarter:
    """The real thing."""

    @changes
    def start(self, journal: Journal) -> StartingGuard | None:
        """Fork twice, so that the guard's parent is init, then run a fresh interpreter."""
        try:
            reader, writer = os.pipe()
            child = os.fork()
        except OSError as error:
            raise GuardError(
                f"the guard cannot be started: {error.strerror}",
                next_step="the host lacks memory or processes; no snapshot is made without a guard",
            ) from error
        if child == 0:
            _become_guard(writer, journal.path)
        os.close(writer)
        os.waitpid(child, 0)
        return StartingGuard(reader)

    @changes
    def wait_until_ready(self, guard: StartingGuard | None, journal: Journal) -> None:
        """Read the guard's pid from its pipe, for as long as a slow console may need."""
        if guard is None:
            raise AssertionError("only a rehearsal starts no guard")
        try:
            limit_seconds = journal.run.config.run.guard_start_timeout_seconds
            answer = _read_answer(guard.pipe, limit_seconds)
        finally:
            os.close(guard.pipe)
        pid, _, ready = answer.partition(b" ")
        identity = processes.identify_process(int(pid)) if pid.isdigit() else None
        if ready != READY or identity is None:
            raise GuardError(
                f"the guard did not start within {limit_seconds} s ([run] "
                "guard_start_timeout_seconds)",
                next_step="no snapshot is made without a guard; look at the log file for its error",
            )
        journal.note(
            Flag.GUARD,
            pid=str(identity.pid),
            start_ticks=str(identity.start_ticks),
            boot_id=identity.boot_id,
        )


@dataclass(frozen=True)
class RehearsedGuards:
    """Says what the guard would wait for."""

    speaker: Speaker

    @changes
    def start(self, journal: Journal) -> StartingGuard | None:
        """Say it."""
        self.speaker.say("would_guard", owner=journal.run.owner.describe())
        return None

    @changes
    def wait_until_ready(self, guard: StartingGuard | None, journal: Journal) -> None:
        """There is none."""


@reads
def is_guard_alive(guard: ProcessIdentity | None) -> bool:
    """Tell whether a run's guard is at its post."""
    return guard is not None and processes.is_alive(guard)


@reads
def list_guarded_folders() -> list[str]:
    """Give the state folders of the guards that are at their posts.

    A run is found by its guard even when hlb.toml cannot be read or names another folder now.
    """
    folders = []
    for pid in processes.list_pids():
        words = processes.read_arguments(pid)
        # Whoever may start processes here must not choose a folder that root reads.
        if GUARD_MODULE in words and "--state" in words[:-1] and processes.is_own(pid):
            path = words[words.index("--state") + 1]
            folders.append(os.path.dirname(path))
    return list(dict.fromkeys(folders))


@changes
def say_ready(descriptor: int) -> None:
    """Tell the hook, from the guard's side, that the guard watches; then let go of the pipe.

    A hook that is gone does not matter: its run is what the guard is for.
    """
    try:
        os.write(descriptor, b"%d " % os.getpid() + READY)
    except BrokenPipeError:
        return
    finally:
        os.close(descriptor)


def _read_answer(pipe: int, limit_seconds: float) -> bytes:
    # poll and not select: a process may have more than a thousand descriptors open.
    poller = select.poll()
    poller.register(pipe, select.POLLIN)
    answer = b""
    while not answer.endswith(b"\n"):
        if not poller.poll(limit_seconds * 1000):
            break
        piece = os.read(pipe, 64)
        if not piece:
            break
        answer += piece
    return answer


def _become_guard(writer: int, state_path: str) -> None:
    """Detach, close everything but ``writer``, and run the guard's module. Never returns."""
    try:
        os.setsid()
        if os.fork() > 0:
            os._exit(0)
        os.chdir("/")
        nothing = os.open("/dev/null", os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nothing, descriptor)
        ready = 3
        if writer != ready:
            os.dup2(writer, ready)
        os.set_inheritable(ready, True)  # noqa: FBT003  the name of the argument is `inheritable`
        os.closerange(ready + 1, _highest_descriptor() + 1)
        arguments = ["-I", "-m", GUARD_MODULE, "--state", state_path, "--ready", str(ready)]
        os.execve(sys.executable, [sys.executable, *arguments], _ENVIRONMENT)  # noqa: S606
    finally:
        # Reached only when something above failed: the closed pipe tells the hook.
        os._exit(1)


def _highest_descriptor() -> int:
    return max(int(name) for name in os.listdir("/proc/self/fd"))
