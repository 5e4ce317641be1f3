"""Asking the emulated host, and looking at its files."""

import os
import subprocess
from pathlib import Path

from esx import Host

ENVIRONMENT = {"PATH": "/usr/bin:/bin"}
SNAPSHOT = ("createsnapshot", "HLB-gold-1", "a backup", "1", "0")
BASE = bytes(range(256)) * 16


class Said:
    """What one vmware-cmd said, as text that carries any byte."""

    def __init__(self, ran: "subprocess.CompletedProcess[bytes]") -> None:
        self.exit_code = ran.returncode
        self.stdout = os.fsdecode(ran.stdout)
        self.stderr = os.fsdecode(ran.stderr)


def say(host: Host, *arguments: str, cwd: str = "/") -> Said:
    return Said(
        subprocess.run(
            [str(host.vmware_cmd), *arguments],
            capture_output=True,
            check=False,
            cwd=cwd,
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            timeout=60,
        )
    )


def files_of(vmx: str) -> set[str]:
    return {path.name for path in Path(vmx).parent.iterdir()}


def text_of(path: str | Path) -> str:
    return Path(path).read_text("utf-8")


def wait_until_idle(host: Host, vmx: str) -> None:
    with host.locked_vm(vmx, "task"):
        pass


def start_command(
    host: Host, *arguments: str, leaked: tuple[int, ...] = ()
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [str(host.vmware_cmd), *arguments],
        stdout=subprocess.PIPE,
        env=ENVIRONMENT,
        pass_fds=leaked,
        start_new_session=True,
    )
