"""Processes as /proc shows them: who they are, who started them, what they hold open.

A pid alone says nothing, as it comes back; a process is known by boot id, pid and start time
(field 22 of /proc/<pid>/stat, in clock ticks since boot).
"""

import contextlib
import fnmatch
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hlb_hooks.effects.commands import RUN_VARIABLE
from hlb_hooks.effects.effect_kind import reads
from hlb_hooks.effects.regular_files import read_regular_file

_PROC = Path("/proc")
_GONE_STATES = frozenset("ZXx")
# A script's process may carry its interpreter's name; then the script is the first argument.
_INTERPRETERS = ("python*", "perl*", "ruby*", "sh", "bash", "dash", "ash", "ksh*")
_MAX_ANCESTORS = 64


@dataclass(frozen=True)
class ProcessIdentity:
    """One process as long as it lives: pid, start time in clock ticks, and the boot it is of."""

    pid: int
    start_ticks: int
    boot_id: str


@dataclass(frozen=True)
class ProcessFacts:
    """A line of /proc/<pid>/stat that matters here."""

    pid: int
    parent_pid: int
    state: str
    start_ticks: int
    command_name: str

    @property
    def is_gone(self) -> bool:
        """Whether the process does nothing any more: a zombie only waits to be counted."""
        return self.state in _GONE_STATES


@reads
def read_boot_id() -> str:
    """Give this boot's id. A console without it would make every pid of last week look alive."""
    return (_PROC / "sys/kernel/random/boot_id").read_text("ascii").strip()


