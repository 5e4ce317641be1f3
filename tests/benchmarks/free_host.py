"""A host whose commands cost nothing, or what they are told to; its VMs, a job, and its hooks."""

import json
import os
import subprocess
import time
import venv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from native_programs import Stopwatch, Timing, build_program

from hlb_hooks.entry.hook_scripts import render

ROOT = Path(__file__).parent.parent.parent
CLIENT = '#!/bin/sh\nfor hook; do "$hook" || exit; done\n'
PATIENCE_SECONDS = 60
VMX = """\
#!/usr/bin/vmware
.encoding = "UTF-8"
config.version = "8"
virtualHW.version = "4"
nvram = "{name}.nvram"
displayName = "{name}"
extendedConfigFile = "{name}.vmxf"
guestOS = "winnetenterprise"
memsize = "2048"
uuid.bios = "{uuid}"
uuid.location = "{uuid}"
uuid.action = "keep"
checkpoint.vmState = ""
tools.syncTime = "FALSE"
scsi0.present = "TRUE"
scsi0.virtualDev = "lsilogic"
scsi0:0.present = "TRUE"
scsi0:0.fileName = "{name}.vmdk"
scsi0:0.deviceType = "scsi-hardDisk"
scsi0:0.redo = ""
ide0:0.present = "TRUE"
ide0:0.deviceType = "atapi-cdrom"
ide0:0.fileName = "/dev/cdrom"
floppy0.startConnected = "FALSE"
ethernet0.present = "TRUE"
ethernet0.networkName = "VM Network"
ethernet0.addressType = "generated"
ethernet0.generatedAddress = "00:0c:29:00:00:01"
ethernet0.generatedAddressOffset = "0"
"""
DESCRIPTOR = """\
# Disk DescriptorFile
version=1
CID={cid}
parentCID=ffffffff
createType="vmfs"

# Extent description
RW 1 VMFS "{name}-flat.vmdk"

# The Disk Data Base
#DDB

ddb.adapterType = "lsilogic"
ddb.geometry.cylinders = "1"
ddb.geometry.heads = "255"
ddb.geometry.sectors = "63"
ddb.virtualHWVersion = "4"
"""


@dataclass
class Workshop:
    """What all hosts of a benchmark share: the programs, and an environment without detours.

    The environment is a fresh one: that of a developer finds the package by way of a hook of the
    import system, which costs every start of Python more than the package does.
    """

    folder: Path
    stopwatch: Stopwatch = field(init=False)
    vmware_cmd: Path = field(init=False)
    floor: Path = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.stopwatch = Stopwatch(self.folder)
        self.vmware_cmd = build_program("vmware_cmd", self.folder)
        self.floor = build_program("floor", self.folder)
        venv.create(self.folder / "env", symlinks=True)
        (site,) = (self.folder / "env" / "lib").glob("python*/site-packages")
        import structlog

        packages = Path(structlog.__file__).parent.parent
        (site / "hlb.pth").write_text(f"{ROOT}\n{packages}\n")

    @property
    def python(self) -> Path:
        return self.folder / "env" / "bin" / "python"


