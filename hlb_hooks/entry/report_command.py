"""``hlb report``: its command line."""

import argparse

from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.entry.desk_options import add_forms, open_for_end, read_wanted
from hlb_hooks.entry.subcommands import Subcommands, add_subcommand


def add_report(subcommands: Subcommands) -> None:
    """Add the subcommand."""
    parser = add_subcommand(
        subcommands, "report", "what became of each VM in a run, and how long each part took"
    )
    parser.add_argument(
        "run_name",
        metavar="RUN",
        nargs="?",
        help="its name, or as much of the beginning as is needed; without it the newest",
    )
    parser.add_argument("--job", metavar="JOB", help="the newest run of this job")
    add_forms(parser, has_page=True)
    parser.set_defaults(run=_report)


def _report(arguments: argparse.Namespace) -> ExitCode:
    from hlb_hooks.steps.desk import show_report as step

    wanted = read_wanted(arguments)
    settings, context = open_for_end("report", arguments, may_change=False)
    request = step.ReportRequest(
        state_dirs=settings.state_dirs,
        run=arguments.run_name,
        job=arguments.job,
        trouble=settings.trouble,
        wanted=wanted,
    )
    return step.run(context, request)
