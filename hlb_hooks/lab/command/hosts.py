"""``hlb lab host``: what becomes of the hosts that share datastores."""

import argparse
import math
import sys
from pathlib import Path

from hlb_hooks.base.errors import UsageError
from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.base.text import escape
from hlb_hooks.lab.command.vms import choose_vm, telling_refusals
from hlb_hooks.lab.host import hosts
from hlb_hooks.lab.host.guests import are_guests_running
from hlb_hooks.lab.host.neighbours import is_host_down, list_hosts
from hlb_hooks.lab.host.registry import read_registry
from hlb_hooks.lab.layout import Lab, open_lab


def add_host_parser(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``host`` to the actions of ``hlb lab``."""
    parser = actions.add_parser("host", help="moves between hosts, a host's death and boot")
    parser.add_argument("folder", metavar="DIR", type=Path)
    parser.set_defaults(run=run)
    choices = parser.add_subparsers(dest="host_action", required=True, metavar="ACTION")
    choices.add_parser("list", help="the hosts of its datastores")
    choices.add_parser("kill", help="it dies: each of its processes is killed at once")
    choices.add_parser("boot", help="switch it on; its VMs that ran are off")
    fail_over = choices.add_parser("fail-over", help="start its VMs that ran at another host")
    move = choices.add_parser("move", help="move a VM to another host, as it is")
    move.add_argument("vm", metavar="VM", help="display name, folder's name, or .vmx")
    for choice in (fail_over, move):
        choice.add_argument("--to", metavar="HOST", help="its name or its folder; else the other")
    choices.add_parser("drop-stale", help="forget VMs that another host has by now")
    restart = choices.add_parser("restart-hostd", help="its management daemon is away for a while")
    restart.add_argument("seconds", type=_parse_seconds, metavar="SECONDS")


def run(arguments: argparse.Namespace) -> int:
    """Do what ``arguments`` ask for; give the exit code. Raise HlbError when it cannot be done."""
    lab = open_lab(str(arguments.folder))
    action = arguments.host_action
    with telling_refusals():
        if action == "kill":
            hosts.kill_host(lab)
        elif action == "boot":
            hosts.boot_host(lab)
        elif action == "fail-over":
            hosts.fail_over(lab, _choose_other(lab, arguments.to))
        elif action == "move":
            vm = choose_vm(lab, arguments.vm)
            hosts.move_vm(lab, _choose_other(lab, arguments.to), vm.config)
        elif action == "drop-stale":
            hosts.drop_stale_registrations(lab, _list_others(lab))
        elif action == "restart-hostd":
            hosts.restart_hostd(lab, arguments.seconds)
    for host in list_hosts(lab):
        sys.stdout.write(f"{_describe(host)}\n")
    return ExitCode.DONE


def _list_others(lab: Lab) -> list[Lab]:
    return [host for host in list_hosts(lab) if host.folder != lab.folder]


def _choose_other(lab: Lab, wanted: str | None) -> Lab:
    others = _list_others(lab)
    found = [
        host
        for host in others
        if wanted is None
        or wanted == host.read_settings().host_name
        or Path(wanted).resolve() == host.folder
    ]
    if len(found) == 1:
        return found[0]
    names = ", ".join(host.read_settings().host_name for host in others)
    raise UsageError(
        f"which other host is meant is not clear: {wanted or 'none was named'}",
        next_step=f"name one with --to: {names}"
        if others
        else "make a lab with two: hlb lab create DIR --hosts 2",
    )


def _describe(host: Lab) -> str:
    vms = read_registry(host)
    if is_host_down(host):
        state = f"down; {len(vms)} VMs in its list"
    else:
        running = sum(vm.keeps_files_locked for vm in vms)
        guests = "" if are_guests_running(host) else "; no guest writes"
        state = f"up; {len(vms)} VMs, {running} of them running{guests}"
    return escape(f"{host.read_settings().host_name}: {host.folder}: {state}")


def _parse_seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return seconds
