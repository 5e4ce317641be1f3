"""The benchmarks' own small programs in C: the host that costs nothing, the floor, a stopwatch."""

import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

SOURCES = Path(__file__).with_name("native")


class NoCompilerError(Exception):
    """There is no C compiler here."""


class Timing(NamedTuple):
    """What a program took: seconds, and the most memory of it or of any child, in MiB."""

    seconds: float
    memory_mib: float


def build_program(name: str, folder: Path) -> Path:
    """Compile one of the programs into ``folder``. Raise NoCompilerError."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise NoCompilerError("no C compiler (cc): the host that costs nothing cannot be built")
    program = folder / name.replace("_", "-")
    command = [compiler, "-O2", "-Wall", "-Wextra", "-o", program, SOURCES / f"{name}.c"]
    # Where there is no static C library, a linked one is slower to start, for both sides alike.
    for linking in (["-static"], []):
        if subprocess.run([*command, *linking], capture_output=True, check=False).returncode == 0:
            return program
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    raise NoCompilerError(f"cc failed on {name}.c: {done.stderr}")


class Stopwatch:
    """Runs programs and tells what they took."""

    def __init__(self, folder: Path) -> None:
        self._program = build_program("stopwatch", folder)
        self._result = folder / "stopwatch.txt"

    def time(self, command: list[str | Path], log: Path | None = None) -> Timing:
        """Run a command to its end, its output to ``log``. Raise CalledProcessError."""
        with (log or Path("/dev/null")).open("wb") as output:
            subprocess.run(
                [self._program, self._result, *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=True,
            )
        seconds, kibibytes = self._result.read_text().split()
        return Timing(float(seconds), int(kibibytes) / 1024)
