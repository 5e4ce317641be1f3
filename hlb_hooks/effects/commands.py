"""The only room that runs a command of the host: one value a command, one runner.

``sh`` as measured with 2.4.0: its ``_timeout`` makes every call at least 0.1 s long, so the limit
is a timer of ours that kills the child's process group; stdout is a terminal unless told
otherwise; arguments that are not valid UTF-8 make its own encoding fail, hence the codec below;
``CommandNotFound`` is an ``AttributeError``; a text given as command is never split.
"""

import contextlib
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hlb_hooks.base.errors import ConfigurationError, HostError
from hlb_hooks.effects.effect_kind import EffectKind
from hlb_hooks.effects.host_codec import CODEC
from hlb_hooks.effects.terminal import Reply, Terminal

RUN_VARIABLE = "HLB_RUN"
"""Set in the environment of every command: a later process finds in /proc what a run that was
killed has left running."""

if TYPE_CHECKING:
    from sh import RunningCommand

_ANY_EXIT_CODE = tuple(range(256))
_ENVIRONMENT = {
    "PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
    "LANG": "C",
    "LC_ALL": "C",
    "HOME": "/",
}


@dataclass(frozen=True)
class Command:
    """One command of the host: what it is called, its argv, its kind, and its limit in seconds.

    ``limit_key`` is the configuration key the limit came from; it is named when it is reached.
    """

    name: str
    argv: tuple[str, ...]
    kind: EffectKind
    limit_seconds: float
    limit_key: str


@dataclass(frozen=True)
class Answer:
    """What a command gave back: exit code, both streams as bytes, and how long it took."""

    command: Command
    exit_code: int
    stdout: bytes
    stderr: bytes
    seconds: float


class CommandTimedOutError(HostError):
    """The command reached its limit and was killed; what the host does now is not known."""


class CommandKilledError(HostError):
    """The command was ended by a signal; what the host does now is not known."""


class CommandRunner:
    """Runs the commands of one run. A runner that may not change refuses every changing one."""

    def __init__(self, *, run: str, may_change: bool) -> None:
        """Take the run's name for the children's environment, and what the runner may do."""
        self._environment = {**_ENVIRONMENT, RUN_VARIABLE: run}
        self._may_change = may_change

    def run(self, command: Command) -> Answer:
        """Run ``command`` to its end and give its answer, whatever its exit code.

        Raise ConfigurationError when it cannot be started, CommandTimedOutError when it reached
        its limit, CommandKilledError when a signal ended it, and AssertionError, a defect of
        ours, for a changing command in a rehearsal.
        """
        self._check_kind(command)
        return _run(command, self._environment)

    def converse(self, command: Command, reply: Reply) -> Answer:
        """Run a command that asks on a terminal, and answer what ``reply`` gives.

        ``reply`` is handed all that was printed so far and how many seconds ago, and gives a line
        to be typed, or None to wait for more; it is asked until it gives one, and may raise, which
        ends the command. The answer's ``stdout`` is what it printed, on either stream, after the
        line was typed. Raise as ``run`` does.
        """
        self._check_kind(command)
        terminal = Terminal(reply)
        return _run(command, self._environment, terminal)

    def _check_kind(self, command: Command) -> None:
        if command.kind is EffectKind.CHANGES and not self._may_change:
            raise AssertionError(f"a rehearsal tried to run {command.name}: {command.argv}")

    def prepare(self) -> None:
        """Do now what the first command would wait for, so that the next one begins at once."""
        import sh  # noqa: F401  see _run


