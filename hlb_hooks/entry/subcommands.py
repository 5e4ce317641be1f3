"""What the subcommands of ``hlb`` have in common."""

import argparse
from typing import TypeAlias

from hlb_hooks.entry.exit_help import describe_exits

# What add_subparsers gives has no public name.
Subcommands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001


def add_subcommand(subcommands: Subcommands, name: str, text: str) -> argparse.ArgumentParser:
    """Add a subcommand that goes by a configuration, and give its parser."""
    parser = subcommands.add_parser(name, help=text, description=text, allow_abbrev=False)
    # What it is called in full: "hlb config show".
    parser.epilog = describe_exits(parser.prog.partition(" ")[2])
    parser.add_argument("--config", metavar="FILE", help="instead of $HLB_CONFIG or the usual one")
    return parser
