"""What the end-to-end tests share: a site, which is a host, its hooks and their configuration.

The hooks are the scripts of the Avamar scripts folder, run as processes of their own; the host is
the independent emulation, and the client a process called ``avtar`` that is none.
"""

import json
import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import avtar_like
import pytest
from esx import Host
from hook_story import Outcome, Story, escaped, read_story
from hook_watching import PATIENCE_SECONDS, find_guards, find_processes, wait_until

from hlb_hooks.entry.arguments import HOOKS
from hlb_hooks.entry.hook_scripts import render

# Where ``python`` and ``hlb`` are: those of the tests, or others that are to pass them too.
PROGRAMS = Path(os.environ.get("HLB_TEST_PROGRAMS") or Path(sys.executable).parent)
CHANGING = {"createsnapshot", "removesnapshots"}


@dataclass(frozen=True)
class Record:
    """One line of a state file, read without the package's help."""

    flag: str
    vmx: str
    details: dict[str, str]


@dataclass
class RunningAvtar:
    """An avtar under way; with a barrier it waits between the hooks until it may go on."""

    process: subprocess.Popen[str]
    barrier: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def wait_started(self) -> None:
        def is_started() -> bool:
            assert self.process.poll() is None, self.process.communicate()
            return (self.barrier / "started").exists()

        wait_until(is_started, "the start hook's end")

    def finish(self) -> Story:
        (self.barrier / "continue").touch()
        stdout, stderr = self.process.communicate(timeout=PATIENCE_SECONDS)
        assert self.process.returncode == 0, stderr
        return read_story(stdout)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=PATIENCE_SECONDS)


