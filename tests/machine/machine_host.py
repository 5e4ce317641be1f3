"""One host of the site: its lab, its hooks' configuration, and what runs on it."""

import json
import os
import sys
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import avtar_like
from booted_host import BootedHost, HostProcess

from hlb_hooks.effects.found_runs import FoundRuns, find_runs
from hlb_hooks.lab.host import operate
from hlb_hooks.lab.host.hosts import boot_host
from hlb_hooks.lab.host.neighbours import is_host_down, mark_host_down
from hlb_hooks.lab.host.registry import HostFault, read_registry
from hlb_hooks.lab.layout import Lab

CREATE_TIMEOUT_SECONDS = 3
SETTLE_TIMEOUT_SECONDS = 1
SHORT_LIVED = ("initial_backup", "initial_umount", "reap")
_HLB = "import sys; from hlb_hooks.entry.hlb import main; sys.exit(main(sys.argv[1:]))"
_GUARD_MODULE = "hlb_hooks.entry.guard"
_CONFIG = """\
[host]
name = {name}
vmware_cmd = {vmware_cmd}
command_timeout_seconds = 3

[paths]
state_dir = {state_dir}
log_file = {log_file}

[run]
start_budget_seconds = 20
end_budget_seconds = 20
guard_poll_seconds = 0.1
guard_retry_seconds = 1

[snapshot]
parallel = 3
parallel_per_datastore = 2
remove_parallel = 2
create_timeout_seconds = {create_timeout}
remove_timeout_seconds = 4
settle_timeout_seconds = {settle_timeout}
min_free_percent = 0
min_free_gib = 0
emergency_free_percent = 0

[jobs.default]
targets = {targets}
"""


@dataclass
class Program:
    """A program that was started on a host: a hook by hand, a reap, or an avtar."""

    name: str
    pid: int
    output: Path
    exit_code: int | None = None
    is_over: bool = False
    barrier: Path | None = None

    def has_started(self) -> bool:
        """Whether an avtar's start hook is over."""
        return self.barrier is not None and (self.barrier / "started").exists()

    def read_story(self) -> dict[str, Any] | None:
        """Give what an avtar said at its end, or None for one that was killed before."""
        lines = self.output.read_text("utf-8", "surrogateescape").splitlines()
        if self.barrier is None or not lines or not lines[-1].startswith("{"):
            return None
        story: dict[str, Any] = json.loads(lines[-1])
        return story


