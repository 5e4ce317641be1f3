"""What the end-to-end tests take for a guard."""

import subprocess
import sys
from pathlib import Path

from hook_watching import GUARD_MODULE, find_guards


def test_what_a_guard_forks_is_no_second_guard(tmp_path: Path) -> None:
    program = (
        "import os, time; pid = os.fork(); print(pid, flush=True) if pid else time.sleep(60); "
        "input() if pid else None"
    )
    words = ["-c", program, GUARD_MODULE, "--state", str(tmp_path / "run.state")]
    with subprocess.Popen(
        [sys.executable, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as guard:
        assert guard.stdout
        child = int(guard.stdout.readline())
        try:
            assert list(find_guards(tmp_path)) == [guard.pid]
        finally:
            subprocess.run(["kill", "-9", str(child)], check=True)
            guard.kill()
