"""What the lab's tests share: a way to run its programs as others would, and tiny hooks."""

import contextlib
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hlb_hooks.lab.create import create_lab
from hlb_hooks.lab.host import vmware_cmd
from hlb_hooks.lab.host.registry import RegisteredVm, read_registry
from hlb_hooks.lab.layout import Lab, LabSettings
from hlb_hooks.lab.sample_vms import SampleVm

WAIT_LIMIT_SECONDS = 30.0


@dataclass(frozen=True)
class Outcome:
    """What a program gave back."""

    exit_code: int
    stdout: str
    stderr: str


def no_hook(_name: str, _interpreter: str) -> str:
    return "#!/bin/sh\nexit 0\n"


def make_lab(
    folder: Path,
    vms: int | list[SampleVm],
    *,
    dialect: str = "console",
    render_hook: Callable[[str, str], str] = no_hook,
    merge_pause_seconds: float = 0.0,
    **settings: bool | str,
) -> Lab:
    chosen = LabSettings(
        dialect=dialect,
        merge_pause_seconds=merge_pause_seconds,
        lists_templates=bool(settings.get("lists_templates", True)),
        error_stream=str(settings.get("error_stream", "stderr")),
    )
    return create_lab(folder, chosen, vms, render_hook)


def find_vm(lab: Lab, folder_name: str) -> RegisteredVm:
    return next(vm for vm in read_registry(lab) if vm.folder.name == folder_name)


def run(
    program: Path, *arguments: str | Path, environment: dict[str, str] | None = None
) -> Outcome:
    done = subprocess.run(
        [program, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd="/",
        env={**os.environ, **(environment or {})},
        check=False,
    )
    return Outcome(done.returncode, os.fsdecode(done.stdout), os.fsdecode(done.stderr))


def run_vmware_cmd(lab: Lab, *arguments: str | Path) -> Outcome:
    """Run its main in this process, which is faster; its tasks are processes all the same."""
    stdout, stderr = (io.TextIOWrapper(io.BytesIO()) for _ in range(2))
    with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        exit_code = vmware_cmd.main(str(lab.folder), [str(word) for word in arguments])
    texts = []
    for stream in (stdout, stderr):
        stream.flush()
        texts.append(os.fsdecode(stream.buffer.getvalue()))
    return Outcome(exit_code, *texts)


def run_avtar(lab: Lab, *arguments: str | Path) -> Outcome:
    return run(lab.programs / "avtar", *arguments)


def wait_for(question: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WAIT_LIMIT_SECONDS
    while not question():
        assert time.monotonic() < deadline, f"waited in vain for: {what}"
        time.sleep(0.01)


def make_python_hooks(bodies: Mapping[str, Sequence[str]]) -> Callable[[str, str], str]:
    """Give hooks whose Python lines are ``bodies[name]``; the others do nothing."""

    def render(name: str, _interpreter: str) -> str:
        lines = ["#!" + sys.executable + " -I", "import json, os, sys", *bodies.get(name, ())]
        return "\n".join(lines) + "\n"

    return render


def read_json_line(text: str, start: str) -> dict[str, object]:
    line = next(line for line in text.splitlines() if line.startswith(start))
    found: dict[str, object] = json.loads(line[len(start) :])
    return found
