"""Runs the command blocks of a page as they stand there, in a root and among processes of its own.

One shell runs them all, one after the other, as a reader would: a variable or a folder of an
earlier block is there in a later one. What a page takes for granted, preparations make before.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from page_blocks import ROOT, Block, Command

PATIENCE_SECONDS = 300
_APART = ("unshare", "--mount", "--pid", "--fork", "--kill-child")
_PRIVATE_ROOT = Path(__file__).with_name("private_root.sh")
# The lab's host is at /lab there; a page speaks of the places that a real one has.
_REAL_PLACES = {
    "/lab/vmfs/": "/vmfs/",
    "/lab/avamar": "/usr/local/avamar",
    "/lab/bin/vmware-cmd": "/usr/bin/vmware-cmd",
}
_ENVIRONMENT = {
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "PATH": f"/lab/bin:{Path(sys.executable).parent}:/usr/sbin:/usr/bin:/sbin:/bin",
    "SHELL": "/bin/sh",
    "TZ": "UTC",
    "USER": "root",
}


@dataclass(frozen=True)
class Done:
    """What a command said, and how it ended; None: it was not over when its page was."""

    command: Command
    said: str
    exit_code: int | None

    def check(self) -> None:
        """Fail where the page promises something else."""
        assert self.exit_code == self.command.exit_code, f"{self.command.text}\n{self.said}"
        if self.command.shown is not None:
            assert is_shown(self.command.shown, self.said), (
                f"$ {self.command.text}\n-- the page shows:\n{self.command.shown}\n"
                f"-- it said:\n{self.said}"
            )


@dataclass(frozen=True)
class PageRun:
    """What became of a page's blocks; in ``folder`` is what preparations left as ``$FACTS``/…."""

    blocks: dict[Block, list[Done]]
    folder: Path


PageRunner = Callable[[str], PageRun]


def is_shown(shown: str, said: str) -> bool:
    """Tell whether ``said`` is what is shown: `…` stands for what varies, or for whole lines."""
    lines = [line.rstrip() for line in shown.rstrip().splitlines()]
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == "…" else ".*?".join(map(re.escape, line.split("…"))) + "\n"
        for line in lines
    )
    ended = "\n".join(line.rstrip() for line in said.rstrip().splitlines())
    return re.fullmatch(pattern, ended + "\n" if ended else "") is not None


def run_page(folder: Path, blocks: Sequence[Block], preparations: Mapping[str, str]) -> PageRun:
    """Run ``blocks``; ``preparations`` has shell lines by the heading that they come before.

    Those of "" come first of all. Raise AssertionError with what was said, when a preparation
    fails. What the commands have said is not judged here.
    """
    if os.geteuid():
        pytest.skip("a root of one's own needs root")
    results = folder / "results"
    results.mkdir()
    headings = {"", *(block.heading for block in blocks)}
    assert set(preparations) <= headings, "a preparation for a heading without a block"
    steps = ["mkdir /root/desk && cd /root/desk", _write_preparation(preparations, "", results)]
    commands: list[Command] = []
    heading = ""
    for block in blocks:
        if block.heading != heading:
            heading = block.heading
            steps.append(_write_preparation(preparations, heading, results))
        for command in block.commands:
            steps.append(_write_step(block, command, results / str(len(commands))))
            commands.append(command)
    script = folder / "page.sh"
    script.write_text("\n".join(steps) + "\n", "utf-8")
    prefixes = {sys.prefix, sys.base_prefix, str(ROOT), str(folder)}
    done = subprocess.run(
        [*_APART, "sh", _PRIVATE_ROOT, script, *sorted(prefixes)],
        env={**_ENVIRONMENT, "FACTS": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="backslashreplace",
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    for failed in results.glob("prepare"):
        raise AssertionError(failed.read_text("utf-8", "backslashreplace"))
    assert not commands or (results / "0.out").exists(), done.stdout
    read = iter([_read(command, results / str(n)) for n, command in enumerate(commands)])
    return PageRun({block: [next(read) for _ in block.commands] for block in blocks}, folder)


def _write_preparation(preparations: Mapping[str, str], heading: str, results: Path) -> str:
    """Give the shell lines of a preparation: it leaves a file behind only when it fails."""
    if heading not in preparations:
        return ""
    said = f"'{results}/prepare'"
    lines = f"set -e\n{{ set -x\n{preparations[heading]}\n}} >{said} 2>&1 </dev/null"
    return f"{lines}\n{{ set +x; }} 2>/dev/null; set +e; rm {said}"


def _write_step(block: Block, command: Command, result: Path) -> str:
    """Give the shell lines of a command: a script stops where a line of it fails."""
    strict, after = ("set -e", "set +e") if block.language == "sh" else ("set +e", "")
    return (
        f"{strict}\n{{ (exit ${{status:-0}})\n{command.text}\n}} >'{result}.out' 2>&1 </dev/null\n"
        f"status=$?\n{after}\necho $status >'{result}.code'"
    )


def _read(command: Command, result: Path) -> Done:
    out, code = result.with_suffix(".out"), result.with_suffix(".code")
    said = out.read_text("utf-8", "backslashreplace") if out.exists() else ""
    for place, real in _REAL_PLACES.items():
        said = said.replace(place, real)
    return Done(command, said, int(code.read_text()) if code.exists() else None)
