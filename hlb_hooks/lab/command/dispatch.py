"""``hlb lab``: its options, and what each of them runs."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.lab.command.evidence import add_evidence_parsers
from hlb_hooks.lab.command.faults import add_fault_parser
from hlb_hooks.lab.command.hosts import add_host_parser
from hlb_hooks.lab.command.mount import add_mount_parser
from hlb_hooks.lab.command.vms import add_vm_parser
from hlb_hooks.lab.create import check_free, create_lab
from hlb_hooks.lab.demo.show import run_demo
from hlb_hooks.lab.host.guests import are_guests_running, start_guests, stop_guests
from hlb_hooks.lab.host.hosts import add_host
from hlb_hooks.lab.layout import DIALECTS, LabSettings, open_lab

DEFAULT_VMS = 12
_MOST_HOSTS = 8


def add_lab_parser(
    subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> None:
    """Add ``lab`` and what belongs to it to the subcommands of ``hlb``."""
    lab = subparsers.add_parser("lab", help="a folder that is an ESX host, to rehearse on")
    lab.set_defaults(run=run)
    actions = lab.add_subparsers(dest="lab_action", required=True, metavar="ACTION")

    create = actions.add_parser("create", help="make a lab in a new or empty folder")
    create.add_argument("folder", metavar="DIR", type=Path)
    create.add_argument(
        "--vms", type=_parse_count, default=DEFAULT_VMS, metavar="N", help="how many (%(default)s)"
    )
    create.add_argument("--dialect", choices=DIALECTS, default="console")
    create.add_argument(
        "--seed", type=int, default=LabSettings().seed, help="of the disks' content"
    )
    create.add_argument(
        "--hosts",
        type=int,
        choices=range(1, _MOST_HOSTS + 1),
        default=1,
        metavar="N",
        help="hosts on the same datastores: DIR, DIR-2 and so on (%(default)s)",
    )

    guests = actions.add_parser("guests", help="the VMs' guests, which write all the time")
    guests.add_argument("folder", metavar="DIR", type=Path)
    guests.add_argument("guests_action", choices=("start", "stop", "status"))

    demo = actions.add_parser("demo", help="a backup without the hooks, one with them, a restore")
    demo.add_argument(
        "folder", metavar="DIR", type=Path, nargs="?", help="made and kept; else a passing folder"
    )
    demo.add_argument("--keep", action="store_true", help="keep the passing folder, too")

    add_fault_parser(actions)
    add_vm_parser(actions)
    add_evidence_parsers(actions)
    add_host_parser(actions)
    add_mount_parser(actions)


def run(arguments: argparse.Namespace) -> int:
    """Do what ``arguments`` ask for; give the exit code. Raise HlbError when it cannot be done."""
    # Here alone the lab knows that there are hooks of the package: to put them where avtar looks.
    from hlb_hooks.entry.hook_scripts import render

    if arguments.lab_action == "create":
        return _create(arguments, render)
    if arguments.lab_action == "demo":
        return run_demo(arguments.folder, render, keeps_folder=arguments.keep)
    return _run_guests(str(arguments.folder), arguments.guests_action)


def _create(arguments: argparse.Namespace, render: Callable[[str, str], str]) -> int:
    settings = LabSettings(dialect=arguments.dialect, seed=arguments.seed)
    first = arguments.folder.resolve()
    others = [first.parent / f"{first.name}-{number}" for number in range(2, arguments.hosts + 1)]
    for folder in others:
        check_free(folder)
    lab = create_lab(arguments.folder, settings, arguments.vms, render)
    _print(f"{lab.folder}: {arguments.vms} VMs, vmware-cmd and avtar in {lab.programs}")
    for number, folder in enumerate(others, 2):
        other = add_host(lab, folder, f"esx{number}", render)
        _print(f"{other.folder}: host esx{number} on the same datastores, with no VM yet")
    return ExitCode.DONE


def _run_guests(folder: str, action: str) -> int:
    lab = open_lab(folder)
    if action == "start":
        start_guests(lab)
    elif action == "stop":
        stop_guests(lab)
    _print(f"guests of {lab.folder}: {'writing' if are_guests_running(lab) else 'stopped'}")
    return ExitCode.DONE


def _parse_count(text: str) -> int:
    try:
        count = int(text)
    except ValueError:
        count = -1
    if not 0 <= count <= 10_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of VMs from 0 to 10000")
    return count


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