class Site:
    """An emulated host with the hooks installed; the configuration is small and in a hurry."""

    def __init__(self, root: Path, dialect: str = "console") -> None:
        self.root = root
        self.host = Host.create(root / "esx", dialect=dialect)
        self.scripts = root / "scripts"
        self.state_dir = root / "var" / "hlb"
        self.log_file = self.state_dir / "hlb.log"
        self.config = root / "etc" / "hlb.toml"
        self.targets = root / "etc" / "targets"
        self.may_leave_guards = False
        self._barriers = 0
        self.settings: dict[str, dict[str, Any]] = {
            "host": {
                "vmware_cmd": str(self.host.vmware_cmd),
                # Of its own: `hlb reap` of one site must not settle the runs of another.
                "name": f"esx-{secrets.token_hex(4)}",
                "command_timeout_seconds": 30,
            },
            "paths": {"state_dir": str(self.state_dir), "log_file": str(self.log_file)},
            "run": {"guard_poll_seconds": 0.1, "guard_retry_seconds": 1},
            "snapshot": {
                "parallel": 4,
                "parallel_per_datastore": 4,
                "remove_parallel": 4,
                "settle_timeout_seconds": 1,
                "min_free_percent": 0,
                "min_free_gib": 0,
                "emergency_free_percent": 0,
            },
            "jobs.default": {"targets": str(self.targets)},
        }
        for folder in (self.scripts, self.config.parent, self.state_dir.parent):
            folder.mkdir(mode=0o755, parents=True)
        for hook in HOOKS:
            script = self.scripts / hook
            script.write_text(render(hook, str(PROGRAMS / "python")), "utf-8")
            script.chmod(0o755)
        self.configure()
        self.choose("*")

    # -- what the operator writes

    def configure(self, **sections: Mapping[str, Any]) -> None:
        """Change keys of hlb.toml; the others keep their values. ``None`` leaves a key out."""
        for section, keys in sections.items():
            self.settings.setdefault(section, {}).update(keys)
        self.write_config(self.settings)

    def write_config(self, settings: Mapping[str, Mapping[str, Any]]) -> None:
        lines = []
        for section, keys in settings.items():
            lines.append(f"[{section}]")
            lines += [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
        self.config.write_text("\n".join(lines) + "\n", "utf-8")
        self.config.chmod(0o600)

    def choose(self, *targets: str) -> None:
        """Write the targets file."""
        self.targets.write_text("".join(f"{target}\n" for target in targets), "utf-8")
        self.targets.chmod(0o600)

    def add_vms(self, count: int) -> list[str]:
        return [self.host.add_vm(f"vm{number}") for number in range(1, count + 1)]

    # -- the hooks, by hand and by avtar

    def run(self, hook: str, *arguments: str, environment: Mapping[str, str] = {}) -> Outcome:
        """Run a hook as an operator does at a terminal."""
        done = subprocess.run(
            [self.scripts / hook, *arguments],
            env={**self._environment, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=PATIENCE_SECONDS * 2,
        )
        stdout, stderr = (
            stream.decode("utf-8", "surrogateescape") for stream in (done.stdout, done.stderr)
        )
        return Outcome(done.returncode, stdout, stderr)

    def run_read_only(self, folder: Path, hook: str, *arguments: str) -> Outcome:
        """Run a hook for which ``folder`` is read-only, as on a disk with errors; only for root."""
        program = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
        command: list[str | Path] = ["unshare", "--mount", "sh", "-c", program, folder]
        if subprocess.run([*command, "true"], check=False).returncode:
            pytest.skip("a read-only mount needs root, and the Debian package util-linux")
        done = subprocess.run(
            [*command, self.scripts / hook, *arguments],
            env={**self._environment, "PATH": os.defpath},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            text=True,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    @property
    def _environment(self) -> dict[str, str]:
        return {"HLB_CONFIG": str(self.config), "PATH": "/usr/bin:/bin", "HOME": "/"}

    def start_hook(self, hook: str, *arguments: str) -> subprocess.Popen[str]:
        """Start a hook by hand and do not wait for it."""
        return subprocess.Popen(
            [self.scripts / hook, *arguments],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def avtar_command(
        self,
        *options: str,
        name: str = "avtar",
        start: str = "initial_backup",
        end: str = "initial_umount",
    ) -> list[str]:
        program = self.root / name
        if not program.exists():
            avtar_like.install(program)
        return [
            str(program),
            f"--run-at-start={self.scripts / start}",
            f"--run-at-end={self.scripts / end}",
            f"--env=HLB_CONFIG={self.config}",
            *options,
        ]

    def back_up(self, *options: str, **names: str) -> Story:
        """Run a whole backup by avtar."""
        command = self.avtar_command(*options, **names)
        done = subprocess.run(
            command, capture_output=True, check=False, text=True, timeout=PATIENCE_SECONDS * 4
        )
        assert done.returncode == 0, done.stderr
        return read_story(done.stdout)

    def hook_pid(self, hook: str) -> int:
        """Give the pid of a hook under way."""
        script = os.fsencode(self.scripts / hook)
        found = list(find_processes(lambda words: script in words and b"-I" in words))
        assert len(found) == 1, found
        return found[0]

    @contextmanager
    def avtar(self, *options: str, **names: str) -> Iterator[RunningAvtar]:
        """Begin a backup that waits between the hooks; whatever is left of it is killed."""
        self._barriers += 1
        barrier = self.root / f"barrier{self._barriers}"
        barrier.mkdir()
        command = self.avtar_command(f"--barrier={barrier}", *options, **names)
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            yield RunningAvtar(process, barrier)
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate()

    def orphan_a_run(self) -> Path:
        """Leave a run whose avtar and guard were both killed; give its state file."""
        before = self.state_files()
        with self.avtar() as avtar:
            avtar.wait_started()
            for guard in self.guards():
                os.kill(guard, signal.SIGKILL)
            wait_until(lambda: not self.guards(), "the guard's end")
            avtar.kill()
        (path,) = set(self.state_files()) - set(before)
        return path

    # -- what is to be seen afterwards

    def state_files(self) -> list[Path]:
        return sorted(self.state_dir.glob("*.state"))

    @property
    def state_file(self) -> Path:
        (path,) = self.state_files()
        return path

    @property
    def run_name(self) -> str:
        return self.state_file.stem

    def records(self, path: Path | None = None) -> list[Record]:
        records = []
        for line in (path or self.state_file).read_text("utf-8").splitlines():
            _, flag, vmx, *details = line.split("\t")
            records.append(Record(flag, vmx, dict(each.split("=", 1) for each in details)))
        return records

    def flags(self, vmx: str) -> list[str]:
        """Give every flag that the state file has for a VM, in their order."""
        return [record.flag for record in self.records() if record.vmx == escaped(vmx)]

    def has_flag(self, flag: str) -> bool:
        return any(
            f"\t{flag}\t" in path.read_text("utf-8", "replace") for path in self.state_files()
        )

    def is_settled(self) -> bool:
        """Tell whether every run there is has ended and its guard has gone home."""
        files = self.state_files()
        ended = all("\tENDED\t" in path.read_text("utf-8", "replace") for path in files)
        return bool(files) and ended and not self.guards()

    def wait_settled(self) -> None:
        wait_until(self.is_settled, "the run's end and the guard's")

    def guards(self) -> list[int]:
        """Give the pids of the guards of this site's runs."""
        return list(find_guards(self.root))

    def log_events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log_file.read_text("utf-8").splitlines()]

    def changing_calls(self) -> list[list[str]]:
        """Give the calls that changed the host, each as path and action."""
        return [call[:2] for call in self.host.calls() if CHANGING & set(call[1:2])]

    def count_calls(self) -> dict[str, int]:
        """Count the calls by their action."""
        counts: dict[str, int] = {}
        for call in self.host.calls():
            action = call[1] if len(call) > 1 else call[0]
            counts[action] = counts.get(action, 0) + 1
        return counts

    def wait_for_call(self, action: str, count: int = 1) -> None:
        wait_until(lambda: self.count_calls().get(action, 0) >= count, f"{count} calls of {action}")

    def leftovers(self) -> list[str]:
        """Name whatever of a snapshot, a claim or a saved .vmx lies on the datastores."""
        signs = re.compile(r".*(-delta\.vmdk|-\d{6}\.vmdk|\.vmsn|\.hlb-claim|\.vmx\.hlb|~)")
        return sorted(
            str(Path(folder) / file)
            for folder, _, files in os.walk(self.host.volumes)
            for file in files
            if signs.fullmatch(file)
        )

    def flat_path(self, vmx: str, disk: str = "") -> Path:
        """Give the data file of a VM's disk, which is what avtar reads."""
        path = Path(vmx)
        return path.with_name(f"{path.stem}{disk}-flat.vmdk")