@dataclass
class MachineHost:
    """One host of the site: its lab, and what runs on it as long as it is up."""

    name: str
    lab: Lab
    folder: Path
    booted: BootedHost | None = None
    programs: list[Program] = field(default_factory=list)
    is_config_broken: bool = False
    is_state_read_only: bool = False

    @property
    def state_dir(self) -> Path:
        return self.lab.vardir / "hlb"

    @property
    def config_file(self) -> Path:
        return self.lab.sysdir / "hlb" / "hlb.toml"

    @property
    def up(self) -> BootedHost:
        assert self.booted is not None, f"{self.name} is down"
        return self.booted

    def boot(self, uptime_seconds: float) -> None:
        """Start the host; after an earlier end, the VMs that ran on it and nowhere else now too."""
        boot_id_file = self.folder / f"boot-id-{time.monotonic_ns()}"
        boot_id_file.write_text(f"{uuid.uuid4()}\n", "ascii")
        self.booted = BootedHost(self.name, boot_id_file, uptime_seconds, self.folder / "host.log")
        if not is_host_down(self.lab):
            return
        ran = [vm.config for vm in read_registry(self.lab) if vm.keeps_files_locked]
        boot_host(self.lab)
        for vmx in ran:
            # It may run on another host by now, or be gone.
            with suppress(HostFault, FileNotFoundError):
                operate.change_power(self.lab, vmx, "on")

    def die(self) -> None:
        """Let everything on the host end at once. Its VMs run nowhere then."""
        self.up.die()
        mark_host_down(self.lab)
        self.booted = None
        self.is_state_read_only = False
        for program in self.programs:
            program.is_over = True

    def write_config(self) -> None:
        self.is_config_broken = False
        values = {
            "name": self.name,
            "vmware_cmd": self.lab.programs / "vmware-cmd",
            "state_dir": self.state_dir,
            "log_file": self.state_dir / "hlb.log",
            "targets": self.lab.sysdir / "hlb" / "targets",
        }
        text = _CONFIG.format(
            create_timeout=CREATE_TIMEOUT_SECONDS,
            settle_timeout=SETTLE_TIMEOUT_SECONDS,
            **{key: json.dumps(str(value)) for key, value in values.items()},
        )
        self.config_file.write_text(text, "utf-8")

    def break_config(self) -> None:
        self.is_config_broken = True
        self.config_file.write_text('[run\nlanguage = "xx', "utf-8")

    def set_state_read_only(self, *, is_read_only: bool) -> None:
        """Make the state folder unwritable for whatever begins from now on, or writable again."""
        if is_read_only == self.is_state_read_only:
            return
        self.is_state_read_only = is_read_only
        if is_read_only:
            self.up.make_read_only(self.state_dir)
        else:
            self.up.make_writable_again(self.state_dir)

    def mend(self) -> None:
        """Take back whatever was broken on this host."""
        self.set_state_read_only(is_read_only=False)
        self.write_config()

    def start(self, name: str, words: list[str | Path]) -> Program:
        """Start a program that works for this host."""
        output = self.folder / f"output-{len(self.programs):03}-{name}"
        environment = {"HLB_CONFIG": str(self.config_file), "PATH": os.defpath, "HOME": "/"}
        program = Program(name, self.up.start(words, environment, output), output)
        self.programs.append(program)
        return program

    def start_hook(self, hook: str, *arguments: str) -> Program:
        return self.start(hook, [self.lab.sysdir / "scripts" / hook, *arguments])

    def start_hlb(self, command: str) -> Program:
        """Start a command of ``hlb``."""
        return self.start(command, [sys.executable, "-I", "-c", _HLB, command])

    def start_avtar(self, reads: list[Path]) -> Program:
        avtar = self.folder / "avtar"
        if not avtar.exists():
            avtar_like.install(avtar)
        barrier = self.folder / f"barrier-{len(self.programs):03}"
        barrier.mkdir()
        scripts = self.lab.sysdir / "scripts"
        words: list[str | Path] = [
            avtar,
            f"--run-at-start={scripts / 'initial_backup'}",
            f"--run-at-end={scripts / 'initial_umount'}",
            f"--env=HLB_CONFIG={self.config_file}",
            f"--barrier={barrier}",
        ]
        if reads:
            words += ["--read", *reads]
        program = self.start("avtar", words)
        program.barrier = barrier
        return program

    def update_programs(self) -> None:
        """Take note of the programs that have ended."""
        for program in self.running:
            program.exit_code = self.up.read_exit_code(program.pid)
            program.is_over = program.exit_code is not None

    @property
    def running(self) -> list[Program]:
        return [program for program in self.programs if not program.is_over]

    @property
    def avtars(self) -> list[Program]:
        return [program for program in self.running if program.barrier is not None]

    def find_runs(self) -> FoundRuns:
        return find_runs(str(self.state_dir))

    def list_processes(self, *words: str) -> list[HostProcess]:
        """Give the host's processes whose command line has all of ``words``."""
        if self.booted is None:
            return []
        return [
            process
            for process in self.booted.list_processes()
            if all(process.runs(word) for word in words)
        ]

    def list_hooks(self) -> list[HostProcess]:
        """Give the hooks that are at work, and the reaps, whoever started them."""
        return [
            process
            for process in self.list_processes()
            if not process.runs("avtar") and any(process.runs(name) for name in SHORT_LIVED)
        ]

    def list_guards(self) -> list[HostProcess]:
        return self.list_processes(_GUARD_MODULE)
