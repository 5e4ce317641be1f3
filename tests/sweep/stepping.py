"""A program run call by call, under strace, and killed right after the call that is wanted.

Every call of the kinds in ``strace_lines.CALLS`` is given a SIGSTOP by strace's fault injection:
it is made, and then the whole process stands still until it is told to go on. So one count holds
for all of its threads, where strace's own ``when=`` counts for each thread anew, and what is seen
at a stop cannot have gone on meanwhile. A child is followed up to its ``execve``, at which it
stops too; the program it becomes runs free, and at full speed.
"""

import os
import select
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from hook_watching import PATIENCE_SECONDS, read_words, wait_until
from strace_lines import CALLS, Begun, Call, Event, LineReader, Made, Signalled, Stopped, anonymous

_FOLLOWED = ",".join(CALLS)
_GONE = {"Z", "X"}
_STANDING = {"T", *_GONE}


@dataclass(frozen=True, order=True)
class Point:
    """A call of a run: who makes it, its name, on what, and the how manieth of these it is."""

    who: str
    call: str
    target: str
    number: int

    def __str__(self) -> str:
        return f"{self.who} {self.call} {self.target} #{self.number}"


@dataclass
class Steps:
    """One run of a program under strace."""

    command: Sequence[str]
    root: Path
    environment: Mapping[str, str]
    points: list[Point] = field(default_factory=list)
    _calls: dict[int, Call] = field(default_factory=dict)
    _signalled: set[int] = field(default_factory=set)
    _counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    _pid: int = 0
    _kill_at: Point | None = None
    _meanwhile: Callable[[], None] | None = None

    def run(
        self, kill_at: Point | None = None, meanwhile: Callable[[], None] | None = None
    ) -> int | None:
        """Run to the end, or to ``kill_at``; give the exit code, or None when it was killed.

        Where the call was a child's, that one stands still, its parent being dead, until
        ``meanwhile`` is over; then it goes on.
        """
        self._kill_at, self._meanwhile = kill_at, meanwhile
        fifo = self.root / "strace.fifo"
        fifo.unlink(missing_ok=True)
        os.mkfifo(fifo)
        reading = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        with (self.root / "steps.out").open("wb") as output:
            process = subprocess.Popen(
                self._strace(fifo),
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
            )
        try:
            self._follow(process, reading)
            exit_code = process.wait(PATIENCE_SECONDS)
            if self._pid > 0:
                return exit_code
            # strace itself fails when its program dies between a stop and its next word to it;
            # then what it followed has not come to its execve yet.
            wait_until(self._is_gone, "the end of what a killed program had forked")
            return None
        except BaseException:
            self._give_up(process)
            raise
        finally:
            os.close(reading)

    def _strace(self, fifo: Path) -> list[str]:
        stops = f"inject={_FOLLOWED}:signal=SIGSTOP"
        strings = str(len(os.fsencode(self.root)) + 300)
        options = ["-f", "-y", "-b", "execve", "-s", strings, "-o", str(fifo)]
        return ["strace", *options, "-e", f"trace={_FOLLOWED}", "-e", stops, "--", *self.command]

    def _follow(self, process: subprocess.Popen[bytes], reading: int) -> None:
        lines = LineReader()
        text = b""
        poller = select.poll()
        poller.register(reading, select.POLLIN)
        is_begun = False
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            if not poller.poll(100):
                assert time.monotonic() < deadline, f"stands still after {self.points[-3:]}"
                assert is_begun or process.poll() is None, self._said()
                continue
            piece = os.read(reading, 65536)
            if not piece and is_begun:
                return
            if not piece:  # nobody has opened the other end yet
                assert process.poll() is None, self._said()
                time.sleep(0.001)
                continue
            is_begun = True
            deadline = time.monotonic() + PATIENCE_SECONDS
            *whole, text = (text + piece).split(b"\n")
            for line in whole:
                for event in lines.read(os.fsdecode(line)):
                    self._take(event)

    def _take(self, event: Event) -> None:
        if not self._pid:
            # The first is the program's own execve, made before anything is injected.
            self._pid = event.thread
            return
        match event:
            case Made(thread, call):
                self._calls[thread] = call
            case Begun(thread, call):
                _wait_until_it_stands(thread)
                self._stand(thread, call, has_succeeded=True)
            case Signalled(thread):
                self._signalled.add(thread)
            case Stopped(thread) if thread in self._signalled:
                # Threads that stop because this one does are of no interest.
                self._signalled.discard(thread)
                call = self._calls[thread]
                self._stand(thread, call, has_succeeded=call.has_succeeded)

    def _stand(self, thread: int, call: Call, *, has_succeeded: bool) -> None:
        """Everything stands still: count the point, kill here or go on."""
        point = self._point(thread, call) if has_succeeded and self._pid > 0 else None
        if point is not None:
            self.points.append(point)
        if point is not None and point == self._kill_at:
            os.kill(self._pid, signal.SIGKILL)
            wait_until(lambda: _state(self._pid) in _GONE, "the end of what was killed")
            # What is left of it is followed to its end, but counts no more.
            self._pid = -self._pid
            if self._meanwhile is not None:
                self._meanwhile()
        with suppress(ProcessLookupError):
            os.kill(thread, signal.SIGCONT)

    def _point(self, thread: int, call: Call) -> Point | None:
        target = call.target
        is_pipe = target.startswith("pipe:")
        is_ours = call.name == "execve" or is_pipe or str(self.root) in target
        if not call.makes_a_file or not is_ours:
            return None
        is_own = Path(f"/proc/{self._pid}/task/{thread}").exists()
        key = ("self" if is_own else "child", call.name, anonymous(target, str(self.root)))
        self._counts[key] += 1
        return Point(*key, self._counts[key])

    def _is_gone(self) -> bool:
        words = [os.fsencode(word) for word in self.command]
        forks = [
            int(entry.name)
            for entry in Path("/proc").iterdir()
            if entry.name.isdigit() and words == read_words(entry)[-len(words) - 1 : -1]
        ]
        for pid in forks:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        # Its own threads, too, may still be on their way out, with whatever it had locked.
        return not forks and len(list(Path(f"/proc/{-self._pid}/task").glob("*"))) <= 1

    def _said(self) -> str:
        return (self.root / "steps.out").read_text("utf-8", "replace")

    def _give_up(self, process: subprocess.Popen[bytes]) -> None:
        with suppress(ProcessLookupError):
            if self._pid:
                os.kill(abs(self._pid), signal.SIGKILL)
        process.kill()
        process.wait()


def _wait_until_it_stands(thread: int) -> None:
    """Wait for a process that has just become another program to take its SIGSTOP."""
    wait_until(lambda: _state(thread) in _STANDING, f"process {thread}, stopped at its execve")


def _state(pid: int) -> str:
    """Give the letter of a process's state; Z for one that is gone altogether."""
    with suppress(OSError):
        stat = Path(f"/proc/{pid}/stat").read_bytes()
        return stat.rpartition(b")")[2].split()[0].decode()
    return "Z"
