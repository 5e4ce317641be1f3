"""The steps behind the five hooks: what each gets from its command line, and what it ends in."""

import argparse
import os
import sys
import traceback
from collections.abc import Callable

from hlb_hooks.base.config import Config, find_config_path, job_of_script, load_config
from hlb_hooks.base.config_schema import DEFAULT_JOB
from hlb_hooks.base.errors import HlbError, UsageError
from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.base.logs import NoLog
from hlb_hooks.base.trusted_files import check_trusted
from hlb_hooks.decisions.verdict import NOTHING, count_vms
from hlb_hooks.effects.bundle import make_effects
from hlb_hooks.entry.settings import EndSettings, load_end_settings
from hlb_hooks.entry.surroundings import leave_folder
from hlb_hooks.steps import report
from hlb_hooks.steps.context import Context
from hlb_hooks.steps.whose import OwnerOptions

Step = Callable[[Context, argparse.Namespace], ExitCode]


def _start(context: Context, arguments: argparse.Namespace) -> ExitCode:
    from hlb_hooks.steps import initial_backup as step

    config = _load(context, arguments)
    owner = OwnerOptions(arguments.owner_pid, arguments.lease, config.run.owner)
    return step.run(context, step.StartRequest(config, arguments.job, owner))


def _compare(context: Context, arguments: argparse.Namespace) -> ExitCode:
    from hlb_hooks.steps import compare_backup as step

    config = _load(context, arguments)
    return step.run(context, step.CompareRequest(config, arguments.job))


def _request(context: Context, arguments: argparse.Namespace) -> ExitCode:
    from hlb_hooks.steps import snap_request as step

    config = _load(context, arguments)
    owner = OwnerOptions(arguments.owner_pid, arguments.lease, config.run.owner)
    request = step.SnapRequest(config, arguments.job, owner, tuple(arguments.vmx))
    return step.run(context, request)


def _remove(context: Context, arguments: argparse.Namespace) -> ExitCode:
    from hlb_hooks.steps import snap_remove as step

    settings = _load_for_end(context, arguments)
    request = step.RemoveRequest(
        state_dirs=settings.state_dirs,
        owner=OwnerOptions(arguments.owner_pid, None, settings.config.run.owner),
        run_name=arguments.run,
        vmxs=tuple(arguments.vmx),
        trouble=settings.trouble,
    )
    return step.run(context, request)


def _end(context: Context, arguments: argparse.Namespace) -> ExitCode:
    from hlb_hooks.steps import initial_umount as step

    settings = _load_for_end(context, arguments)
    request = step.EndRequest(
        state_dirs=settings.state_dirs,
        job=arguments.job,
        owner=OwnerOptions(arguments.owner_pid, None, settings.config.run.owner),
        run_name=arguments.run,
        trouble=settings.trouble,
    )
    return step.run(context, request)


def _load(context: Context, arguments: argparse.Namespace) -> Config:
    """Read the configuration; from here on the hook speaks the operator's language."""
    _check_script()
    config = load_config(find_config_path(arguments.config, os.environ))
    config.job(arguments.job)
    _speak_as(context, config)
    leave_folder()
    return config


def _check_script() -> None:
    """Refuse a hook that others may have written. Only what begins a run does: an end goes on."""
    script = os.path.realpath(sys.argv[0])
    if os.path.isfile(script):
        check_trusted(script, "hook")


def _load_for_end(context: Context, arguments: argparse.Namespace) -> EndSettings:
    settings = load_end_settings(find_config_path(arguments.config, os.environ), arguments.job)
    _speak_as(context, settings.config)
    leave_folder()
    return settings


def _speak_as(context: Context, config: Config) -> None:
    context.use(make_effects(config.run.language, may_change=context.effects.may_change))
    context.log_file = config.paths.log_file


def run_hook(hook: str, arguments: argparse.Namespace) -> int:
    """Run one hook as its command line says. Only here its errors become exit codes."""
    # Until the command line is understood nothing may be changed.
    context = Context(hook, make_effects("en", may_change=False))
    job = "-"
    try:
        if arguments.job is None:
            arguments.job = _job_of_script(hook)
        job = arguments.job
        may_change = hook != "compare_backup" and not arguments.dry_run
        context.use(make_effects("en", may_change=may_change))
        context.stop.listen()
        return int(_STEPS[hook](context, arguments))
    except HlbError as error:
        return int(_say_error(context, job, error))
    except Exception as error:
        return int(_say_defect(context, job, error))


def refuse_call(hook: str, error: UsageError) -> int:
    """Say what is wrong with a command line, and give the exit code."""
    return int(_say_error(Context(hook, make_effects("en", may_change=False)), "-", error))


def _job_of_script(hook: str) -> str:
    """Give the job of the name this script was started by, if it is the hook's own at all."""
    script = os.path.basename(sys.argv[0])
    return job_of_script(script) if script.partition(".")[0] == hook else DEFAULT_JOB


def _say_error(context: Context, job: str, error: HlbError) -> ExitCode:
    speaker = context.speaker
    for line in error.message.splitlines():
        speaker.say("error", text=line)
    if error.next_step:
        speaker.say("next_step", text=error.next_step, indent=4)
    context.log.error("hook_failed", why=error.message, exit=int(error.exit_code))
    _say_nothing_done(context, job, error.exit_code)
    return error.exit_code


def _say_defect(context: Context, job: str, error: Exception) -> ExitCode:
    if context.journal is None:
        context.open_log(context.log_file)
    context.log.exception("defect", why=repr(error))
    if isinstance(context.log, NoLog):
        # A dry run has no log file, and another may be out of reach.
        traceback.print_exc()
    where = "stderr" if isinstance(context.log, NoLog) else context.log_file
    context.speaker.say("defect", text=repr(error), log_file=where)
    _say_nothing_done(context, job, ExitCode.DEFECT)
    return ExitCode.DEFECT


def _say_nothing_done(context: Context, job: str, exit_code: ExitCode) -> None:
    """Say the line for machines for a run that never began, or that ended in a defect."""
    run = context.journal.run if context.journal else None
    tally = count_vms(run.chosen) if run else NOTHING
    report.say_machine_line(
        context, job=job, run=run.name if run else "-", tally=tally, exit_code=exit_code
    )


_STEPS: dict[str, Step] = {
    "initial_backup": _start,
    "compare_backup": _compare,
    "snap_request": _request,
    "snap_remove": _remove,
    "initial_umount": _end,
}
