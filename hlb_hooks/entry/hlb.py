"""``hlb``, the operator's command."""

import argparse
import sys
import traceback
from collections.abc import Sequence

from hlb_hooks import __version__
from hlb_hooks.base.errors import HlbError, UsageError
from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.base.text import escape
from hlb_hooks.entry.arguments import HookParser
from hlb_hooks.entry.surroundings import prepare_terminal


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
        sys.stdout.write(f"error: {escape(error.message)}\n")
        if error.next_step:
            sys.stdout.write(f"    next step: {escape(error.next_step)}\n")
        return int(error.exit_code)
    except Exception as error:
        traceback.print_exc()
        sys.stdout.write(f"a defect of hlb-hooks: {escape(repr(error))}\n")
        return int(ExitCode.DEFECT)


def _make_parser() -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = HookParser(
        prog="hlb", description="The operator's command of hlb-hooks.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"hlb {__version__}")
    subcommands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_lab(subcommands)
    return parser


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
