"""Run the tests under coverage, with every Python process of the package measured too.

The hooks run as avtar runs them, with an environment of nobody's choosing, so what tells a child
process to measure itself cannot be in its environment: it is a .pth file in the virtual
environment, there as long as the tests run.
"""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PTH = Path(sysconfig.get_path("purelib")) / "hlb-measure.pth"
COVERAGE = [sys.executable, "-m", "coverage"]
# The lab's vmware-cmd runs thousands of times; a console would not measure it either.
START = (
    "import os, sys; "
    "'vmware-cmd' in ''.join(sys.orig_argv) or os.environ.update("
    f"COVERAGE_PROCESS_START={str(ROOT / 'setup.cfg')!r}, COVERAGE_FILE={str(ROOT / '.coverage')!r}"
    ") or __import__('coverage').process_startup()\n"
)


def run_tests() -> int:
    """Run pytest; give its exit code, and 1 when it ran nothing."""
    PTH.write_text(START, "utf-8")
    try:
        done = subprocess.run([sys.executable, "-m", "pytest"], cwd=ROOT, check=False)
    finally:
        PTH.unlink()
    return done.returncode


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
