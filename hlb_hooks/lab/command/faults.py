"""``hlb lab fault``: what the lab's host shall do wrong."""

import argparse
import shlex
import sys
from pathlib import Path

from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.base.text import escape
from hlb_hooks.lab.host.faults import KINDS, Fault, add_fault, clear_faults, list_faults
from hlb_hooks.lab.layout import open_lab


def add_fault_parser(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``fault`` to the actions of ``hlb lab``."""
    fault = actions.add_parser("fault", help="what the host shall do wrong, and how often")
    fault.add_argument("folder", metavar="DIR", type=Path)
    fault.set_defaults(run=run)
    choices = fault.add_subparsers(dest="fault_action", required=True, metavar="add|list|clear")
    add = choices.add_parser("add", help=f"a fault of a kind: {', '.join(KINDS)}")
    add.add_argument("kind", metavar="KIND")
    add.add_argument("--action", default="*", metavar="A", help="-l, getstate, …; a shell pattern")
    add.add_argument("--vm", default="*", metavar="V", help="folder's name or path; a pattern")
    add.add_argument("--times", type=int, metavar="N", help="how many commands; else until clear")
    add.add_argument("--seconds", type=float, default=0.0, metavar="S", help="how long it takes")
    add.add_argument("--text", default="", metavar="T", help="what is said")
    choices.add_parser("list", help="what is still to come")
    choices.add_parser("clear", help="call all of them off")


def run(arguments: argparse.Namespace) -> int:
    """Do what ``arguments`` ask for; give the exit code. Raise HlbError when it cannot be done."""
    lab = open_lab(str(arguments.folder))
    if arguments.fault_action == "add":
        fault = Fault(
            kind=arguments.kind,
            action=arguments.action,
            vm=arguments.vm,
            times=arguments.times,
            seconds=arguments.seconds,
            text=arguments.text,
        )
        add_fault(lab, fault)
    elif arguments.fault_action == "clear":
        clear_faults(lab)
    faults = list_faults(lab)
    lines = [describe_fault(fault) for fault in faults] or ["the host works as it should"]
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return ExitCode.DONE


def describe_fault(fault: Fault) -> str:
    """Give a fault as the words that would order it."""
    words = [fault.kind]
    if fault.action != "*":
        # With the sign: argparse would take ``-l`` for an option.
        words.append(f"--action={fault.action}")
    if fault.vm != "*":
        words += ["--vm", fault.vm]
    if fault.times is not None:
        words += ["--times", str(fault.times)]
    if fault.seconds:
        words += ["--seconds", f"{fault.seconds:g}"]
    if fault.text:
        words += ["--text", fault.text]
    return escape(shlex.join(words))
