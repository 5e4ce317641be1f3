"""The processes that work for a host of the lab, found in /proc.

By their command lines (the lab's programs, the hooks, ``hlb`` with the lab's configuration, the
guard of a run of the lab), or by a file of the host's own that they write to; and all that these
have started. Who only reads there, as a pager does, is none of them; nor is ``hlb lab``.
"""

import contextlib
import os
import signal
import stat
import time
from pathlib import Path

from hlb_hooks.base.clock import sleep_seconds
from hlb_hooks.base.errors import HostError
from hlb_hooks.lab.client_files import HOOK_NAMES
from hlb_hooks.lab.layout import SHARED_FOLDERS, Lab

_GUARD_MODULE = "hlb_hooks.entry.guard"
_LIMIT_SECONDS = 20.0
_POLL_SECONDS = 0.01
# An interpreter, perhaps an option, and then the script.
_SCRIPT_WORDS = 3


def find_program(path: Path) -> list[int]:
    """Give the processes that run the script at ``path``."""
    return [pid for pid in _list_pids() if path in _read_scripts(pid)]


def find_host_processes(lab: Lab) -> list[int]:
    """Give every process that works for the host, but for this one and those it comes from."""
    parents = {pid: _read_parent(pid) for pid in _list_pids()}
    spared = _list_line(os.getpid(), parents)
    found = {pid for pid in parents if pid not in spared and _works_for(lab, pid)}
    descendants = {pid for pid in parents if not found.isdisjoint(_list_line(pid, parents))}
    return sorted(descendants - spared)


def kill_all(pids: list[int]) -> None:
    """Kill processes at once: none lives to see another's end. Raise HostError if one stays."""
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
    deadline = time.monotonic() + _LIMIT_SECONDS
    while any(_is_there(pid) for pid in pids):
        if time.monotonic() > deadline:
            raise HostError(f"of the processes {pids} some do not end")
        sleep_seconds(_POLL_SECONDS)


def _works_for(lab: Lab, pid: int) -> bool:
    scripts = _read_scripts(pid)
    own_folders = (lab.programs, lab.hostd, lab.sysdir / "scripts")
    if any(script.parent in own_folders for script in scripts):
        return True
    words = _read_words(pid)
    client = lab.sysdir.parent
    if _GUARD_MODULE in words:
        return any(_is_below(Path(word), client) for word in words)
    names = {script.name for script in scripts}
    if "hlb" in names and "lab" in words[:4]:
        return False
    if names & {"hlb", *HOOK_NAMES}:
        named = [*words, _read_variable(pid, "HLB_CONFIG")]
        return any(_is_below(Path(word.partition("=")[2] or word), client) for word in named)
    return _writes_below(lab, pid)


def _writes_below(lab: Lab, pid: int) -> bool:
    shared = [(lab.hostd / name).resolve() for name in SHARED_FOLDERS]
    for path in _list_written_files(pid):
        if _is_below(path, lab.vardir) or (
            _is_below(path, lab.hostd) and not any(_is_below(path, each) for each in shared)
        ):
            return True
    return False


def _list_written_files(pid: int) -> list[Path]:
    written = []
    with contextlib.suppress(OSError):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                # The mode of the link says what the descriptor is open for.
                if link.lstat().st_mode & stat.S_IWUSR:
                    written.append(link.readlink())
    return written


def _read_scripts(pid: int) -> list[Path]:
    """Give the paths that may be the program a process runs: the first words of its line."""
    words = _read_words(pid)[:_SCRIPT_WORDS]
    try:
        folder = Path(f"/proc/{pid}/cwd").readlink()
    except OSError:
        folder = Path("/")
    return [Path(os.path.normpath(folder / word)) for word in words if not word.startswith("-")]


def _read_words(pid: int) -> list[str]:
    try:
        data = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return []
    return [os.fsdecode(word) for word in data.split(b"\0")[:-1]]


def _read_variable(pid: int, name: str) -> str:
    try:
        data = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return ""
    start = f"{name}=".encode("ascii")
    values = [each.removeprefix(start) for each in data.split(b"\0") if each.startswith(start)]
    return os.fsdecode(values[0]) if values else ""


def _read_status(pid: int) -> list[str]:
    """Give what stands behind the process's name in its stat: first its state, its parent."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def _read_parent(pid: int) -> int:
    status = _read_status(pid)
    return int(status[1]) if status else 0


def _is_there(pid: int) -> bool:
    # One that nobody has counted yet does nothing any more.
    return _read_status(pid)[:1] not in ([], ["Z"], ["X"])


def _list_line(pid: int, parents: dict[int, int]) -> set[int]:
    """Give a process and all that it comes from."""
    line: set[int] = set()
    while pid and pid not in line:
        line.add(pid)
        pid = parents.get(pid, 0)
    return line


def _list_pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _is_below(path: Path, folder: Path) -> bool:
    return path.is_relative_to(folder)
