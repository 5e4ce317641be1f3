"""``hlb hold`` and ``hlb drain``: their command lines."""

import argparse
import getpass
import os
from collections.abc import Mapping

from hlb_hooks.base.config import Config, find_config_path, load_config
from hlb_hooks.base.errors import UsageError
from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.effects.bundle import make_effects
from hlb_hooks.entry.desk_options import add_forms, read_wanted
from hlb_hooks.entry.subcommands import Subcommands, add_subcommand
from hlb_hooks.entry.surroundings import leave_folder, settle_in
from hlb_hooks.steps.context import Context
from hlb_hooks.steps.desk.delivery import Wanted

_AT_ONCE_SECONDS = 0.0


def add_hold(subcommands: Subcommands) -> None:
    """Add ``hlb hold``."""
    parser = add_subcommand(
        subcommands, "hold", "leave a VM alone until it is released; without VM: show what is held"
    )
    parser.add_argument("vm", nargs="?", default="", metavar="VM", help="its name, folder or path")
    parser.add_argument("--reason", default="", metavar="TEXT", help="why, for the others")
    parser.add_argument("--release", action="store_true", help="it may be backed up again")
    add_forms(parser)
    parser.set_defaults(run=_hold)


def add_drain(subcommands: Subcommands) -> None:
    """Add ``hlb drain``."""
    parser = add_subcommand(
        subcommands, "drain", "let no run begin on this host any more, as before maintenance mode"
    )
    parser.add_argument("--reason", default="", metavar="TEXT", help="why, for the others")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument(
        "--wait",
        nargs="?",
        const="",
        metavar="4h",
        help="wait, at the most that long, until nothing of ours is open",
    )
    kind.add_argument("--release", action="store_true", help="runs may begin again")
    parser.set_defaults(run=_drain)


def _hold(arguments: argparse.Namespace) -> ExitCode:
    from hlb_hooks.steps import hold as step

    if arguments.release and not arguments.vm:
        raise UsageError("--release: which VM?", next_step="hlb hold shows what is held")
    wanted = read_wanted(arguments)
    if arguments.vm and wanted != Wanted():
        raise UsageError(
            "--json and --output are for what is held, without VM",
            next_step="hlb hold VM, and then hlb hold --json",
        )
    who = _name_operator(os.environ)
    context, config = _open("hold", arguments, may_change=bool(arguments.vm))
    request = step.HoldRequest(
        config, arguments.vm, who, arguments.reason, arguments.release, wanted
    )
    return step.run(context, request)


def _drain(arguments: argparse.Namespace) -> ExitCode:
    from hlb_hooks.steps import drain as step
    from hlb_hooks.steps.whose import parse_lease

    wait_seconds = float("inf") if arguments.wait == "" else _AT_ONCE_SECONDS
    if arguments.wait:
        wait_seconds = parse_lease(arguments.wait).total_seconds()
    who = _name_operator(os.environ)
    context, config = _open("drain", arguments, may_change=True)
    request = step.DrainRequest(config, who, arguments.reason, arguments.release, wait_seconds)
    return step.run(context, request)


def _open(name: str, arguments: argparse.Namespace, *, may_change: bool) -> tuple[Context, Config]:
    config = load_config(find_config_path(arguments.config, os.environ))
    settle_in()
    leave_folder()
    context = Context(name, make_effects(config.run.language, may_change=may_change))
    context.stop.listen()
    return context, config


def _name_operator(environ: Mapping[str, str]) -> str:
    """Name who sits at the terminal: root is many people."""
    if environ.get("SUDO_USER"):
        return environ["SUDO_USER"]
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.geteuid()}"
