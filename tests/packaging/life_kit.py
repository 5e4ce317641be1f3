"""What the tests of a package's life on a console share."""

import os
import subprocess
import tarfile
import time
from pathlib import Path

from console_kit import HOME, PYTHON, Console, Done

from hlb_hooks import __version__

UNINSTALL = f"/{HOME}/package/uninstall"
NEXT = f"{__version__}.1"
TALKS_OWN = "#!/bin/sh\necho '--initial_backup--'\n"
# A hook in the middle of its work, as far as the code it needs goes.
UNDER_WAY = """
import os, subprocess, sys, time
print("started", flush=True)
while not os.path.exists("/go-on"):
    time.sleep(0.05)
import structlog, sh
import hlb_hooks.steps.settle, hlb_hooks.steps.reap, hlb_hooks.entry.guard
from hlb_hooks import __version__
child = [sys.executable, "-I", "-c", "import hlb_hooks; print(hlb_hooks.__version__)"]
print(__version__, subprocess.run(child, capture_output=True, text=True).stdout, end="")
"""


def ask_version(console: Console, program: str) -> str:
    done = console.run(program, "--version")
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[1]


def age_last_switch(console: Console) -> None:
    """Let the last upgrade have been an hour ago."""
    then = time.time() - 3600
    os.utime(console.path(PYTHON), (then, then), follow_symlinks=False)


def sweep(console: Console) -> None:
    done = console.run(f"/{HOME}/package/sweep-versions")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def unpack(console: Console, archive: Path) -> str:
    """Unpack an archive on the console; give the folder's name there."""
    subprocess.run(["tar", "-xzf", archive, "-C", console.root], check=True)
    with tarfile.open(archive) as file:
        return "/" + file.getnames()[0].partition("/")[0]


def install_archive(console: Console, archive: Path, *words: str) -> Done:
    done = console.run("/bin/sh", f"{unpack(console, archive)}/install.sh", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done
