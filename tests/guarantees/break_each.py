"""Break each guarantee in a copy of the project and see its tests fail: ``make guarantees``.

The copy has an interpreter of its own, for the hooks under test start Python anew and must find
the broken package. Prints a line for each, and fails for a test that passes all the same.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import venv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from guarantee_book import ROOT, Guarantee, read_book

LIMIT_SECONDS = 300
TESTS_FAILED = 1  # pytest's exit code for that, and for nothing else


def prepare(folder: Path) -> tuple[Path, Path]:
    """Make a copy of the project, and a Python that finds it before anything else."""
    copy = folder / "project"
    for name in ("hlb_hooks", "tests", "hooks", "docs", "packaging"):
        ignored = shutil.ignore_patterns("__pycache__", ".ruff_cache")
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=ignored)
    for name in ("setup.cfg", "pyproject.toml", "README.md", "Makefile"):
        shutil.copy(ROOT / name, copy / name)
    venv.create(folder / "python", with_pip=False, symlinks=True)
    python = folder / "python" / "bin" / "python"
    (site,) = (folder / "python").glob("lib/python*/site-packages")
    here = sysconfig.get_paths()["purelib"]
    (site / "copy.pth").write_text(f"{copy}\n{here}\n", "utf-8")
    for program in (Path(sys.executable).parent / "hlb",):
        target = python.parent / program.name
        text = program.read_text("utf-8").splitlines(keepends=True)
        target.write_text(f"#!{python}\n" + "".join(text[1:]), "utf-8")
        target.chmod(0o755)
    return copy, python


def find_survivors(entry: Guarantee) -> list[str]:
    """Give the tests that pass although the promise is broken."""
    with tempfile.TemporaryDirectory(prefix="hlb-broken-") as folder:
        copy, python = prepare(Path(folder))
        entry.break_in(copy)
        return [test for test in entry.tests if not fails(copy, python, test)]


def fails(copy: Path, python: Path, test: str) -> bool:
    """Tell whether a test fails in the copy, for what it tests and not for want of something."""
    done = subprocess.run(
        [python, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", test],
        cwd=copy,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    if done.returncode not in {0, TESTS_FAILED}:
        raise AssertionError(f"{test} could not be run:\n{done.stdout}\n{done.stderr}")
    return done.returncode == TESTS_FAILED


def main() -> int:
    """Break them all, two at a time; 1 when one was not noticed."""
    wanted = sys.argv[1:]
    entries = [
        entry for entry in read_book() if not wanted or any(w in entry.promise for w in wanted)
    ]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(find_survivors, entries))
    for entry, survivors in zip(entries, results, strict=True):
        word = "NOT NOTICED by " + ", ".join(survivors) if survivors else "noticed"
        sys.stdout.write(f"{entry.file}: {entry.promise}: {word}\n")
    broken = sum(1 for survivors in results if survivors)
    sys.stdout.write(f"{len(results) - broken} passed, {broken} failed\n")
    return 1 if broken or not results else 0


if __name__ == "__main__":
    sys.exit(main())
