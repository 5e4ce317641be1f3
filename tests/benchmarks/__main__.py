"""What the hooks add to the host's own commands, as ratios within one run: ``make bench``.

Times mean nothing alone, least of all on a machine that others use too, so each figure stands
beside its floor, measured in turn with it, and the medians are compared.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "emulation"))

import esx

BIN = Path(sys.executable).parent
VMS = 10
ROUNDS = 7


def run_quietly(words: Sequence[str | Path]) -> object:
    return subprocess.run(words, stdout=subprocess.DEVNULL, check=True)


def measure(command: Callable[[], object], floor: Callable[[], object]) -> tuple[float, float]:
    """Give the median seconds of both, run in turn."""
    seconds: dict[Callable[[], object], list[float]] = {command: [], floor: []}
    for _ in range(ROUNDS):
        for action, taken in seconds.items():
            started = time.perf_counter()
            action()
            taken.append(time.perf_counter() - started)
    return statistics.median(seconds[command]), statistics.median(seconds[floor])


def start_hook() -> object:
    return run_quietly([BIN / "initial_backup", "--version"])


def start_python() -> object:
    return run_quietly([sys.executable, "-I", "-c", "pass"])


class Host:
    """An emulated host, a job for all its VMs, and the same host commands without the hooks."""

    def __init__(self, folder: Path) -> None:
        self.host = esx.Host.create(folder / "host")
        self.vmxs = [self.host.add_vm(f"vm{number}") for number in range(VMS)]
        self.config = folder / "hlb.toml"
        self.config.write_text(
            f'[host]\nvmware_cmd = "{self.host.vmware_cmd}"\n'
            f'[paths]\nstate_dir = "{folder}/state"\nlog_file = "{folder}/log"\n'
            "[snapshot]\nmin_free_percent = 0\nmin_free_gib = 0\nemergency_free_percent = 0\n"
            f'parallel = 1\n[jobs.default]\ntargets = "{folder}/targets"\n'
        )
        (folder / "targets").write_text("*\n")
        for path in (self.config, folder / "targets"):
            path.chmod(0o600)

    def run_hooks(self) -> object:
        owner = ("--owner-pid", str(os.getpid()), "--config", str(self.config))
        run_quietly([BIN / "initial_backup", *owner])
        return run_quietly([BIN / "initial_umount", *owner])

    def run_commands(self) -> object:
        program = str(self.host.vmware_cmd)
        run_quietly([program, "-l"])
        for vmx in self.vmxs:
            run_quietly([program, vmx, "getstate"])
            run_quietly([program, vmx, "createsnapshot", "a", "b", "1", "0"])
        for vmx in self.vmxs:
            run_quietly([program, vmx, "removesnapshots"])
        return None


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        host = Host(Path(folder))
        rows = [
            ("initial_backup --version / python -I -c pass", *measure(start_hook, start_python)),
            (
                f"both hooks, {VMS} VMs / their host commands alone",
                *measure(host.run_hooks, host.run_commands),
            ),
        ]
    print(f"{'what, against what':<52} {'seconds':>9} {'floor':>9} {'ratio':>7}")
    for what, seconds, floor in rows:
        print(f"{what:<52} {seconds:>9.3f} {floor:>9.3f} {seconds / floor:>7.2f}")


if __name__ == "__main__":
    main()
