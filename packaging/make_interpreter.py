"""make_interpreter.py OUT: the static interpreter and its library, compiled or from the cache.

The cache is ``build/cache``, or ``$HLB_BUILD_CACHE``. What lies in it is used only if it was made
from the same sources by the same scripts, compiler and C library, and is still what was put there.
``HLB_NEWER_SOURCES=accept`` builds from a later revision of Debian's when the pinned one is gone.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fetch_sources import fetch_sources
from source_pins import Sources, read_sources

HERE = Path(__file__).resolve().parent
RUNTIME = HERE / "runtime"
# What is not in the library itself but decides what it becomes.
_SCRIPTS = (
    HERE / "fetch_sources.py",
    HERE / "make_interpreter.py",
    HERE / "source_pins.py",
    RUNTIME / "compile_interpreter.sh",
    RUNTIME / "modules-left-out",
)
_NEEDS = "gcc libc6-dev linux-libc-dev make musl-tools patch xz-utils debian-archive-keyring"
_TOOLCHAIN = ("binutils", "gcc", "linux-libc-dev", "make", "musl-dev", "musl-tools", "patch")
_KEPT_SECONDS = 60 * 86400


def main(arguments: list[str]) -> None:
    """Make the folder anew."""
    (out,) = (Path(argument).resolve() for argument in arguments)
    subprocess.run(["sh", HERE / "install_build_needs.sh", *_NEEDS.split()], check=True)
    cache = Path(os.environ.get("HLB_BUILD_CACHE") or HERE.parent / "build/cache").resolve()
    pinned = read_sources(*((RUNTIME / name).read_text() for name in ("sources", "sources.sha256")))
    with lock_cache(cache):
        archive = find_archive(cache, pinned)
        if not is_whole(archive):
            accepts_newer = os.environ.get("HLB_NEWER_SOURCES") == "accept"
            sources = fetch_sources(cache / "sources", pinned, accepts_newer)
            archive = find_archive(cache, sources)
            if not is_whole(archive):
                compile_into(archive, cache / "sources", sources)
        for path in (archive, name_sum(archive)):
            os.utime(path)  # what the cache is cleared by
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        subprocess.run(["tar", "-xzf", archive, "-C", out], check=True)
    for line in (out / "licenses/sources").read_text().splitlines():
        if line.startswith("NOT AS PINNED"):
            print(f"\n    {line}\n", file=sys.stderr, flush=True)


@contextmanager
def lock_cache(cache: Path) -> Iterator[None]:
    """Keep other builds off the cache, and clear from it what killed and long past ones left."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        for left in cache.glob("work.*"):
            shutil.rmtree(left)
        for archive in cache.glob("interpreter-*"):
            if archive.stat().st_mtime < time.time() - _KEPT_SECONDS:
                archive.unlink()
        yield


def find_archive(cache: Path, sources: Sources) -> Path:
    """Give the place in the cache of what these sources become on this machine."""
    digest = hashlib.sha256(sources.render().encode())
    for path in _SCRIPTS:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    for words in (["dpkg-query", "-W", *_TOOLCHAIN], ["gcc", "--version"]):
        digest.update(subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout)
    words = ["gcc", "-print-libgcc-file-name"]
    library = subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()
    digest.update(hashlib.sha256(Path(library).read_bytes()).digest())
    return cache / f"interpreter-{digest.hexdigest()[:32]}.tar.gz"


def name_sum(archive: Path) -> Path:
    """Give the place of the archive's SHA-256."""
    return archive.with_name(f"{archive.name}.sha256")


def is_whole(archive: Path) -> bool:
    """Tell whether it is there, and is what was put there."""
    try:
        expected = name_sum(archive).read_text().strip()
        return hashlib.sha256(archive.read_bytes()).hexdigest() == expected
    except FileNotFoundError:
        return False


def compile_into(archive: Path, folder: Path, sources: Sources) -> None:
    """Compile the interpreter and put it into the cache; killed meanwhile, nothing is there."""
    work = Path(tempfile.mkdtemp(prefix="work.", dir=archive.parent))
    exact, out = work / "sources", work / "out"
    exact.mkdir()
    for name in sources.sums:
        os.link(folder / name, exact / name)
    words: list[str | Path] = [
        "sh",
        RUNTIME / "compile_interpreter.sh",
        exact,
        work / "compile",
        out,
    ]
    # Only what it needs: no CPPFLAGS of somebody's gets in.
    kept = {name: os.environ[name] for name in ("PATH", "HLB_BUILD_JOBS") if name in os.environ}
    subprocess.run(words, check=True, env=kept)
    (out / "licenses/sources").write_text(sources.render())
    packed = work / "archive"
    subprocess.run(["tar", "-czf", packed, "-C", out, "."], check=True)
    digest = hashlib.sha256(packed.read_bytes()).hexdigest()
    packed.replace(archive)
    (work / "sum").write_text(f"{digest}\n")
    (work / "sum").replace(name_sum(archive))
    shutil.rmtree(work)


if __name__ == "__main__":
    main(sys.argv[1:])
