"""The removals of a real hook, as strace saw them: what lies between the last look and the host.

Every thread's calls are written to a file of its own (``-ff``), so that each is a plain sequence;
``--seccomp-bpf`` stops the hook at these calls alone, for times that mean something.
"""

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

# What opens, reads, writes, waits for a disk or for a lock, or starts a program.
CALLS = (
    "openat,read,write,pwrite64,fsync,fdatasync,flock,rename,unlink,clone,clone3,fork,vfork,execve"
)
_LINE = re.compile(r"(\d+\.\d+) (\w+)\((.*)\)\s+= (-?\d+|\?)")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')


class Call(NamedTuple):
    """One system call: when it began in seconds, its name, its first text, what it gave."""

    seconds: float
    name: str
    words: tuple[str, ...]
    result: int

    @property
    def path(self) -> str:
        return self.words[0] if self.words else ""


@dataclass(frozen=True)
class TracedRemoval:
    """One ``removesnapshots``: its window, and what the hook and its child did in it.

    The child is vmware-cmd before it is: it tells its parent its pid, and becomes the program.
    """

    vmx: str
    window_ms: float
    calls: tuple[Call, ...]
    child_calls: tuple[Call, ...]

    @property
    def files(self) -> set[str]:
        """Give the files that were opened, or looked for, in the window."""
        both = (*self.calls, *self.child_calls)
        return {call.path for call in both if call.name == "openat"}


def trace_removals(
    folder: Path, command: Sequence[str | Path], environment: Mapping[str, str]
) -> list[TracedRemoval]:
    """Run a hook under strace; give its removals in the order in which the host was asked."""
    folder.mkdir()
    strace = ["strace", "-ff", "--seccomp-bpf", "-ttt", "-s", "4096", "-e", f"trace={CALLS}"]
    subprocess.run(
        [*strace, "-o", folder / "calls", *command],
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    )
    threads = {
        int(file.suffix[1:]): [
            Call(float(found[1]), found[2], tuple(_QUOTED.findall(found[3])), int(found[4]))
            for found in map(_LINE.match, file.read_text("utf-8", "replace").splitlines())
            if found and found[4] != "?"
        ]
        for file in folder.iterdir()
    }
    removals = [
        (start.seconds, _follow(threads, pid, start))
        for pid, calls in threads.items()
        for start in calls
        if start.name == "execve" and start.words[-1:] == ("removesnapshots",)
    ]
    return [removal for _, removal in sorted(removals, key=lambda entry: entry[0])]


def _follow(threads: Mapping[int, Sequence[Call]], pid: int, start: Call) -> TracedRemoval:
    """Find the thread that forked ``pid``, and what it did since it read the VM's .vmsd."""
    vmx = start.words[-2]
    vmsd = str(Path(vmx).with_suffix(".vmsd"))
    before = next(
        calls[:index]
        for calls in threads.values()
        for index, call in enumerate(calls)
        if call.result == pid and call.name in ("clone", "clone3", "fork", "vfork")
    )
    opened = max(index for index, call in enumerate(before) if call.path == vmsd)
    # A file is read until a reading gives nothing: that is the end of the look.
    end = next(
        index
        for index in range(opened, len(before))
        if before[index].name == "read" and before[index].result == 0
    )
    of_child = threads[pid][: threads[pid].index(start)]
    window_ms = (start.seconds - before[end].seconds) * 1000
    return TracedRemoval(vmx, window_ms, tuple(before[end + 1 :]), tuple(of_child))
