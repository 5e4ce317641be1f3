"""A host from its boot to its end: everything that runs on it, and nothing else, ends with it.

Its first process is a fork of the test's own that does what it is told over a socket: it starts
programs, signals them, and counts them when they end.
"""

import contextlib
import json
import os
import select
import signal
import socket
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import namespaces

_ANSWER_LIMIT_SECONDS = 60.0


class HostProgramError(Exception):
    """The first process of a host could not do what it was told: a defect of the tests."""


@dataclass(frozen=True)
class HostProcess:
    """One process of a host as its own /proc shows it."""

    pid: int
    state: str
    words: tuple[str, ...]

    def runs(self, word: str) -> bool:
        """Tell whether a word of the command line, or the name of a file there, is ``word``."""
        return any(each == word or each.rpartition("/")[2] == word for each in self.words)


class BootedHost:
    """A host that runs. ``uptime_seconds`` is what its clocks say at the boot."""

    def __init__(self, name: str, boot_id_file: Path, uptime_seconds: float, log: Path) -> None:
        """Boot it."""
        self._boot_offset = uptime_seconds - namespaces.read_machine_uptime()
        self._clock_offset = self._boot_offset
        self._socket, other_end = socket.socketpair()
        child = os.fork()
        if child == 0:
            self._socket.close()
            _become_host(other_end, name, boot_id_file, self._boot_offset, log)
        other_end.close()
        os.waitpid(child, 0)
        self._socket.settimeout(_ANSWER_LIMIT_SECONDS)
        self._lines = self._socket.makefile("rb")
        self._first_pid = int(self._read_answer())
        self._first_process = os.pidfd_open(self._first_pid)

    @property
    def uptime_seconds(self) -> float:
        """What the clock of a process that begins now says."""
        return namespaces.read_machine_uptime() + self._clock_offset

    def start(
        self, words: Sequence[str | Path], environment: Mapping[str, str], output: Path
    ) -> int:
        """Start a program and give its pid there; what it says goes to ``output``."""
        pid: int = self._ask(
            "start",
            words=[str(word) for word in words],
            environment=dict(environment),
            output=str(output),
        )
        return pid

    def read_exit_code(self, pid: int) -> int | None:
        """Give the exit code of a program that was started here, or None while it runs."""
        code: int | None = self._ask("read_exit_code", pid=pid)
        return code

    def list_processes(self) -> list[HostProcess]:
        """Give every process of the host that has not ended."""
        found = self._ask("list_processes")
        return [HostProcess(pid, state, tuple(words)) for pid, state, words in found]

    def send_signal(self, pid: int, number: signal.Signals) -> None:
        """Signal a process, if it is there still."""
        self._ask("send_signal", pid=pid, number=int(number))

    def let_time_pass(self, seconds: float) -> None:
        """Make the time since boot longer for every process that begins from now on."""
        self._clock_offset += seconds
        self._ask("move_clock", clock=self._clock_offset, boot=self._boot_offset)

    def make_read_only(self, folder: Path) -> None:
        """Let nobody here open a file below ``folder`` for writing any more."""
        self._ask("make_read_only", folder=str(folder))

    def make_writable_again(self, folder: Path) -> None:
        """Take that back."""
        self._ask("make_writable_again", folder=str(folder))

    def die(self) -> None:
        """End every process of the host at once, and give back when they are gone."""
        signal.pidfd_send_signal(self._first_process, signal.SIGKILL)
        poller = select.poll()
        poller.register(self._first_process, select.POLLIN)
        if not poller.poll(_ANSWER_LIMIT_SECONDS * 1000):
            raise HostProgramError("a host does not die")
        os.close(self._first_process)
        self._lines.close()
        self._socket.close()

    def _ask(self, order: str, **details: object) -> Any:
        line = json.dumps({"order": order, **details}).encode("ascii") + b"\n"
        self._socket.sendall(line)
        return self._read_answer()

    def _read_answer(self) -> Any:
        line = self._lines.readline()
        if not line:
            raise HostProgramError("the first process of a host is gone; see its log")
        answer = json.loads(line)
        if "error" in answer:
            raise HostProgramError(answer["error"])
        return answer["value"]


def _become_host(
    channel: socket.socket, name: str, boot_id_file: Path, offset: float, log: Path
) -> NoReturn:
    """Go on as the host's first process, in a child. Never returns, whatever happens."""
    try:
        os.setsid()
        _keep_only(channel.fileno(), log)
        namespaces.leave_the_machine(offset)
        first = os.fork()
        if first:
            channel.sendall(json.dumps({"value": first}).encode("ascii") + b"\n")
            os._exit(0)
        namespaces.settle_as_host(name, boot_id_file)
        os.chdir("/")
        _FirstProcess(channel).obey()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


def _keep_only(descriptor: int, log: Path) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for target, source in ((0, nothing), (1, output), (2, output)):
        os.dup2(source, target)
    os.closerange(3, descriptor)
    os.closerange(descriptor + 1, 4096)


class _FirstProcess:
    """The far end of the socket: pid 1 of the host."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._exit_codes: dict[int, int] = {}

    def obey(self) -> None:
        """Do one order after the other until the test is gone."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        rest = b""
        while True:
            readable, _, _ = select.select([self._channel], [], [], 0.1)
            self._count_ended()
            if not readable:
                continue
            data = self._channel.recv(65536)
            if not data:
                return
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                self._channel.sendall(json.dumps(self._answer(line)).encode("ascii") + b"\n")

    def _answer(self, line: bytes) -> dict[str, object]:
        order = json.loads(line)
        try:
            return {"value": getattr(self, f"_{order.pop('order')}")(**order)}
        except Exception:
            return {"error": traceback.format_exc()}

    def _count_ended(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                self._exit_codes[pid] = os.waitstatus_to_exitcode(status)

    def _start(self, words: list[str], environment: dict[str, str], output: str) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        pid = os.posix_spawn(
            words[0],
            words,
            environment,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, output, flags, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
        )
        self._exit_codes.pop(pid, None)
        return pid

    def _read_exit_code(self, pid: int) -> int | None:
        return self._exit_codes.get(pid)

    def _list_processes(self) -> list[tuple[int, str, list[str]]]:
        return list(filter(None, map(_read_process, os.listdir("/proc"))))

    def _send_signal(self, pid: int, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)

    def _move_clock(self, clock: float, boot: float) -> None:
        namespaces.move_clock_of_children(clock, boot)

    def _make_read_only(self, folder: str) -> None:
        namespaces.make_read_only(Path(folder))

    def _make_writable_again(self, folder: str) -> None:
        namespaces.make_writable_again(Path(folder))


def _read_process(name: str) -> tuple[int, str, list[str]] | None:
    if not name.isdigit() or name == "1":
        return None
    try:
        stat = Path(f"/proc/{name}/stat").read_bytes()
        words = Path(f"/proc/{name}/cmdline").read_bytes().split(b"\0")[:-1]
    except OSError:
        return None
    state = stat.rpartition(b")")[2].split()[0].decode("ascii")
    if state in "ZXx":
        return None
    return int(name), state, [os.fsdecode(word) for word in words]
