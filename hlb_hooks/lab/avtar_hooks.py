"""How avtar runs a hook: no argument, nothing to read, its output taken up to its end."""

import contextlib
import os
import subprocess
from pathlib import Path

from hlb_hooks.lab.avtar_log import AvtarLog, quote_path

NOT_FOUND_EXIT_CODE = 127
_CHUNK_BYTES = 4096


def make_hook_environment(sysdir: Path, own: dict[str, str]) -> dict[str, str]:
    """Give the environment a hook gets: the client's own, and one that would break a Python.

    Of the real client's environment nothing is known but that it has its own libraries; so a
    hook must live with the worst: variables of another Python, no HOME, a locale nobody has. On
    a real host the hooks' configuration has its fixed place; here a variable stands for that.
    """
    client = sysdir.parent
    hostile = {
        "LD_LIBRARY_PATH": f"{client}/lib:/nonexistent",
        "PYTHONHOME": f"{client}/python",
        "PYTHONPATH": f"{client}/python/lib",
        "PYTHONSTARTUP": f"{client}/python/startup.py",
        "PYTHONINSPECT": "1",
        "LANG": "xx_LAB.ISO-8859-2",
    }
    kept = {name: value for name, value in own.items() if name not in {"HOME", "LC_ALL"}}
    return {"HLB_CONFIG": str(sysdir / "hlb/hlb.toml"), **kept, **hostile}


def run_hook(log: AvtarLog, which: str, name: str, sysdir: Path, vardir: Path) -> int:
    """Run the hook ``name`` as ``which`` (``run-at-start``, ``run-at-end``); give its exit code.

    A bare name lies in ``<sysdir>/scripts``. Its output goes into the log as it comes, up to the
    end of the pipe: whoever keeps that open keeps avtar waiting. What it says on standard error
    goes to a file in ``vardir`` that avtar's user does not see.
    """
    program = sysdir / "scripts" / name
    log.info(5916, f"Executing {which} '{program}'")
    with contextlib.ExitStack() as stack:
        errors = stack.enter_context((vardir / "hooks-stderr.log").open("ab"))
        try:
            process = stack.enter_context(
                subprocess.Popen(  # noqa: S603  the hook that the command line names
                    [program],
                    cwd="/",
                    env=make_hook_environment(sysdir, dict(os.environ)),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                )
            )
        except OSError as error:
            # The real wording is not known.
            log.fail(0, f"Cannot execute {which} {quote_path(program)}: {error.strerror}")
            return NOT_FOUND_EXIT_CODE
        has_begun = False
        assert process.stdout is not None  # noqa: S101  asked for above
        while chunk := os.read(process.stdout.fileno(), _CHUNK_BYTES):
            if not has_begun:
                log.info(6031, f"Begin STDOUT from {which}:")
            has_begun = True
            last = chunk
            log.write_raw(chunk)
        if not has_begun:
            log.info(6031, f"Begin STDOUT from {which}:")
        elif not last.endswith(b"\n"):
            log.write_raw(b"\n")
        log.info(6032, "End of STDOUT")
        exit_code = process.wait()
    log.info(5917, f"Back from {which}, exit code {exit_code}")
    return exit_code
