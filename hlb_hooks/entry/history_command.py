"""``hlb history``: its command line."""

import argparse

from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.entry.desk_options import add_forms, open_for_end, read_wanted
from hlb_hooks.entry.subcommands import Subcommands, add_subcommand


def add_history(subcommands: Subcommands) -> None:
    """Add the subcommand."""
    parser = add_subcommand(subcommands, "history", "the runs that are known, newest first")
    parser.add_argument(
        "--since", metavar="WHEN", help="a date such as 2026-11-01, or 12h, 7d, 4w ago"
    )
    parser.add_argument("--job", metavar="JOB", help="of this job alone")
    parser.add_argument(
        "--vm", metavar="NAME", help="what became of this VM; named as in a targets file"
    )
    add_forms(parser)
    parser.set_defaults(run=_history)


def _history(arguments: argparse.Namespace) -> ExitCode:
    from hlb_hooks.steps.desk import show_history as step

    wanted = read_wanted(arguments)
    settings, context = open_for_end("history", arguments, may_change=False)
    request = step.HistoryRequest(
        state_dirs=settings.state_dirs,
        since=arguments.since,
        job=arguments.job,
        vm=arguments.vm,
        trouble=settings.trouble,
        wanted=wanted,
    )
    return step.run(context, request)
