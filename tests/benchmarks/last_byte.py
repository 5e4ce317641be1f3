"""The client of a benchmark: reads a disk to its last byte, or clones it and reads the clone."""

import os
import subprocess
import time
from pathlib import Path

CHUNK = 1 << 20


def main(told: str, files: list[str]) -> None:
    """Read the last of ``files``, which, if there are two, is first made of the other.

    Writes to ``told`` how long that took, in seconds, and how many bytes the files of its folder,
    which is the host's, take up then.
    """
    for path in files:
        if os.path.exists(path):
            forget_cache(path)
    started = time.perf_counter()
    if len(files) > 1:
        subprocess.run(["cp", *files], check=True)
        with open(files[-1], "rb") as file:
            os.fsync(file.fileno())
        forget_cache(files[-1])
    with open(files[-1], "rb", buffering=0) as file:
        while file.read(CHUNK):
            pass
    taken = time.perf_counter() - started
    usage = measure_usage(Path(told).parent)
    if len(files) > 1:
        os.unlink(files[-1])
    Path(told).write_text(f"{taken} {usage}")


def forget_cache(path: str) -> None:
    """Have the next reading come from the disk."""
    with open(path, "rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def measure_usage(folder: Path) -> int:
    """Give the bytes that the files below a folder take up."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
