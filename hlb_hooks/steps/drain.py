"""Before maintenance mode: no new run on this host, and waiting until nothing of ours is open."""

from dataclasses import dataclass

from hlb_hooks.base import clock
from hlb_hooks.base.config import Config
from hlb_hooks.base.errors import HlbError
from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.effects.found_runs import FoundRun
from hlb_hooks.effects.guard_process import is_guard_alive
from hlb_hooks.effects.holds import Hold
from hlb_hooks.effects.run_store import RunStore
from hlb_hooks.steps.context import Context

_POLL_SECONDS = 1.0
_INDENT = 4


@dataclass(frozen=True)
class DrainRequest:
    """Who asks and why; ``wait_seconds``: how long to wait until nothing is open."""

    config: Config
    who: str
    why: str
    is_release: bool
    wait_seconds: float


def run(context: Context, request: DrainRequest) -> ExitCode:
    """Let no run begin any more, or again.

    0: nothing of ours is open, or it was released; 4: something is open still; 1: a state file
    cannot be read. Raise HlbError; then nothing has changed.
    """
    store = context.effects.open_store(request.config.paths.state_dir)
    # The lock of those who begin: a run is to be seen below, or it sees this wish.
    with store.beginning(request.config.run.lock_timeout_seconds):
        others = [hold for hold in store.read_holds() if not hold.is_drain]
        mine = Hold("", "", request.who, clock.read_utc_now(), request.why)
        store.save_holds(others if request.is_release else [*others, mine])
    if request.is_release:
        context.speaker.say("drain_released")
        return ExitCode.DONE
    context.speaker.say("draining")
    return _wait(context, store, clock.read_seconds_since_boot() + request.wait_seconds)


def _wait(context: Context, store: RunStore, deadline: float) -> ExitCode:
    told: list[str] = []
    while True:
        found = store.find_runs()
        left = [entry for entry in found.runs if not entry.is_ended]
        said = _tell(context, left, found.errors)
        if said != told:
            for line in said:
                context.speaker.line(line, indent=_INDENT)
            told = said
        if found.errors:
            return ExitCode.NOT_PROTECTED
        if not left:
            context.speaker.say("drained")
            return ExitCode.DONE
        if clock.read_seconds_since_boot() >= deadline:
            context.speaker.say("not_drained", count=len(left))
            return ExitCode.STILL_OPEN
        context.stop.wait(_POLL_SECONDS)
        if context.stop.is_asked:
            return context.stop_exit_code


def _tell(context: Context, left: list[FoundRun], errors: tuple[HlbError, ...]) -> list[str]:
    lines = [error.message for error in errors]
    for entry in left:
        words = {"run": entry.name, "count": len(entry.run.open_vms)}
        lines.append(context.speaker.phrase("drain_waits", **words))
        if not is_guard_alive(entry.run.guard):
            lines.append(context.speaker.phrase("reap_it"))
    return lines
