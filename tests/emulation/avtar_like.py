"""A small program that calls two hooks the way avtar does; it shares nothing with the package.

``install(path)`` writes it as an executable: under the name ``avtar`` its process is called
``avtar`` too (/proc/PID/comm). It runs the start hook, reads files, runs the end hook, and prints
one JSON line::

    {"pid": 1, "comm": "avtar", "start": HOOK, "read": {PATH: SHA256}, "errors": {PATH: TEXT},
     "end": HOOK}
    HOOK = {"exit_code": 0, "stdout": "...", "stderr": "...", "kept_open": []}

A hook gets no argument, ``/`` as its folder, no stdin at all (closed, not /dev/null), nothing in
its environment but ``LD_LIBRARY_PATH=/nonexistent`` and what ``--env`` says, pipes for stdout
and stderr, and the leaked descriptor 7. Each of the three is read to its end, as avtar reads
stdout; ``kept_open`` names those that somebody still held ``--eof-seconds`` after the hook had
gone. ``end`` is null with ``--no-end``. Options that are not its own (avtar's ``--logfile=FILE``,
``-x``) are taken and ignored. The exit code is 0 whatever the hooks said.
"""

import argparse
import hashlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

LEAKED_DESCRIPTOR = 7
# What stands between avtar and the hook. A plain `sh -c hook` would become the hook by exec.
SHELLS = {
    "stays": '"$1"; code=$?; exit "$code"',
    "background": '"$1" & wait "$!"',
}


def install(path: Path) -> Path:
    """Write this program to ``path`` as an executable script; give the path back."""
    shebang = f"#!{sys.executable} -IS\n"
    # Linux cuts a shebang line at 255 bytes and an interpreter's path at the first blank.
    if len(os.fsencode(shebang)) > 255 or " " in sys.executable:
        raise ValueError(f"{sys.executable}: no interpreter for a shebang line")
    path.write_text(shebang + Path(__file__).read_text("utf-8"), "utf-8")
    path.chmod(0o755)
    return path


def run_hook(script: str, options: argparse.Namespace) -> dict[str, Any]:
    """Run one hook, read its pipes to their end, and tell how it went."""
    command = [script]
    if options.through_shell:
        command = ["/bin/sh", "-c", SHELLS[options.through_shell], "sh", script]
    environment = {"LD_LIBRARY_PATH": "/nonexistent"}
    environment |= dict(pair.split("=", 1) for pair in options.env)
    targets = {"stdout": 1, "stderr": 2, "leaked": LEAKED_DESCRIPTOR}
    pipes = {name: os.pipe() for name in targets}
    actions: list[tuple[int, ...]] = [
        (os.POSIX_SPAWN_DUP2, pipes[name][1], number) for name, number in targets.items()
    ]
    pid = os.posix_spawn(
        command[0], command, environment, file_actions=[*actions, (os.POSIX_SPAWN_CLOSE, 0)]
    )
    received = {name: bytearray() for name in targets}
    readers = {}
    for name, (reading, writing) in pipes.items():
        os.close(writing)
        arguments = (reading, received[name])
        readers[name] = threading.Thread(target=read_to_end, args=arguments, daemon=True)
        readers[name].start()
    exit_code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    deadline = time.monotonic() + options.eof_seconds
    for reader in readers.values():
        reader.join(max(0.0, deadline - time.monotonic()))
    return {
        "exit_code": exit_code,
        "stdout": received["stdout"].decode("utf-8", "surrogateescape"),
        "stderr": received["stderr"].decode("utf-8", "surrogateescape"),
        "kept_open": [name for name, reader in readers.items() if reader.is_alive()],
    }


def read_to_end(descriptor: int, received: bytearray) -> None:
    while data := os.read(descriptor, 65536):
        received += data


def hold(names: list[str]) -> Callable[[], None]:
    """Open files; give what closes them."""
    descriptors = [os.open(name, os.O_RDONLY) for name in names]

    def let_go() -> None:
        for descriptor in descriptors:
            os.close(descriptor)

    return let_go


def hold_in_a_child(names: list[str]) -> Callable[[], None]:
    """Have a child open files, as a client that is several processes does, until this one ends."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writing)
        hold(names)
        os.read(reading, 1)
        os._exit(0)
    os.close(reading)

    def let_go() -> None:
        os.close(writing)
        os.waitpid(child, 0)

    return let_go


def read_own_name() -> str:
    """Give the name of this process; 2.6.18 had no /proc/self/comm yet."""
    name = Path("/proc/self/status").read_text("utf-8").partition("\n")[0]
    return name.removeprefix("Name:\t")


def wait_at(barrier: Path) -> None:
    """Say that the start hook is over, and wait until the test lets this go on."""
    (barrier / "started").touch()
    while not (barrier / "continue").exists():
        time.sleep(0.02)


def parse_options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="avtar", allow_abbrev=False)
    parser.add_argument("--run-at-start", required=True, metavar="SCRIPT")
    parser.add_argument("--run-at-end", metavar="SCRIPT")
    parser.add_argument("--no-end", action="store_true", help="leave without the end hook")
    parser.add_argument("--through-shell", nargs="?", const="stays", choices=sorted(SHELLS))
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--read", nargs="+", action="extend", default=[], metavar="FILE")
    parser.add_argument("--sleep", type=float, default=0, metavar="SECONDS", help="after reading")
    parser.add_argument("--barrier", type=Path, metavar="FOLDER", help="see wait_at")
    parser.add_argument(
        "--hold", action="append", default=[], metavar="FILE", help="while it waits"
    )
    parser.add_argument("--hold-in-a-child", action="store_true")
    parser.add_argument("--eof-seconds", type=float, default=5)
    options = parser.parse_known_args(argv)[0]
    if not options.no_end and options.run_at_end is None:
        parser.error("--run-at-end SCRIPT or --no-end")
    return options


def main(argv: list[str]) -> int:
    """Do one backup's calls and print the JSON line."""
    options = parse_options(argv)
    os.chdir("/")
    story: dict[str, Any] = {
        "pid": os.getpid(),
        "comm": read_own_name(),
        "start": run_hook(options.run_at_start, options),
        "read": {},
        "errors": {},
        "end": None,
    }
    if options.barrier is not None:
        let_go = hold_in_a_child(options.hold) if options.hold_in_a_child else hold(options.hold)
        wait_at(options.barrier)
        let_go()
    for name in options.read:
        try:
            story["read"][name] = hashlib.sha256(Path(name).read_bytes()).hexdigest()
        except OSError as error:
            story["errors"][name] = str(error)
    time.sleep(options.sleep)
    if not options.no_end:
        story["end"] = run_hook(options.run_at_end, options)
    sys.stdout.write(json.dumps(story) + "\n")
    sys.stdout.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
