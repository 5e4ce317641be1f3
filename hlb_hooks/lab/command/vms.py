"""``hlb lab vm``: what an administrator does with the VMs of a host."""

import argparse
import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from hlb_hooks.base.errors import HostError, UsageError, VmFileError
from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.base.text import escape
from hlb_hooks.lab.evidence import find_open_snapshots
from hlb_hooks.lab.host import operate
from hlb_hooks.lab.host.destruction import destroy_vm
from hlb_hooks.lab.host.disks import read_vmx
from hlb_hooks.lab.host.power import POWER_STATES
from hlb_hooks.lab.host.questions import Question, read_question
from hlb_hooks.lab.host.registry import HostFault, RegisteredVm, read_registry
from hlb_hooks.lab.layout import Lab, open_lab


def add_vm_parser(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``vm`` to the actions of ``hlb lab``."""
    parser = actions.add_parser("vm", help="what an administrator does with the VMs")
    parser.add_argument("folder", metavar="DIR", type=Path)
    parser.set_defaults(run=run)
    choices = parser.add_subparsers(dest="vm_action", required=True, metavar="ACTION")
    choices.add_parser("list", help="the VMs of this host: power, snapshots, path")

    def add(name: str, text: str) -> argparse.ArgumentParser:
        choice = choices.add_parser(name, help=text)
        choice.add_argument("vm", metavar="VM", help="display name, folder's name, or .vmx")
        return choice

    snapshot = add("snapshot", "make a snapshot")
    snapshot.add_argument("name", metavar="NAME")
    snapshot.add_argument("--description", default="", metavar="TEXT")
    snapshot.add_argument("--quiesce", action="store_true")
    snapshot.add_argument("--memory", action="store_true")
    add("delete-snapshot", "delete one snapshot").add_argument("name", metavar="NAME")
    add("delete-all", "delete every snapshot, whoever made it")
    power = add("power", "bring it into a state; stuck: it asks a question")
    power.add_argument("power", choices=POWER_STATES)
    answer = add("answer", "answer its question")
    answer.add_argument(
        "choice", metavar="NUMBER", nargs="?", type=int, help="of the choice; else the default"
    )
    add("rename", "give it another display name").add_argument("name", metavar="NAME")
    add("move", "move it to another datastore").add_argument("datastore", metavar="DATASTORE")
    add("unregister", "let the host forget it")
    register = choices.add_parser("register", help="let the host know one whose files are there")
    register.add_argument("config", metavar="VMX", type=Path)
    register.add_argument("--power", choices=POWER_STATES, default="off")
    add("delete", "delete it with its disks")
    destroy = add("destroy", "lose it: its folder with all in it, its disks elsewhere, its entry")
    destroy.add_argument("--force", action="store_true", help="even if it runs")


def run(arguments: argparse.Namespace) -> int:
    """Do what ``arguments`` ask for; give the exit code. Raise HlbError when it cannot be done."""
    lab = open_lab(str(arguments.folder))
    if arguments.vm_action == "register":
        with telling_refusals():
            operate.register(lab, arguments.config.absolute(), arguments.power)
    elif arguments.vm_action != "list":
        vm = choose_vm(lab, arguments.vm)
        with telling_refusals():
            _ACTIONS[arguments.vm_action](lab, vm.config, arguments)
    _print_vms(lab)
    return ExitCode.DONE


def choose_vm(lab: Lab, wanted: str) -> RegisteredVm:
    """Give the VM of this host by its .vmx, its folder's name or its display name.

    Raise UsageError when there is none, or more than one.
    """
    vms = read_registry(lab)
    path = Path(wanted).absolute()
    found = [vm for vm in vms if path.resolve() == vm.config]
    found = found or [vm for vm in vms if wanted in {vm.folder.name, _read_name(vm)}]
    if len(found) == 1:
        return found[0]
    names = ", ".join(escape(str(vm.config) if found else vm.folder.name) for vm in found or vms)
    raise UsageError(
        f"{'several VMs are' if found else 'no VM of this host is'} called {escape(wanted)!r}",
        next_step=f"{'name one by its path' if found else 'there are'}: {names or 'none'}",
    )


@contextlib.contextmanager
def telling_refusals() -> Iterator[None]:
    """Turn what the host refuses in the block into an error for the operator."""
    try:
        yield
    except HostFault as fault:
        raise HostError(f"the host refuses: {escape(str(fault))}") from fault


def _find_datastore(lab: Lab, wanted: str) -> Path:
    folder = lab.volumes / wanted
    if folder.resolve().parent != lab.volumes or not folder.is_dir():
        labels = sorted(path.name for path in lab.volumes.iterdir() if path.is_symlink())
        raise UsageError(
            f"there is no datastore {escape(wanted)!r}", next_step=f"take one of: {labels}"
        )
    return folder


def _read_name(vm: RegisteredVm) -> str:
    try:
        return read_vmx(vm).display_name or ""
    except (OSError, VmFileError):
        # A stale registration: the files are gone, or have moved.
        return ""


def _print_vms(lab: Lab) -> None:
    for vm in read_registry(lab):
        line = f"{vm.power:9} {vm.config}{_describe_snapshots(lab, vm)}"
        if vm.power == "stuck":
            line += f"  asks: {_describe_question(read_question(lab, vm))}"
        sys.stdout.write(f"{escape(line)}\n")


def _describe_snapshots(lab: Lab, vm: RegisteredVm) -> str:
    if not vm.config.exists():
        # A stale registration: another host has moved or deleted the VM.
        return ""
    try:
        names = ", ".join(find_open_snapshots(lab, vm))
    except (OSError, VmFileError) as error:
        return f"  not in order: {error}"
    return f"  snapshots: {names}" if names else ""


def _describe_question(question: Question) -> str:
    choices = (
        f"{choice.number} {choice.label}{' (default)' * (choice.number == question.default)}"
        for choice in question.choices
    )
    return f"{question.key}: {', '.join(choices)}"


_ACTIONS: dict[str, Callable[[Lab, Path, argparse.Namespace], object]] = {
    "snapshot": lambda lab, config, words: operate.take_snapshot(
        lab, config, words.name, words.description, words.quiesce, words.memory
    ),
    "delete-snapshot": lambda lab, config, words: operate.delete_snapshot(lab, config, words.name),
    "delete-all": lambda lab, config, _: operate.delete_all_snapshots(lab, config),
    "power": lambda lab, config, words: operate.change_power(lab, config, words.power),
    "answer": lambda lab, config, words: operate.answer_question(lab, config, words.choice),
    "rename": lambda lab, config, words: operate.rename_display(lab, config, words.name),
    "move": lambda lab, config, words: operate.move_to_datastore(
        lab, config, _find_datastore(lab, words.datastore)
    ),
    "unregister": lambda lab, config, _: operate.unregister(lab, config),
    "delete": lambda lab, config, _: operate.delete_vm(lab, config),
    "destroy": lambda lab, config, words: destroy_vm(lab, config, is_forced=words.force),
}
