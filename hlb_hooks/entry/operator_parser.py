"""What ``hlb`` can be asked: its parser, and the commands that have no file of their own."""

import argparse
import os

from hlb_hooks import __version__
from hlb_hooks.base.config import find_config_path, load_config
from hlb_hooks.base.config_schema import DEFAULT_JOB
from hlb_hooks.base.errors import UsageError
from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.effects.bundle import make_effects, make_mute_effects
from hlb_hooks.entry.arguments import HookParser
from hlb_hooks.entry.check_command import add_check
from hlb_hooks.entry.config_command import add_config
from hlb_hooks.entry.dataset_command import add_dataset
from hlb_hooks.entry.desk_options import open_for_end
from hlb_hooks.entry.history_command import add_history
from hlb_hooks.entry.hold_commands import add_drain, add_hold
from hlb_hooks.entry.probe_command import add_probe
from hlb_hooks.entry.report_command import add_report
from hlb_hooks.entry.restore_command import add_restore
from hlb_hooks.entry.status_command import add_status
from hlb_hooks.entry.subcommands import Subcommands, add_subcommand
from hlb_hooks.entry.surroundings import leave_folder, settle_in
from hlb_hooks.entry.whereis_command import add_whereis
from hlb_hooks.steps.context import Context
from hlb_hooks.steps.desk.delivery import Form, Wanted

_ROOMS_OF_THE_LAB = {"hlb_hooks.lab", "hlb_hooks.lab.command"}


def make_parser() -> argparse.ArgumentParser:
    """Give the parser of ``hlb``, with one of its own for each subcommand."""
    parser: argparse.ArgumentParser = HookParser(
        prog="hlb", description="The operator's command of hlb-hooks.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"hlb {__version__}")
    subcommands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_plan(subcommands)
    add_status(subcommands)
    add_report(subcommands)
    add_history(subcommands)
    add_config(subcommands)
    _add_reap(subcommands)
    add_restore(subcommands)
    add_check(subcommands)
    add_dataset(subcommands)
    add_hold(subcommands)
    add_drain(subcommands)
    add_whereis(subcommands)
    add_probe(subcommands)
    _add_lab(subcommands)
    return parser


def _add_reap(subcommands: Subcommands) -> None:
    reap = add_subcommand(
        subcommands, "reap", "settle what has nobody any more; from cron, or by hand"
    )
    reap.add_argument("-n", "--dry-run", action="store_true", help="say what would be done")
    reap.set_defaults(run=_reap)


def _add_plan(subcommands: Subcommands) -> None:
    plan = add_subcommand(
        subcommands, "plan", "what the start hook would do now, and why; changes nothing"
    )
    plan.add_argument("--job", metavar="JOB", default=DEFAULT_JOB, help="(%(default)s)")
    plan.add_argument(
        "--json", action="store_true", help="for programs: docs/reference/report-fields.md"
    )
    plan.set_defaults(run=_plan)


def _reap(arguments: argparse.Namespace) -> ExitCode:
    from hlb_hooks.steps import reap as step

    settings, context = open_for_end("reap", arguments, may_change=not arguments.dry_run)
    config = None if settings.trouble else settings.config
    return step.run(context, step.ReapRequest(settings.state_dirs, settings.trouble, config))


def _plan(arguments: argparse.Namespace) -> ExitCode:
    from hlb_hooks.steps import initial_backup as step
    from hlb_hooks.steps.desk import show_plan
    from hlb_hooks.steps.whose import OwnerOptions

    config = load_config(find_config_path(arguments.config, os.environ))
    config.job(arguments.job)
    settle_in()
    leave_folder()
    language = config.run.language
    effects = make_effects(language, may_change=False)
    context = Context("initial_backup", make_mute_effects(language) if arguments.json else effects)
    context.stop.listen()
    # Nobody asks the client's name of a plan: this process stands in for it.
    owner = OwnerOptions(os.getpid(), None, config.run.owner)
    request = step.StartRequest(config, arguments.job, owner)
    if arguments.json:
        return show_plan.run(context, request, Wanted(Form.JSON))
    return step.run(context, request)


def _add_lab(subcommands: Subcommands) -> None:
    try:
        from hlb_hooks.lab.command import dispatch
    except ModuleNotFoundError as error:
        if error.name not in _ROOMS_OF_THE_LAB:
            raise
        absent = subcommands.add_parser("lab", help="not part of this installation")
        # Whatever follows: the answer is the same.
        absent.add_argument("words", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
        absent.set_defaults(run=_explain_absent_lab)
        return
    dispatch.add_lab_parser(subcommands)


def _explain_absent_lab(_arguments: argparse.Namespace) -> ExitCode:
    raise UsageError(
        "this installation comes without the lab: a console is no place to rehearse",
        next_step="rehearse on another machine: pip install hlb-hooks && hlb lab demo",
    )
