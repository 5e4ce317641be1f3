"""Running the lab's avtar beside the test: it is begun, watched by its log, and ended for sure."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab_kit import Outcome, wait_for

from hlb_hooks.lab.layout import Lab
from hlb_hooks.lab.sample_vms import SampleDisk, SampleVm

SMALL = SampleDisk(65536)
VMS = [
    SampleVm("wro215ts", disks=(SMALL,)),
    SampleVm("off", disks=(SMALL,), power="off"),
]
HOOKS = ("--run-at-start=initial_backup", "--run-at-end=initial_umount")
# A hook's lines: it notes its process's number, and goes on until it is told to end.
WAITING_HOOK = (
    "import time",
    "print('at work', flush=True)",
    "name = f'/{os.path.basename(sys.argv[0])}'",
    "folder = os.environ['LAB_TEST_FOLDER']",
    "open(folder + name + '.new', 'w').write(str(os.getpid()))",
    "os.rename(folder + name + '.new', folder + name)",
    "while not os.path.exists(folder + '/go'): time.sleep(0.01)",
)


@dataclass
class RunningAvtar:
    """An avtar that was begun; its log grows in ``log_file``."""

    process: subprocess.Popen[bytes]
    log_file: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def log(self) -> str:
        return os.fsdecode(self.log_file.read_bytes())

    def wait_for_log(self, text: str) -> None:
        wait_for(lambda: text in self.log, text)

    def finish(self) -> Outcome:
        return Outcome(self.process.wait(30), self.log, "")


@contextlib.contextmanager
def start_avtar(lab: Lab, folder: Path, *words: str | Path) -> Iterator[RunningAvtar]:
    """Begin an avtar in a process group of its own, which is killed when the block is left."""
    folder.mkdir(exist_ok=True)
    log_file = folder / "stdout"
    with log_file.open("wb") as stdout:
        process = subprocess.Popen(
            [lab.programs / "avtar", *words],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            env={**os.environ, "LAB_TEST_FOLDER": str(folder)},
            process_group=0,
        )
    try:
        yield RunningAvtar(process, log_file)
    finally:
        (folder / "go").touch()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def read_pid(path: Path) -> int:
    """Give the number that a waiting hook has noted, as soon as it has."""
    wait_for(path.exists, f"{path.name} to begin")
    return int(path.read_text())


def is_running(pid: int) -> bool:
    """Tell whether a process is there and no zombie."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] not in {"Z", "X"}
