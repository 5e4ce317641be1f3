"""``hlb status``: its command line."""

import argparse

from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.entry.desk_options import add_forms, open_for_end, read_wanted
from hlb_hooks.entry.subcommands import Subcommands, add_subcommand


def add_status(subcommands: Subcommands) -> None:
    """Add the subcommand."""
    parser = add_subcommand(
        subcommands,
        "status",
        "what of ours is open, when each VM was last backed up, and what a person has to do",
    )
    add_forms(parser)
    parser.set_defaults(run=_status)


def _status(arguments: argparse.Namespace) -> ExitCode:
    from hlb_hooks.steps import status as step

    wanted = read_wanted(arguments)
    settings, context = open_for_end("status", arguments, may_change=False)
    measures = {name: job.success for name, job in settings.config.jobs.items()}
    request = step.StatusRequest(
        state_dirs=settings.state_dirs,
        trouble=settings.trouble,
        measures=None if settings.trouble else measures,
        wanted=wanted,
    )
    return step.run(context, request)
