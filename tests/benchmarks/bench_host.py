"""An emulated host with a job for all its VMs, and the same host commands without the hooks."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "emulation"))

import esx

BIN = Path(sys.executable).parent


def run_quietly(words: Sequence[str | Path]) -> object:
    return subprocess.run(words, stdout=subprocess.DEVNULL, check=True)


class BenchHost:
    """The host, its configuration, and its hooks, run by hand."""

    def __init__(self, folder: Path, vms: int) -> None:
        self.host = esx.Host.create(folder / "host")
        self.vmxs = [self.host.add_vm(f"vm{number}") for number in range(vms)]
        self.config = folder / "hlb.toml"
        self.state_dir = folder / "state"
        self.config.write_text(
            f'[host]\nvmware_cmd = "{self.host.vmware_cmd}"\n'
            f'[paths]\nstate_dir = "{self.state_dir}"\nlog_file = "{folder}/log"\n'
            "[snapshot]\nmin_free_percent = 0\nmin_free_gib = 0\nemergency_free_percent = 0\n"
            f'parallel = 1\n[jobs.default]\ntargets = "{folder}/targets"\n'
        )
        (folder / "targets").write_text("*\n")
        for path in (self.config, folder / "targets"):
            path.chmod(0o600)

    def begin(self) -> object:
        """Make the snapshots of a run."""
        return run_quietly([BIN / "initial_backup", "--lease", "1h", "--config", self.config])

    def end_command(self, program: str, *arguments: str) -> list[str | Path]:
        """Give the command line of a hook that ends the latest run."""
        run = max(path.stem for path in self.state_dir.glob("*.state"))
        return [BIN / program, "--run", run, "--config", self.config, *arguments]

    def run_hooks(self) -> object:
        self.begin()
        return run_quietly(self.end_command("initial_umount"))

    def run_commands(self) -> object:
        program = str(self.host.vmware_cmd)
        run_quietly([program, "-l"])
        for vmx in self.vmxs:
            run_quietly([program, vmx, "getstate"])
            run_quietly([program, vmx, "createsnapshot", "a", "b", "1", "0"])
        for vmx in self.vmxs:
            run_quietly([program, vmx, "removesnapshots"])
        return None
