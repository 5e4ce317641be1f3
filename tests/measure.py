"""Run the tests under coverage, with every Python process of the package measured too.

The hooks run as avtar runs them, with an environment of nobody's choosing, so what tells a child
process to measure itself cannot be in its environment: it is a .pth file in the virtual
environment, there as long as the tests run.
"""

import configparser
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PTH = Path(sysconfig.get_path("purelib")) / "hlb-measure.pth"
SLOWEST = "tests/end_to_end"
# Only root may do that. The shell is the one that orphans are given to.
APART = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
APART += ["sh", "-c", '"$@"; exit $?', "sh"]
COVERAGE = [sys.executable, "-m", "coverage"]
# The lab's vmware-cmd runs thousands of times; a console would not measure it either.
START = (
    "import os, sys; "
    "'vmware-cmd' in ''.join(sys.orig_argv) or os.environ.update("
    f"COVERAGE_PROCESS_START={str(ROOT / 'setup.cfg')!r}, COVERAGE_FILE={str(ROOT / '.coverage')!r}"
    ") or __import__('coverage').process_startup()\n"
)


def run_tests() -> int:
    """Run pytest on two halves of the tests; give the worse exit code.

    At once, if each can have the processes of its machine for itself: a guard is found by whoever
    looks for one. Most of the tests wait for processes and not for the processor. What each half
    says is shown when it is over.
    """
    halves = [[SLOWEST], [path for path in read_test_paths() if path != SLOWEST]]
    PTH.write_text(START, "utf-8")
    try:
        if subprocess.run([*APART, "true"], check=False, capture_output=True).returncode == 0:
            runs = [start_pytest(half, APART) for half in halves]
            codes = [show_when_over(run) for run in runs]
        else:
            codes = [show_when_over(start_pytest(half, [])) for half in halves]
    finally:
        PTH.unlink()
    return max(codes)


def read_test_paths() -> list[str]:
    """Give the paths that pytest looks into by itself."""
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(ROOT / "setup.cfg", "utf-8")
    return settings["tool:pytest"]["testpaths"].split()


def start_pytest(paths: list[str], before: list[str]) -> "subprocess.Popen[str]":
    """Start pytest on ``paths``, by the command that stands ``before`` it."""
    return subprocess.Popen(
        [*before, sys.executable, "-m", "pytest", *paths],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def show_when_over(run: "subprocess.Popen[str]") -> int:
    """Wait for one pytest, show what it said, and give its exit code."""
    said, _ = run.communicate()
    sys.stdout.write(said)
    sys.stdout.flush()
    return run.returncode


def main() -> int:
    """Do ``erase``, ``run`` or ``report``."""
    action = sys.argv[1]
    os.chdir(ROOT)
    if action == "run":
        return run_tests()
    if action == "report":
        # A process that a test has killed in the middle of its notes leaves a broken file.
        subprocess.run([*COVERAGE, "combine", "--quiet"], check=False)
        return subprocess.run([*COVERAGE, "report"], check=False).returncode
    return subprocess.run([*COVERAGE, "erase"], check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
