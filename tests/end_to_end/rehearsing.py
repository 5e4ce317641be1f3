"""Dry runs of every program, and the proof that they left no trace."""

import re
import subprocess
from typing import Any

from hook_kit import PROGRAMS, Site
from hook_story import Outcome
from hook_watching import PATIENCE_SECONDS, picture

ALWAYS_READ_ONLY = ("hlb plan", "hlb status")


def look(site: Site) -> dict[str, tuple[Any, ...]]:
    """Give all that a dry run must leave as it is; only the emulation's own notes may grow."""
    seen = picture(site.root, without=[site.host.root / "hostd"])
    seen["inventory"] = tuple((vmx, site.host.power(vmx)) for vmx in site.host.registered())
    return seen


def run_hlb(site: Site, command: str, *arguments: str) -> Outcome:
    """Run a command of ``hlb`` as an operator does."""
    words, count = arguments, int(command == "config")
    done = subprocess.run(
        # Of `hlb config` the action comes first.
        [PROGRAMS / "hlb", command, *words[:count], "--config", site.config, *words[count:]],
        capture_output=True,
        check=False,
        cwd="/",
        stdin=subprocess.DEVNULL,
        timeout=PATIENCE_SECONDS * 2,
    )
    stdout, stderr = (
        stream.decode("utf-8", "surrogateescape") for stream in (done.stdout, done.stderr)
    )
    return Outcome(done.returncode, stdout, stderr)


def run_program(site: Site, program: str, *arguments: str) -> Outcome:
    """Run a hook by its name, or a command of ``hlb`` by ``hlb COMMAND``."""
    name, _, command = program.partition(" ")
    return run_hlb(site, command, *arguments) if command else site.run(name, *arguments)


def rehearse(site: Site, program: str, *arguments: str) -> Outcome:
    """Make a dry run. It may change nothing, start no guard, and run no changing command."""
    before, changing, guards = look(site), site.changing_calls(), site.guards()
    # Nothing else may be what changed something, nor hide that the rehearsal did.
    assert not guards or not site.is_settled()
    option = () if program in ALWAYS_READ_ONLY else ("--dry-run",)
    outcome = run_program(site, program, *arguments, *option)
    after = look(site)
    assert {path for path in before | after if before.get(path) != after.get(path)} == set()
    assert site.changing_calls() == changing
    assert site.guards() == guards
    assert "Traceback" not in outcome.stdout + outcome.stderr
    return outcome


def speaks_of_others(site: Site, outcome: Outcome) -> bool:
    """Tell whether a reap found runs that are not the site's: by their guards it finds all.

    Its exit code is theirs too then, as when other tests run on this machine.
    """
    own = {path.stem for path in site.state_files()}
    named = set(re.findall(r"(?<!HLB-)\b\w+-\d{8}T\d{6}Z-[0-9a-f]{8}", outcome.stdout))
    return not named <= own


def reasons(outcome: Outcome, vmx: str) -> list[str]:
    """Give the reasons and next steps that the report says of a VM, without their words' times."""
    lines = outcome.words(vmx).splitlines()
    return [line for line in lines if line.startswith(("reason: ", "next step: "))]
