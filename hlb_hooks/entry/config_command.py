"""``hlb config``: its command line."""

import argparse
import os

from hlb_hooks.base.config import CONFIG_VARIABLE, Config, find_config_path, load_config
from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.effects.bundle import make_effects
from hlb_hooks.entry.desk_options import add_forms, read_wanted
from hlb_hooks.entry.subcommands import Subcommands, add_subcommand
from hlb_hooks.entry.surroundings import leave_folder, settle_in
from hlb_hooks.steps.context import Context


def add_config(subcommands: Subcommands) -> None:
    """Add the subcommand."""
    text = "hlb.toml: whether it is good, what is in force, an example"
    parser = subcommands.add_parser("config", help=text, description=text, allow_abbrev=False)
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    validate = add_subcommand(
        actions, "validate", "check hlb.toml, and the files that its jobs name"
    )
    validate.set_defaults(run=_validate)
    show = add_subcommand(actions, "show", "every value in force, and which line says it")
    add_forms(show)
    show.set_defaults(run=_show)
    text = "write a hlb.toml that explains every key"
    example = actions.add_parser("example", help=text, description=text, allow_abbrev=False)
    example.set_defaults(run=_write_example)


def _validate(arguments: argparse.Namespace) -> ExitCode:
    from hlb_hooks.steps.desk import show_config as step

    config, context = _open(arguments)
    return step.validate(context, config)


def _show(arguments: argparse.Namespace) -> ExitCode:
    from hlb_hooks.steps.desk import show_config as step

    wanted = read_wanted(arguments)
    said_by = step.BY_DEFAULT
    if os.environ.get(CONFIG_VARIABLE):
        said_by = f"${CONFIG_VARIABLE}"
    if arguments.config:
        said_by = "--config"
    config, context = _open(arguments)
    return step.show(context, step.ShowRequest(config, said_by, wanted))


def _open(arguments: argparse.Namespace) -> tuple[Config, Context]:
    config = load_config(find_config_path(arguments.config, os.environ))
    settle_in()
    leave_folder()
    return config, Context("config", make_effects(config.run.language, may_change=False))


def _write_example(_arguments: argparse.Namespace) -> ExitCode:
    from hlb_hooks.base.config_example import write_example

    settle_in()
    make_effects("en", may_change=False).speaker.pass_on(write_example().encode("utf-8"))
    return ExitCode.DONE
