"""How avtar runs a hook: no argument, nothing to read, its output taken up to its end."""

import os
import select
import subprocess
import time
from pathlib import Path

from hlb_hooks.lab.client.cancel import Cancellation
from hlb_hooks.lab.client.log import AvtarLog, quote_path
from hlb_hooks.lab.client.options import AvtarOptions, HookOptions

NOT_FOUND_EXIT_CODE = 127
_SIGNALED_EXIT_CODE = 128
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


def run_hook(
    log: AvtarLog, hook: HookOptions, options: AvtarOptions, cancellation: Cancellation
) -> int:
    """Run a hook; give its exit code, 128 and the number for one that a signal ended.

    A bare name lies in ``<sysdir>/scripts``. Its output goes into the log as it comes, up to the
    end of the pipe: whoever keeps that open keeps avtar waiting. What it says on standard error
    goes to a file in ``vardir`` that avtar's user does not see. One that is left running beyond
    its time gives 0.
    """
    program = options.sysdir / "scripts" / hook.name
    log.info(5916, f"Executing {hook.which} '{program}'")
    with (options.vardir / "hooks-stderr.log").open("ab") as errors:
        try:
            process = subprocess.Popen(  # noqa: S603  the hook that the command line names
                [program],
                cwd="/",
                env=make_hook_environment(options.sysdir, dict(os.environ)),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                process_group=0 if options.behaviour.kills_group else None,
            )
        except OSError as error:
            # The real wording is not known.
            log.fail(0, f"Cannot execute {hook.which} {quote_path(program)}: {error.strerror}")
            return NOT_FOUND_EXIT_CODE
    cancellation.watch(process)
    try:
        exit_code = _attend(log, hook, options, cancellation, process)
    finally:
        cancellation.watch(None)
    log.info(5917, f"Back from {hook.which}, exit code {exit_code}")
    return exit_code


def _attend(
    log: AvtarLog,
    hook: HookOptions,
    options: AvtarOptions,
    cancellation: Cancellation,
    process: subprocess.Popen[bytes],
) -> int:
    assert process.stdout is not None  # noqa: S101  run_hook asks for it
    with process.stdout as pipe:
        is_over = _listen(log, hook, process, pipe.fileno())
    log.info(6032, "End of STDOUT")
    if not is_over:
        kills = options.behaviour.kills_hook_at_timeout
        # What avtar does then is not known, nor what it says.
        log.warn(
            0,
            f"{hook.which} did not end within {hook.timeout_seconds:g} seconds "
            f"(timeout-seconds): {'it is killed' if kills else 'avtar goes on without it'}",
        )
        if not kills:
            return 0
        cancellation.kill_running()
    code = process.wait()
    return code if code >= 0 else _SIGNALED_EXIT_CODE - code


def _listen(log: AvtarLog, hook: HookOptions, process: subprocess.Popen[bytes], pipe: int) -> bool:
    """Write what the hook says into the log; True when it is over, False when its time is."""
    deadline = time.monotonic() + (hook.timeout_seconds or float("inf"))
    poller = select.poll()
    poller.register(pipe, select.POLLIN)
    last = b""
    has_begun = False
    is_over = False
    while not is_over:
        if not poller.poll(_remaining(deadline, 1000)):
            break
        chunk = os.read(pipe, _CHUNK_BYTES)
        is_over = not chunk
        if not has_begun:
            log.info(6031, f"Begin STDOUT from {hook.which}:")
        has_begun = True
        last = chunk or last
        log.write_raw(chunk)
    if not has_begun:
        log.info(6031, f"Begin STDOUT from {hook.which}:")
    if last and not last.endswith(b"\n"):
        log.write_raw(b"\n")
    if is_over:
        try:
            process.wait(_remaining(deadline, 1))
        except subprocess.TimeoutExpired:
            return False
    return is_over


def _remaining(deadline: float, units_a_second: int) -> float | None:
    if deadline == float("inf"):
        return None
    return max(0.0, deadline - time.monotonic()) * units_a_second