@reads
def read_process(pid: int) -> ProcessFacts | None:
    """Give what /proc says of ``pid``, or None when there is no such process.

    Raise OSError when that cannot be known, as for want of a descriptor.
    """
    try:
        stat = (_PROC / str(pid) / "stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name stands in parentheses and may hold blanks and parentheses itself.
    head, _, tail = stat.rpartition(b")")
    fields = tail.split()
    name = os.fsdecode(head.partition(b"(")[2])
    return ProcessFacts(
        pid=pid,
        parent_pid=int(fields[1]),
        state=fields[0].decode("ascii"),
        start_ticks=int(fields[19]),
        command_name=name,
    )


@reads
def identify_process(pid: int) -> ProcessIdentity | None:
    """Give the identity of a living ``pid``, or None when it is gone or a zombie."""
    facts = read_process(pid)
    if facts is None or facts.is_gone:
        return None
    return ProcessIdentity(pid, facts.start_ticks, read_boot_id())


@reads
def is_alive(identity: ProcessIdentity) -> bool:
    """Tell whether that very process still runs: same boot, same start, and no zombie."""
    try:
        return identify_process(identity.pid) == identity
    except OSError:
        return True  # a moment's shortage of this process is nobody's end


@reads
def is_own(pid: int) -> bool:
    """Tell whether ``pid`` runs as the same user as this process."""
    try:
        return os.stat(_PROC / str(pid)).st_uid == os.geteuid()
    except OSError:
        return False


@reads
def find_ancestor(patterns: Iterable[str]) -> ProcessIdentity | None:
    """Give the nearest ancestor of this process whose name matches one of the shell ``patterns``.

    Its names are the kernel's (15 characters at most), the base name of its first argument, and,
    where an interpreter runs it, the base name of the script.
    """
    wanted = tuple(patterns)
    for facts in _walk_ancestors():
        if any(
            fnmatch.fnmatchcase(name, pattern)
            for name in read_process_names(facts)
            for pattern in wanted
        ):
            return ProcessIdentity(facts.pid, facts.start_ticks, read_boot_id())
    return None


@reads
def list_ancestors() -> tuple[ProcessIdentity, ...]:
    """Give every ancestor of this process, the nearest first."""
    boot_id = read_boot_id()
    return tuple(
        ProcessIdentity(facts.pid, facts.start_ticks, boot_id) for facts in _walk_ancestors()
    )


@reads
def read_text_head(path: str, limit_bytes: int) -> str:
    """Give the beginning of a text file that another process writes, or nothing."""
    try:
        return os.fsdecode(read_regular_file(path, limit_bytes))
    except OSError:
        return ""


@reads
def read_process_names(facts: ProcessFacts) -> tuple[str, ...]:
    """Give the names a process goes by, the kernel's first."""
    arguments = read_arguments(facts.pid)
    names = [facts.command_name]
    if arguments:
        program = arguments[0].rpartition("/")[2].lstrip("-")
        names.append(program)
        if any(fnmatch.fnmatchcase(program, shape) for shape in _INTERPRETERS):
            names.append(_find_script(program, arguments[1:]).rpartition("/")[2])
    return tuple(dict.fromkeys(name for name in names if name))


def _find_script(program: str, words: Iterable[str]) -> str:
    """Give the script an interpreter runs. What `sh -c` is told may hold any name, and is none."""
    code_options = "e" if program.startswith(("perl", "ruby")) else "cm"
    for word in words:
        if not word.startswith("-"):
            return word
        if not word.startswith("--") and any(letter in word for letter in code_options):
            break
    return ""


@reads
def read_arguments(pid: int) -> tuple[str, ...]:
    """Give the command line of ``pid`` as its argv, empty when it is gone or a kernel thread."""
    try:
        line = (_PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return ()
    return tuple(os.fsdecode(word) for word in line.split(b"\0")[:-1])


@reads
def read_folder(pid: int) -> str:
    """Give the working directory of ``pid``. Raise OSError."""
    return os.readlink(_PROC / str(pid) / "cwd")


@reads
def list_commands_of_run(run: str) -> tuple[int, ...]:
    """Give the pids of host commands that a process of ``run`` started and that still run."""
    mark = f"{RUN_VARIABLE}={run}".encode()
    found = []
    for pid in list_pids():
        with contextlib.suppress(OSError):
            environment = (_PROC / str(pid) / "environ").read_bytes()
            facts = read_process(pid)
            is_running = facts is not None and not facts.is_gone
            if mark in environment.split(b"\0") and is_running and is_own(pid):
                found.append(pid)
    return tuple(found)


@reads
def list_holders(paths: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """Give, for each of ``paths`` that another process holds open, the pids that do."""
    wanted = _identify_files(paths)
    holders: dict[str, tuple[int, ...]] = {}
    if not wanted:
        return holders
    for pid in list_pids():
        for path in _list_held_by(pid, wanted):
            holders[path] = (*holders.get(path, ()), pid)
    return holders


@reads
def list_held_by_family(pid: int, paths: Iterable[str]) -> set[str]:
    """Give those of ``paths`` that ``pid``, or a process that it or its children started, holds."""
    wanted = _identify_files(paths)
    held: set[str] = set()
    for each in _list_family(pid) if wanted else ():
        held |= _list_held_by(each, wanted)
    return held


def _list_family(pid: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for each in list_pids():
        facts = read_process(each)
        if facts is not None:
            children.setdefault(facts.parent_pid, []).append(each)
    family = [pid]
    for member in family:
        # Taken out: pids come back while they are read, and may seem to be each other's children.
        family.extend(children.pop(member, ()))
    return family


def _identify_files(paths: Iterable[str]) -> dict[tuple[int, int], str]:
    """Give the files that are there by device and inode: by whatever name they were opened."""
    found: dict[tuple[int, int], str] = {}
    for path in paths:
        with contextlib.suppress(OSError):
            status = os.stat(path)
            found[status.st_dev, status.st_ino] = path
    return found


def _list_held_by(pid: int, wanted: dict[tuple[int, int], str]) -> set[str]:
    held: set[str] = set()
    if pid == os.getpid():
        return held
    # The process, or one of its descriptors, may be gone at any moment: then it holds nothing. An
    # own shortage of descriptors must not be taken for that.
    with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
        for entry in os.scandir(_PROC / str(pid) / "fd"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
                status = os.stat(entry.path)
                path = wanted.get((status.st_dev, status.st_ino))
                if path is not None:
                    held.add(path)
    return held


def _walk_ancestors() -> Iterator[ProcessFacts]:
    pid = os.getppid()
    for _ in range(_MAX_ANCESTORS):
        facts = read_process(pid)
        if facts is None:
            return
        yield facts
        pid = facts.parent_pid
        if pid == 0:
            return


@reads
def list_pids() -> list[int]:
    """Give the pid of every process there is."""
    return [int(name) for name in os.listdir(_PROC) if name.isdigit()]