def _run(
    command: Command, environment: Mapping[str, str], terminal: Terminal | None = None
) -> Answer:
    import sh  # 120 ms with asyncio: paid only by a hook that runs a command

    program = command.argv[0]
    if not os.path.isabs(program):
        # `sh` would look for it along PATH.
        raise _not_runnable(program, "it is not an absolute path")
    started = time.monotonic()
    try:
        running = _start(command, environment, terminal)
    except (sh.CommandNotFound, sh.ForkException) as error:
        raise _not_runnable(program, _why_not_runnable(program, error)) from error
    except (OSError, RuntimeError) as error:
        # RuntimeError is a thread that could not be begun; the command may run already, so what
        # it does is as unknown as after a limit.
        raise _cannot_start(command, error) from error
    try:
        limit = _Limit(command.limit_seconds, running)
    except RuntimeError as error:
        with contextlib.suppress(ProcessLookupError):
            running.kill_group()
        raise _cannot_start(command, error) from error
    try:
        if terminal is not None:
            terminal.talk(running.is_alive)
        running.wait()
    except sh.ErrorReturnCode as error:
        # Every exit code is accepted, so what arrives here died of a signal.
        if limit.was_reached:
            raise _timed_out(command) from error
        raise CommandKilledError(
            f"{command.name} was ended by signal {-error.exit_code}",
            next_step="what the host made of it is read from the VM's files",
        ) from error
    except sh.TimeoutException as error:
        raise _timed_out(command) from error
    except BaseException:
        # Whoever was to answer has failed: nobody will, and it would wait for the limit.
        with contextlib.suppress(ProcessLookupError):
            running.kill_group()
        raise
    finally:
        limit.lift()
    return Answer(
        command=command,
        exit_code=running.exit_code,
        stdout=bytes(running.stdout) if terminal is None else terminal.said.encode(CODEC),
        stderr=bytes(running.stderr),
        seconds=time.monotonic() - started,
    )


def _start(
    command: Command, environment: Mapping[str, str], terminal: Terminal | None
) -> "RunningCommand":
    """Begin a command in a session of its own: a pipe for each stream, and nothing to read.

    Or on a terminal of ours, which what it asks goes to.
    """
    import sh

    program, *arguments = command.argv
    streams: dict[str, Any] = {"_tty_out": False}
    if terminal is not None:
        streams = {"_in": terminal.typed, "_tty_in": True, "_tty_out": True}
        streams |= {"_out": terminal.take, "_out_bufsize": 0}
    with open("/dev/null", "rb") as nothing:
        running: RunningCommand = sh.Command(program)(
            *arguments,
            _bg=True,
            _bg_exc=False,
            **{"_in": nothing, **streams},
            _new_session=True,
            _cwd="/",
            _env=dict(environment),
            _encoding=CODEC,
            _ok_code=_ANY_EXIT_CODE,
            _truncate_exc=False,
            _return_cmd=True,
        )
    return running


def _cannot_start(command: Command, error: OSError | RuntimeError) -> HostError:
    return HostError(
        f"{command.name} cannot be started: {getattr(error, 'strerror', None) or error}",
        next_step="the host lacks memory, processes or open files",
    )


class _Limit:
    """Kills the process group of a running command once its time is over."""

    def __init__(self, seconds: float, running: "RunningCommand") -> None:
        self._running = running
        self.was_reached = False
        self._timer = threading.Timer(seconds, self._reach)
        self._timer.daemon = True
        self._timer.start()

    def _reach(self) -> None:
        self.was_reached = True
        # Gone in the very moment: then there is nothing to kill, and its answer stands.
        with contextlib.suppress(ProcessLookupError):
            self._running.kill_group()

    def lift(self) -> None:
        self._timer.cancel()


def _timed_out(command: Command) -> CommandTimedOutError:
    return CommandTimedOutError(
        f"{command.name} gave no answer within {command.limit_seconds:g} s ({command.limit_key})",
        next_step="the host may still be at work: the VM's files are believed, not the command",
    )


def _not_runnable(program: str, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"{program} cannot be run: {why}", next_step="check [host] vmware_cmd in hlb.toml"
    )


def _why_not_runnable(program: str, error: Exception) -> str:
    if not os.path.exists(program):
        return "there is no such file"
    if not os.access(program, os.X_OK):
        return "it is not executable"
    return str(error).strip().splitlines()[-1].strip() if str(error).strip() else repr(error)
