"""``hlb whereis``: its command line."""

import argparse
import os

from hlb_hooks.base.config import find_config_path, load_config
from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.effects.bundle import make_effects
from hlb_hooks.entry.subcommands import Subcommands, add_subcommand
from hlb_hooks.entry.surroundings import leave_folder, settle_in
from hlb_hooks.steps.context import Context


def add_whereis(subcommands: Subcommands) -> None:
    """Add the subcommand."""
    parser = add_subcommand(
        subcommands, "whereis", "where a VM is, what lies beside it, and which runs have it"
    )
    parser.add_argument("vm", metavar="VM", help="its display name, folder's name or .vmx path")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(run=_whereis)


def _whereis(arguments: argparse.Namespace) -> ExitCode:
    from hlb_hooks.steps import whereis as step

    config = load_config(find_config_path(arguments.config, os.environ))
    settle_in()
    leave_folder()
    context = Context("whereis", make_effects(config.run.language, may_change=False))
    context.stop.listen()
    folders = (config.paths.state_dir,)
    request = step.WhereisRequest(config, folders, arguments.vm, arguments.json)
    return step.run(context, request)
