"""``hlb probe``: its command line."""

import argparse
import os
import sys

from hlb_hooks import __version__
from hlb_hooks.base.config import Config, find_config_path, load_config
from hlb_hooks.base.errors import UsageError
from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.effects.bundle import make_effects
from hlb_hooks.entry.hook_scripts import render_probe
from hlb_hooks.entry.subcommands import Subcommands, add_subcommand
from hlb_hooks.entry.surroundings import leave_folder, settle_in
from hlb_hooks.steps.context import Context

_LARGEST_EXIT_CODE = 255


def add_probe(subcommands: Subcommands) -> None:
    """Add the subcommand with its own three."""
    text = "see what the client does to hooks on this host, by hooks that do nothing"
    probe = subcommands.add_parser("probe", help=text, description=text, allow_abbrev=False)
    actions = probe.add_subparsers(required=True, metavar="ACTION")
    install = add_subcommand(actions, "install", "put inert hooks in the place of the real ones")
    install.add_argument(
        "--stay",
        metavar="2h",
        default="",
        help="how long each is to stay, to see when the client ends it (some seconds)",
    )
    install.add_argument(
        "--exit-code",
        type=int,
        default=0,
        metavar="N",
        help="what each ends with, to see what the client makes of it (%(default)s)",
    )
    install.set_defaults(run=_install)
    show = add_subcommand(actions, "show", "tell what the inert hooks saw")
    show.add_argument("--json", action="store_true", help="for programs")
    show.set_defaults(run=_show)
    add_subcommand(actions, "remove", "put the real hooks back").set_defaults(run=_remove)


def _install(arguments: argparse.Namespace) -> ExitCode:
    from hlb_hooks.steps import probe as step
    from hlb_hooks.steps.whose import parse_lease

    if not 0 <= arguments.exit_code <= _LARGEST_EXIT_CODE:
        raise UsageError(
            f"--exit-code {arguments.exit_code}: expected 0 to {_LARGEST_EXIT_CODE}",
            next_step="say what a process can end with",
        )
    stay_seconds = parse_lease(arguments.stay).total_seconds() if arguments.stay else 0.0
    context, config = _open(arguments, may_change=True)
    request = step.ProbeRequest(
        config,
        stay_seconds,
        arguments.exit_code,
        lambda hook, folder: render_probe(hook, folder, sys.executable),
        __version__,
    )
    return step.install(context, request)


def _show(arguments: argparse.Namespace) -> ExitCode:
    from hlb_hooks.steps import probe as step

    context, config = _open(arguments, may_change=False)
    return step.show(context, config, is_for_programs=arguments.json)


def _remove(arguments: argparse.Namespace) -> ExitCode:
    from hlb_hooks.steps import probe as step

    context, config = _open(arguments, may_change=True)
    return step.remove(context, config)


def _open(arguments: argparse.Namespace, *, may_change: bool) -> tuple[Context, Config]:
    config = load_config(find_config_path(arguments.config, os.environ))
    settle_in()
    leave_folder()
    context = Context("probe", make_effects(config.run.language, may_change=may_change))
    context.stop.listen()
    return context, config