class FreeHost:
    """A host with ``present`` VMs on several datastores, of which a job chooses ``chosen``."""

    def __init__(
        self, workshop: Workshop, folder: Path, present: int, chosen: int, stores: Sequence[int]
    ) -> None:
        """Make it; ``stores`` are the shares that the datastores have of the VMs."""
        self.workshop = workshop
        self.folder = folder
        self.guard_memory_mib = 0.0
        folder.mkdir(parents=True)
        self.state_dir = folder / "var"
        self.config = folder / "hlb.toml"
        self.vmware_cmd = folder / "vmware-cmd"
        # A link would lead to the folder of the original, which looks for its settings there.
        self.vmware_cmd.write_bytes(workshop.vmware_cmd.read_bytes())
        self.vmware_cmd.chmod(0o755)
        self.vmxs = list(self._make_vms(present, chosen, stores))
        self.chosen = self.vmxs[:chosen]
        (folder / "inventory").write_text("".join(f"{vmx}\n" for vmx in self.vmxs))
        self.targets = folder / "targets"
        self.targets.write_text("".join(f"{Path(vmx).stem}\n" for vmx in self.chosen))
        self.targets.chmod(0o600)
        self.configure()
        self.client = folder / "avtar"
        self.client.write_text(CLIENT)
        self.client.chmod(0o755)
        self.hooks = [folder / name for name in ("initial_backup", "initial_umount")]
        for hook in self.hooks:
            hook.write_text(render(hook.name, str(workshop.python)))
            hook.chmod(0o755)

    def _make_vms(self, present: int, chosen: int, stores: Sequence[int]) -> Iterator[str]:
        folders = [
            self.folder / "vmfs" / "volumes" / f"4a9b8a6e-3eca11a2-6a67-00144f0d86{number:02x}"
            for number, share in enumerate(stores)
            for _ in range(share)
        ]
        for number in range(present):
            name = f"wro{number:05d}"
            # The chosen ones come first on the list, and each datastore has its share of them.
            folder = folders[number % len(folders)] / name
            folder.mkdir(parents=True)
            pair = number.to_bytes(8, "big").hex(" ")
            vmx = folder / f"{name}.vmx"
            vmx.write_text(VMX.format(name=name, uuid=f"56 4d 00 00 00 00 00 00-{pair}"))
            if number < chosen:
                descriptor = DESCRIPTOR.format(name=name, cid=f"{number + 1:08x}")
                vmx.with_suffix(".vmdk").write_text(descriptor)
                vmx.with_name(f"{name}-flat.vmdk").write_bytes(bytes(512))
                vmx.with_suffix(".vmsd").write_bytes(b"")
            yield str(vmx)

    def configure(self, **snapshot: int) -> None:
        """Write hlb.toml: the usual settings, but for what is given."""
        sections: dict[str, Mapping[str, object]] = {
            "host": {"vmware_cmd": str(self.vmware_cmd), "name": f"bench-{self.folder.name}"},
            "paths": {"state_dir": str(self.state_dir), "log_file": str(self.folder / "log")},
            "run": {"guard_poll_seconds": 2.0},
            "snapshot": {"min_free_percent": 0, "min_free_gib": 0, "emergency_free_percent": 0}
            | snapshot,
            "jobs.default": {"targets": str(self.targets)},
        }
        lines = []
        for section, keys in sections.items():
            lines.append(f"[{section}]")
            lines += [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
        self.config.write_text("\n".join(lines) + "\n")
        self.config.chmod(0o600)

    def configure_guard(self, poll_seconds: float) -> None:
        """Have the guard look around so often."""
        text = self.config.read_text()
        usual = "guard_poll_seconds = 2.0"
        if usual not in text:
            raise AssertionError(f"{self.config} does not say {usual}")
        self.config.write_text(text.replace(usual, f"guard_poll_seconds = {poll_seconds}"))

    def report(self) -> dict[str, Any]:
        """Give the report of the last run."""
        hlb = "import sys; from hlb_hooks.entry.hlb import main; sys.exit(main())"
        program = [self.workshop.python, "-I", "-c", hlb, "report", "--json"]
        done = subprocess.run(
            [*program, "--config", self.config], stdout=subprocess.PIPE, check=False
        )
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    def set_latency(self, seconds: Mapping[str, float]) -> None:
        """Have the host's commands take so long, each by its name; ``jitter`` is a share."""
        lines = "".join(f"{name} {value}\n" for name, value in seconds.items())
        (self.folder / "latency").write_text(lines)

    def time_hooks(self, *between: Path) -> Timing:
        """Run both hooks below a client, with programs between them; give what all took."""
        start, end = self.hooks
        with self._environment():
            timing = self.workshop.stopwatch.time(
                [self.client, start, *between, end], self.folder / "hooks.log"
            )
        self._wait_for_guards()
        return timing

    def time_floor(self, at_once: int, at_once_at_the_end: int) -> Timing:
        """Run the same commands, and nothing else."""
        start = self.time_floor_phase("start", at_once)
        end = self.time_floor_phase("end", at_once_at_the_end)
        return Timing(start.seconds + end.seconds, max(start.memory_mib, end.memory_mib))

    def time_floor_phase(self, phase: str, at_once: int) -> Timing:
        """Run the commands of one hook, and nothing else."""
        program: list[str | Path] = [self.workshop.floor, phase, self.vmware_cmd, str(at_once)]
        return self.workshop.stopwatch.time([*program, *self.chosen])

    @contextmanager
    def _environment(self) -> Iterator[None]:
        os.environ["HLB_CONFIG"] = str(self.config)
        try:
            yield
        finally:
            del os.environ["HLB_CONFIG"]

    def _wait_for_guards(self) -> None:
        """Return once no guard of this host is left: none must be at work during the next try."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        for state_file in self.state_dir.glob("*.state"):
            lines = (line.split("\t") for line in state_file.read_text().splitlines())
            for pid in [words[3].removeprefix("pid=") for words in lines if words[1] == "GUARD"]:
                while time.monotonic() < deadline and self._note_memory(Path("/proc") / pid):
                    time.sleep(0.02)

    def _note_memory(self, process: Path) -> bool:
        """Note the most memory that a guard has had so far; False when it is gone."""
        try:
            status = (process / "status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return False
        for line in status.splitlines():
            if line.startswith("VmHWM:"):
                self.guard_memory_mib = int(line.split()[1]) / 1024
        return "VmHWM:" in status

    def forget_runs(self) -> None:
        """Take the state files away, for the next try to begin as this one did."""
        subprocess.run(["rm", "-rf", self.state_dir], check=True)
