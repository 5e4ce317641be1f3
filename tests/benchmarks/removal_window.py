"""The window of a removal: what an administrator loses between our last look and the host's task.

``vmware-cmd removesnapshots`` takes every snapshot of a VM. The .vmsd is looked at immediately
before, so what remains is the time from that look to the moment at which the host begins. Here
the package's own ``HostSnapshots.remove`` works on an emulated host, and another process takes a
snapshot at a random moment around it. ``python removal_window.py FOLDER TRIES SEED`` prints the
tries as JSON; it is a program because its audit hook stays as long as its process lives.
"""

import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from moments import HOST_BEGAN, MOMENT, Moments, Try

sys.path.insert(0, str(Path(__file__).parent.parent / "emulation"))

import esx

from hlb_hooks.effects.base_disks import record_disks
from hlb_hooks.effects.commands import CommandRunner
from hlb_hooks.effects.snapshot_work import Removal
from hlb_hooks.effects.snapshots import HostSnapshots
from hlb_hooks.effects.vm_files import read_vm
from hlb_hooks.effects.vmware_cmd import VmwareCmd

EMULATION = Path(esx.__file__).parent
OURS = "HLB-gold-20261122T010000Z-0123abcd"
# So much later both begin: the order has reached the administrator by then.
LEAD_NS = 8_000_000
# The first guess of the time from a removal's start to the host's task; then it is measured.
FIRST_GUESS_NS = 40_000_000
# vmware-cmd of the emulated host, which notes when the host has the VM for itself.
TIMED_VMWARE_CMD = """\
#!{python} -ISXutf8
import os
import struct
import sys
import time

sys.path.insert(0, {emulation!r})
import esx_command


class TimedHost(esx_command.Host):
    def remove_snapshots(self, vmx):
        with open({moments!r}, "r+b", buffering=0) as file:
            os.pwrite(file.fileno(), struct.pack("q", time.monotonic_ns()), {offset})
        super().remove_snapshots(vmx)


esx_command.Host = TimedHost
raise SystemExit(esx_command.run_vmware_cmd({root!r}, sys.argv[1:]))
"""


class Scene:
    """A host with one VM, our removal of its snapshot, and an administrator of his own mind."""

    def __init__(
        self, folder: Path, administrator: "subprocess.Popen[str]", host: esx.Host
    ) -> None:
        self.host = host
        (self.vmx,) = host.registered()
        self.moments = Moments(folder / "moments")
        self._administrator = administrator
        self._intents = os.open(folder / "intents", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        program = write_timed_vmware_cmd(folder, host)
        runner = CommandRunner(run="run", may_change=True)
        self._snapshots = HostSnapshots(VmwareCmd(str(program), runner, 60, 60, 60), 5, 60)
        self._removal = Removal(self.vmx, (OURS,), record_disks(read_vm(self.vmx)))
        self._reaches_host_ns = [FIRST_GUESS_NS]

    def remove_beside_administrator(self, number: int, chance: random.Random) -> Try:
        """Have a snapshot of ours removed, and one taken at a random moment around it."""
        self.host.take_admin_snapshot(self.vmx, OURS)
        name = f"before-update-{number}"
        begin = time.monotonic_ns() + LEAD_NS
        reach = statistics.median(self._reaches_host_ns[-50:])
        # Every other one around our two looks, the others anywhere up to the host's task.
        around = (-4e6, 4e6) if number % 2 else (0.0, 1.2 * reach)
        moment = begin + chance.uniform(*around)
        self._tell_administrator(int(moment), name)
        self.moments.forget()
        time.sleep(max(0, begin - time.monotonic_ns()) / 1e9)
        self._snapshots.remove(self._removal, self._write_intent)
        latest_look, look_before, executed, host_began = self.moments.read()
        if host_began:
            self._reaches_host_ns.append(host_began - begin)
        done = self._hear_administrator()
        is_lost = done > 0 and name not in self.host.snapshots(self.vmx)
        self.host.remove_admin_snapshots(self.vmx)
        return Try(look_before or latest_look, executed, host_began, done, is_lost)

    def _tell_administrator(self, moment: int, name: str) -> None:
        assert self._administrator.stdin is not None
        self._administrator.stdin.write(f"{moment} {name}\n")
        self._administrator.stdin.flush()

    def _hear_administrator(self) -> int:
        assert self._administrator.stdout is not None
        return int(self._administrator.stdout.readline())

    def _write_intent(self) -> None:
        """Do what a hook does between its two looks: a record, on disk before anything else."""
        os.write(self._intents, bytes(200))
        os.fsync(self._intents)


def write_timed_vmware_cmd(folder: Path, host: esx.Host) -> Path:
    program = folder / "vmware-cmd"
    text = TIMED_VMWARE_CMD.format(
        python=sys.executable,
        emulation=str(EMULATION),
        moments=str(folder / "moments"),
        offset=HOST_BEGAN * MOMENT.size,
        root=str(host.root),
    )
    program.write_text(text, "utf-8")
    program.chmod(0o755)
    return program


@contextmanager
def administrator_of(host: esx.Host) -> Iterator["subprocess.Popen[str]"]:
    program = Path(__file__).with_name("administrator.py")
    command: list[str | Path] = [
        sys.executable,
        "-IS",
        program,
        EMULATION,
        host.root,
        host.registered()[0],
    ]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


def throw_administrators(folder: Path, tries: int, seed: int) -> list[Try]:
    """Remove a snapshot of ours ``tries`` times, each time with an administrator at work."""
    host = esx.Host.create(folder / "host")
    host.add_vm("vm", disks=[bytes(512)])
    chance = random.Random(seed)
    with administrator_of(host) as administrator:
        scene = Scene(folder, administrator, host)
        scene.moments.listen()
        return [scene.remove_beside_administrator(number, chance) for number in range(tries)]


def measure_in_a_process(folder: Path, tries: int, seed: int) -> list[Try]:
    """Give what this program prints, run as one."""
    command: list[str | Path] = [sys.executable, __file__, folder, str(tries), str(seed)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return [Try(*each) for each in json.loads(done.stdout)]


def main(argv: Sequence[str]) -> None:
    folder, tries, seed = argv
    sys.stdout.write(json.dumps(throw_administrators(Path(folder), int(tries), int(seed))))


if __name__ == "__main__":
    main(sys.argv[1:])
