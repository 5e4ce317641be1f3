"""``hlb dataset``: its command line."""

import argparse
import os

from hlb_hooks.base.config import find_config_path, load_config
from hlb_hooks.base.config_schema import DEFAULT_JOB
from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.effects.bundle import make_effects
from hlb_hooks.entry.subcommands import Subcommands, add_subcommand
from hlb_hooks.entry.surroundings import leave_folder, settle_in
from hlb_hooks.steps.context import Context


def add_dataset(subcommands: Subcommands) -> None:
    """Add the subcommand."""
    parser = add_subcommand(
        subcommands, "dataset", "what to write into the Avamar dataset of a job, for this host"
    )
    parser.add_argument("job", metavar="JOB", nargs="?", default=DEFAULT_JOB, help="(%(default)s)")
    parser.add_argument(
        "--folders",
        action="store_true",
        help="name the folders of the job's VMs as sources, for several datasets on one host",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "--flags",
        dest="form",
        action="store_const",
        const="flags",
        default="text",
        help="as avtar's flags, one a line, for --flagfile",
    )
    form.add_argument(
        "--json", dest="form", action="store_const", const="json", help="for programs"
    )
    parser.set_defaults(run=_dataset)


def _dataset(arguments: argparse.Namespace) -> ExitCode:
    from hlb_hooks.steps import dataset as step

    config = load_config(find_config_path(arguments.config, os.environ))
    config.job(arguments.job)
    settle_in()
    leave_folder()
    context = Context("dataset", make_effects(config.run.language, may_change=False))
    context.stop.listen()
    request = step.DatasetRequest(config, arguments.job, arguments.folders, arguments.form)
    return step.run(context, request)
