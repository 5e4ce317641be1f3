"""What a person can type, read from the package's own argument parsers."""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

from hlb_hooks.entry.arguments import HOOKS, make_parser
from hlb_hooks.entry.hlb import make_parser as make_hlb_parser

# Rehearsals are for another machine, and the packages come without it.
_LEFT_OUT = {"lab"}


@dataclass(frozen=True)
class Option:
    """One option or argument: its spellings, what its value is called, and what it is for."""

    spellings: tuple[str, ...]
    value: str
    help: str


@dataclass(frozen=True)
class Program:
    """A program, or one subcommand of it, whose name has all its words."""

    name: str
    description: str
    usage: str
    options: tuple[Option, ...]
    epilog: str = ""
    subcommands: tuple["Program", ...] = ()

    def walk(self) -> Iterator["Program"]:
        """Give the program and everything below it, each named by all its words."""
        yield self
        for subcommand in self.subcommands:
            yield from subcommand.walk()


def list_programs() -> list[Program]:
    """Give ``hlb`` and the five hooks."""
    hooks = [_read(hook, make_parser(hook)) for hook in HOOKS]
    return [_read("hlb", make_hlb_parser()), *hooks]


def _read(name: str, parser: argparse.ArgumentParser) -> Program:
    # argparse has no public way to be asked what it was told.
    actions = parser._actions
    return Program(
        name=name,
        description=parser.description or "",
        usage=" ".join(parser.format_usage().removeprefix("usage: ").split()),
        options=tuple(option for action in actions for option in _read_options(parser, action)),
        epilog=parser.epilog or "",
        subcommands=tuple(
            _read(f"{name} {word}", subparser)
            for action in actions
            if isinstance(action, argparse._SubParsersAction)
            for word, subparser in action.choices.items()
            if word not in _LEFT_OUT
        ),
    )


def _read_options(parser: argparse.ArgumentParser, action: argparse.Action) -> Iterator[Option]:
    if isinstance(action, argparse._SubParsersAction):
        return
    # As in --help, where %(default)s and %% are filled in.
    text = (action.help or "") % {**vars(action), "prog": parser.prog}
    takes_value = action.nargs != 0
    value = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    yield Option(tuple(action.option_strings), value if takes_value else "", text)
