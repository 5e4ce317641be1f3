"""Inert hooks in the place of the real ones, to see what the client does to hooks on this host."""

import os
from collections.abc import Callable
from dataclasses import dataclass

from hlb_hooks.base import clock
from hlb_hooks.base.config import Config
from hlb_hooks.base.errors import NotNowError, UsageError
from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.base.text import escape
from hlb_hooks.decisions.check_places import END, START, name_script
from hlb_hooks.decisions.probe_story import name_call, tell_call
from hlb_hooks.decisions.views.documents import VERSION, ProbeDocument
from hlb_hooks.effects.client_scripts import ScriptState, read_client_script
from hlb_hooks.effects.commands import CommandRunner
from hlb_hooks.effects.probe_records import (
    FOLDER_NAME,
    ProbeSettings,
    read_records,
    write_settings,
)
from hlb_hooks.effects.probe_scripts import install_probe, list_probes, remove_probe
from hlb_hooks.steps.context import Context
from hlb_hooks.steps.desk.delivery import Form, Wanted, deliver_data
from hlb_hooks.steps.desk.json_form import write_json

_INDENT = 4
_PROBE_RUN = "probe"
_REPLACEABLE = {
    ScriptState.MISSING,
    ScriptState.BROKEN_LINK,
    ScriptState.PROBE,
    ScriptState.GOOD,
    ScriptState.OTHER_VERSION,
    ScriptState.BROKEN,
}


@dataclass(frozen=True)
class ProbeRequest:
    """How the inert hooks behave. ``render`` gives one's text from its hook and its folder."""

    config: Config
    stay_seconds: float
    exit_code: int
    render: Callable[[str, str], str]
    version: str


def install(context: Context, request: ProbeRequest) -> ExitCode:
    """Put inert hooks in the place of the start and end hook of every job.

    Raise NotNowError while a run is not over, as nobody would end it, and UsageError for a script
    that is not ours; then nothing has changed.
    """
    config = request.config
    scripts_dir = config.paths.scripts_dir
    store = context.effects.open_store(config.paths.state_dir)
    folder = os.path.join(config.paths.state_dir, FOLDER_NAME)
    names = [(name_script(hook, job), hook) for job in sorted(config.jobs) for hook in (START, END)]
    # No run begins between the look and the exchange.
    with store.beginning(config.run.lock_timeout_seconds):
        for entry in store.find_runs().runs:
            if not entry.is_ended:
                raise NotNowError(
                    f"run {entry.name} is not over: its end hook is needed",
                    next_step="wait for its end: hlb drain --wait",
                )
        runner = CommandRunner(run=_PROBE_RUN, may_change=False)
        for name, hook in names:
            script = read_client_script(scripts_dir, name, hook, request.version, runner)
            if script.state not in _REPLACEABLE:
                raise UsageError(
                    f"{escape(script.path)} is not ours ({script.state.value}), and stays",
                    next_step="see what it is; the hooks of hlb-hooks belong there",
                )
        settings = ProbeSettings(request.stay_seconds, request.exit_code, config.run.owner)
        write_settings(folder, settings)
        for name, hook in names:
            install_probe(scripts_dir, name, request.render(hook, folder))
            path = os.path.join(scripts_dir, name)
            context.speaker.say("probe_installed", path=path)
    context.speaker.say("probe_what_now")
    return ExitCode.DONE


def remove(context: Context, config: Config) -> ExitCode:
    """Put the real hooks back. Raise HlbError; the same command goes on from there."""
    folder = config.paths.scripts_dir
    names = list_probes(folder)
    for name in names:
        key = "probe_removed" if remove_probe(folder, name) else "probe_gone"
        context.speaker.say(key, path=os.path.join(folder, name))
    if not names:
        context.speaker.say("probe_none")
    return ExitCode.DONE


def show(context: Context, config: Config, *, is_for_programs: bool) -> ExitCode:
    """Tell every call that the inert hooks saw, the oldest first. Raise StateError."""
    calls = read_records(os.path.join(config.paths.state_dir, FOLDER_NAME))
    if is_for_programs:
        seen = tuple(map(tuple, calls))
        document = ProbeDocument("hlb-probe", VERSION, clock.read_utc_now(), seen)
        deliver_data(context, Wanted(Form.JSON), write_json(document))
        return ExitCode.DONE
    if not calls:
        context.speaker.say("probe_saw_nothing")
    for events in calls:
        context.speaker.line(f"hlb probe: {escape(name_call(events))}")
        for sentence in tell_call(events):
            context.speaker.line(context.speak(sentence), indent=_INDENT)
    return ExitCode.DONE
