"""Work done apart: in processes of their own that see no other process of the machine.

``hlb reap`` looks for guards among all processes, and settles what it finds; so two scenes that
saw each other would settle each other's runs. Each worker is the first process of a PID
namespace, with a /proc of its own, and when it goes everything in there goes with it; its stage
is a file system that nobody else has mounted.
"""

import json
import queue
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

DoAll = Callable[[Iterable[Any]], list[Any]]
HERE = Path(__file__).parent
_NAMESPACE = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
_AS_USER = ["--user", "--map-root-user"]
_MOUNT = ["sh", "-c", 'mount -t tmpfs -o size=256m none "$0" && exec "$@"']


def find_way_apart(stage: Path) -> list[str]:
    """Give the command before a command that shall run apart, with ``stage`` for its files.

    Skip where there is no way.
    """
    for namespace in (_NAMESPACE, [*_NAMESPACE, *_AS_USER]):
        way = [*namespace, *_MOUNT, str(stage)]
        try:
            if subprocess.run([*way, "true"], capture_output=True, check=False).returncode == 0:
                return way
        except FileNotFoundError:
            break
    pytest.skip("the sweep needs unshare of the Debian package util-linux, and PID namespaces")


class Worker:
    """One process that does jobs one after another; a job and its answer are lines of JSON."""

    def __init__(self, way: list[str], program: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            [*way, sys.executable, *program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def do(self, job: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, f"the worker died at {job}"
        return json.loads(answer)

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@contextmanager
def workers(module: str, folder: Path, count: int) -> Iterator[DoAll]:
    """Give a function that has jobs done, side by side, and gives their answers in order.

    ``module`` is told its stage, and where it may keep what is to be looked at afterwards.
    """
    stage, kept = folder / "stage", folder / "kept"
    stage.mkdir()
    kept.mkdir()
    way = find_way_apart(stage)
    with ExitStack() as stack:
        idle: queue.SimpleQueue[Worker] = queue.SimpleQueue()
        for _ in range(count):
            worker = Worker(way, [str(HERE / f"{module}.py"), str(stage), str(kept)])
            stack.callback(worker.close)
            idle.put(worker)

        def do(job: Any) -> Any:
            worker = idle.get()
            try:
                return worker.do(job)
            finally:
                idle.put(worker)

        pool = stack.enter_context(ThreadPoolExecutor(count))
        yield lambda jobs: list(pool.map(do, jobs))


def serve(do: Callable[[Any], Any]) -> None:
    """Be a worker: do each job of stdin, and write what came of it to stdout."""
    for line in sys.stdin:
        sys.stdout.write(json.dumps(do(json.loads(line))) + "\n")
        sys.stdout.flush()


def tell_trouble(error: BaseException) -> str:
    """Say where an assertion did not hold, and what it compared."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.line]
    way = " < ".join(f"{frame.name} ({frame.line})" for frame in reversed(frames[-2:]))
    return f"{type(error).__name__} {error} in {way}"
