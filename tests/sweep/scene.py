"""A site for one killed run: what was there before, who owns it, and what must be left of it."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from hook_kit import Record, Site
from hook_watching import PATIENCE_SECONDS, kill_guards, read_words, wait_until

from hlb_hooks.effects.found_runs import FoundRuns, find_runs

HLB = Path(sys.executable).parent / "hlb"
ADMINISTRATORS = "by hand"
# What the host makes itself while it merges, and takes away again.
HOSTS_OWN = "Consolidate Helper"
CREATE_SECONDS = 2
LOOK_SECONDS = 1
# So long after its intent a snapshot may still come to exist, for all a rescuer knows: records and
# the clock that they are compared with count whole seconds.
PATIENCE_OF_THE_RUN_SECONDS = CREATE_SECONDS + LOOK_SECONDS + 1.2
LEFT_ALONE = "is left alone"
GUEST_DATA = b"written by the guest".ljust(512, b".")
_FOREIGN_FILE = re.compile(r"/foreign-(000001(-delta)?\.vmdk|Snapshot1\.vmsn)$")


class Scene:
    """VMs of ours, one with an administrator's snapshot, and a backup client that lives."""

    def __init__(self, root: Path, vms: int, **snapshot: object) -> None:
        root.mkdir(parents=True)
        self.root = root
        self.site = Site(root)
        settings = {
            "parallel": 1,
            "parallel_per_datastore": 1,
            "remove_parallel": 1,
            "create_timeout_seconds": CREATE_SECONDS,
            "settle_timeout_seconds": LOOK_SECONDS,
        }
        self.site.configure(snapshot=settings | snapshot, run={"guard_poll_seconds": 0.05})
        host = self.site.host
        self.vms = self.site.add_vms(vms)
        self.foreign = host.add_vm("foreign")
        host.take_admin_snapshot(self.foreign, ADMINISTRATORS)
        self._chains = self._read_chains()
        self.owner = subprocess.Popen(["sleep", "600"], cwd="/")

    # -- what is run

    @property
    def environment(self) -> dict[str, str]:
        return {"HLB_CONFIG": str(self.site.config), "PATH": "/usr/bin:/bin", "HOME": "/"}

    def hook_command(self, hook: str) -> list[str]:
        return [str(self.site.scripts / hook), "--owner-pid", str(self.owner.pid)]

    def reap_command(self) -> list[str]:
        return [str(HLB), "reap", "--config", str(self.site.config)]

    def guard_command(self) -> list[str]:
        """Give a guard's command; it says that it is ready on stdout, and closes that."""
        state = str(self.site.state_file)
        return [sys.executable, "-I", "-m", "hlb_hooks.entry.guard", "--state", state, "--ready=1"]

    def run(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            text=True,
            cwd="/",
            timeout=PATIENCE_SECONDS,
        )
        with (self.root / "said.out").open("a", encoding="utf-8") as file:
            file.write(f"{command}: {done.returncode}\n{done.stdout}\n")
        return done

    def start(self) -> None:
        """Bring a run to where its snapshots are open."""
        done = self.run(self.hook_command("initial_backup"))
        assert done.returncode == 0, done.stdout

    def reap(self) -> None:
        """Put right whatever has nobody any more; nothing may be left."""

        def is_all_reaped() -> bool:
            done = self.run(self.reap_command())
            assert done.returncode == 0, done.stdout
            # What was killed a moment ago may still be on its way out, with the run's lock.
            return LEFT_ALONE not in done.stdout

        wait_until(is_all_reaped, "a reap that leaves no run alone")

    def kill_owner(self) -> None:
        self.owner.kill()
        self.owner.wait()

    def kill_guards(self) -> None:
        kill_guards(self.root)

    # -- what must hold at any time

    def ours(self, vmx: str) -> list[str]:
        return [name for name in self.site.host.snapshots(vmx) if name.startswith("HLB-")]

    def records(self) -> list[Record]:
        """Give the records of every state file; a line that was cut short says nothing."""
        records = []
        for path in self.site.state_files():
            whole = path.with_suffix(".whole")
            text = path.read_bytes()
            whole.write_bytes(text[: text.rfind(b"\n") + 1])
            records += self.site.records(whole)
            whole.unlink()
        return records

    def check_always(self) -> None:
        """Ours are recorded, never two on one VM, and another's is where it was."""
        intents = [record for record in self.records() if record.flag == "INTENT_snap"]
        recorded = {record.details["snapshot"] for record in intents}
        for vmx in self.vms:
            there = [name for name in self.site.host.snapshots(vmx) if name != HOSTS_OWN]
            assert there == self.ours(vmx), f"{vmx} has {there}"
            assert set(there) <= recorded, f"{there} not in {recorded}"
            assert len(there) <= 1, f"{vmx} has {there}"
        there = self.site.host.snapshots(self.foreign)
        assert there == [ADMINISTRATORS], f"{self.foreign} has {there}"

    def has_unclear_intent(self) -> bool:
        """Tell whether a snapshot was asked for, and nobody put down what became of it."""
        last: dict[str, str] = {}
        for record in self.records():
            if "snapshot" in record.details:
                last[record.details["snapshot"]] = record.flag
        return "INTENT_snap" in last.values()

    def wait_for_commands(self) -> None:
        """Wait until the host has done what it was asked."""
        wait_until(lambda: not list(self._commands()), "the end of the host's commands")

    def _commands(self) -> Iterator[int]:
        program = os.fsencode(self.site.host.vmware_cmd)
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and program in read_words(entry):
                yield int(entry.name)

    def write_as_guests(self) -> None:
        """Let every guest write: what it wrote must be there in the end."""
        for vmx in [*self.vms, self.foreign]:
            self.site.host.write_guest(vmx, "scsi0:0", 0, GUEST_DATA)

    # -- what must be in the end

    def find_runs(self) -> FoundRuns:
        return find_runs(str(self.site.state_dir))

    def is_settled(self) -> bool:
        runs = self.find_runs().runs
        return all(entry.run.is_ended for entry in runs) and not self.site.guards()

    def wait_settled(self) -> None:
        wait_until(self.is_settled, "the end of every run and of its guard")

    def check_clean(self) -> None:
        """Nothing of ours is left, nothing of others is missing."""
        self.check_always()
        ours = [name for vmx in self.vms for name in self.ours(vmx)]
        assert ours == [], f"open: {ours}"
        files = self.leftovers()
        assert files == [], f"left over: {files}"
        chains = self._read_chains()
        assert chains == self._chains, f"{chains} and not {self._chains}"
        for vmx in [*self.vms, self.foreign]:
            content = self.site.host.disk_bytes(vmx)
            assert content.startswith(GUEST_DATA), f"{vmx}: {content[:40]!r}"
        found = self.find_runs()
        assert found.errors == (), f"{found.errors}"
        begun = [entry.run.name for entry in found.runs if not entry.run.is_ended]
        assert begun == [], f"not ended: {begun}"
        assert self.site.guards() == [], "a guard is left"

    def leftovers(self) -> list[str]:
        """Name the files of ours that lie on the datastores."""
        return [path for path in self.site.leftovers() if not _FOREIGN_FILE.search(path)]

    def _read_chains(self) -> list[list[Path]]:
        return [self.site.host.disk_chain(vmx) for vmx in [*self.vms, self.foreign]]

    def close(self) -> None:
        """Leave no process behind, and no file."""
        self.kill_owner()
        root = os.fsencode(self.root)
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and any(root in word for word in read_words(entry)):
                with suppress(ProcessLookupError):
                    os.kill(int(entry.name), signal.SIGKILL)
        # What was just killed may still be closing its files.
        shutil.rmtree(self.root, ignore_errors=True)


@contextmanager
def staged(root: Path, vms: int = 2, **snapshot: object) -> Iterator[Scene]:
    """Give a scene; it is cleared away when all went well, and kept to be looked at if not."""
    scene = Scene(root, vms, **snapshot)
    try:
        yield scene
    except BaseException:
        scene.kill_owner()
        raise
    scene.close()
