"""What strace writes, line by line: which thread made which call on what.

Only as much of strace's language as ``strace -f -y -o`` needs for the calls of the sweep.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

# `clone` cannot be stopped at (with a signal pending it begins anew, for ever); it is no change
# of the world either, and what the child does is seen on its own.
CALLS = (
    "write",
    "pwrite64",
    "writev",
    "fsync",
    "fdatasync",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "symlink",
    "unlink",
    "unlinkat",
    "mkdir",
    "mkdirat",
    "ftruncate",
    "flock",
    "openat",
    "execve",
)
_LINE = re.compile(r"(?P<thread>\d+) +(?P<text>.*)\n?")
_BEGINNING = re.compile(r"(?P<name>\w+)\((?P<arguments>.*)")
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>(?P<rest>.*)")
_UNFINISHED = " <unfinished ...>"
_DETACHED = " <detached ...>"
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_DESCRIPTOR = re.compile(r"\d+<(?P<path>.*?)>(?:,|$)")
_RUN = re.compile(r"\w+-\d{8}T\d{6}Z-[0-9a-f]{8}")
_NUMBER = re.compile(r"\[\d+\]")


@dataclass(frozen=True)
class Call:
    """A call that was made: its name, its arguments, and what it gave back."""

    name: str
    arguments: str
    result: str

    @property
    def has_succeeded(self) -> bool:
        return not self.result.startswith(("-", "?"))

    @property
    def target(self) -> str:
        """Name the file it was made on; for ``execve`` the program and its action."""
        if self.name == "execve":
            program, *words = (found[1] for found in _QUOTED.finditer(self.arguments))
            actions = [word for word in words[1:] if not word.startswith("/")]
            return " ".join([program, *actions[:1]])
        if described := _DESCRIPTOR.match(self.arguments):
            return described["path"]
        return " ".join(found[1] for found in _QUOTED.finditer(self.arguments))

    @property
    def makes_a_file(self) -> bool:
        return self.name != "openat" or "O_CREAT" in self.arguments


@dataclass(frozen=True)
class Made:
    """A thread has made a call."""

    thread: int
    call: Call


@dataclass(frozen=True)
class Begun:
    """A thread has become another program, and is not followed any more."""

    thread: int
    call: Call


@dataclass(frozen=True)
class Signalled:
    """A thread gets the signal to stop that was injected with its last call."""

    thread: int


@dataclass(frozen=True)
class Stopped:
    """A thread has stopped."""

    thread: int


Event = Made | Begun | Signalled | Stopped


@dataclass
class LineReader:
    """Puts together what strace tears apart when two threads are in calls at once."""

    _unfinished: dict[int, str] = field(default_factory=dict)

    def read(self, line: str) -> Iterator[Event]:
        found = _LINE.fullmatch(line)
        assert found, f"strace wrote a line of another kind: {line!r}"
        thread, text = int(found["thread"]), found["text"]
        if text.startswith("--- SIGSTOP {"):
            yield Signalled(thread)
        elif text == "--- stopped by SIGSTOP ---":
            yield Stopped(thread)
        elif text.startswith(("---", "+++")):
            return
        elif text.endswith(_UNFINISHED):
            self._unfinished[thread] = text.removesuffix(_UNFINISHED)
            if text.startswith("execve("):
                # Nothing more is said of it when it succeeds: the program is let go of.
                yield Begun(thread, _parse(self._unfinished[thread], "0"))
        elif text.endswith(_DETACHED):
            yield Begun(thread, _parse(text.removesuffix(_DETACHED), "0"))
        else:
            if resumed := _RESUMED.fullmatch(text):
                text = self._unfinished.pop(thread, "") + resumed["rest"]
            beginning, _, result = text.rpartition(" = ")
            if beginning:
                yield Made(thread, _parse(beginning.rstrip(), result))


def _parse(text: str, result: str) -> Call:
    found = _BEGINNING.match(text)
    assert found, f"strace wrote a call of another kind: {text!r}"
    return Call(found["name"], found["arguments"].removesuffix(")"), result)


def anonymous(target: str, root: str) -> str:
    """Write a target so that it is the same in every run: no run's name, no number, no root."""
    return _NUMBER.sub("", _RUN.sub("RUN", target.replace(root, "")))
