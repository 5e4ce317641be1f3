"""``hlb``, the operator's command."""

import argparse
import os
import traceback
from collections.abc import Sequence

from hlb_hooks import __version__
from hlb_hooks.base.config import find_config_path
from hlb_hooks.base.errors import HlbError, UsageError
from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.base.speech import Speaker
from hlb_hooks.effects.bundle import make_effects
from hlb_hooks.entry.arguments import HookParser
from hlb_hooks.entry.settings import load_end_settings
from hlb_hooks.entry.surroundings import leave_folder, prepare_terminal, settle_in
from hlb_hooks.steps.context import Context


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand and give its exit code."""
    prepare_terminal()
    try:
        arguments = _make_parser().parse_args(argv)
        return int(arguments.run(arguments))
    except SystemExit as leave:  # argparse, after --help and --version
        return int(leave.code or 0)
    except KeyboardInterrupt:
        return int(ExitCode.INTERRUPTED)
    except HlbError as error:
        speaker = Speaker()
        speaker.say("error", text=error.message)
        if error.next_step:
            speaker.say("next_step", text=error.next_step, indent=4)
        return int(error.exit_code)
    except Exception as error:
        traceback.print_exc()
        Speaker().say("defect", text=repr(error), log_file="stderr")
        return int(ExitCode.DEFECT)


def _make_parser() -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = HookParser(
        prog="hlb", description="The operator's command of hlb-hooks.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"hlb {__version__}")
    subcommands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_reap(subcommands)
    _add_lab(subcommands)
    return parser


def _add_reap(subcommands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    reap = subcommands.add_parser(
        "reap",
        help="settle the runs whose owner and guard are gone; from cron, or by hand",
        allow_abbrev=False,
    )
    reap.add_argument("--config", metavar="FILE", help="instead of $HLB_CONFIG or the usual one")
    reap.add_argument("-n", "--dry-run", action="store_true", help="say what would be done")
    reap.set_defaults(run=_reap)


def _reap(arguments: argparse.Namespace) -> ExitCode:
    from hlb_hooks.steps import reap as step

    settings = load_end_settings(find_config_path(arguments.config, os.environ))
    settle_in()
    leave_folder()
    language = settings.config.run.language
    context = Context("reap", make_effects(language, may_change=not arguments.dry_run))
    context.stop.listen()
    return step.run(context, step.ReapRequest(settings.state_dirs, settings.trouble))


def _add_lab(subcommands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    try:
        from hlb_hooks.lab import command
    except ModuleNotFoundError as error:
        if error.name not in {"hlb_hooks.lab", "hlb_hooks.lab.command"}:
            raise
        absent = subcommands.add_parser("lab", help="not part of this installation")
        absent.set_defaults(run=_explain_absent_lab)
        return
    command.add_lab_parser(subcommands)


def _explain_absent_lab(_arguments: argparse.Namespace) -> ExitCode:
    raise UsageError(
        "this installation comes without the lab: a console is no place to rehearse",
        next_step="rehearse on another machine: pip install hlb-hooks && hlb lab demo",
    )
