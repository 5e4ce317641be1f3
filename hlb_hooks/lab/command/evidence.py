"""``hlb lab instants`` and ``compare``: what a VM's disks held at a snapshot, and hold now."""

import argparse
import sys
from pathlib import Path

from hlb_hooks.base.errors import UsageError, VmFileError
from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.base.text import escape
from hlb_hooks.lab.command.vms import choose_vm
from hlb_hooks.lab.evidence import Instant, compare_disks, list_all_instants
from hlb_hooks.lab.host.registry import RegisteredVm
from hlb_hooks.lab.layout import Lab, open_lab


def add_evidence_parsers(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``instants`` and ``compare`` to the actions of ``hlb lab``."""
    instants = actions.add_parser("instants", help="what the disks held at each snapshot")
    instants.add_argument("folder", metavar="DIR", type=Path)
    instants.add_argument("vm", metavar="VM", nargs="?", help="folder's name or .vmx; else all")
    instants.set_defaults(run=run_instants)
    compare = actions.add_parser("compare", help="whether a VM's disks hold what they held then")
    compare.add_argument("folder", metavar="DIR", type=Path)
    compare.add_argument("vm", metavar="VM", help="display name, folder's name, or any .vmx")
    compare.add_argument("--snapshot", metavar="NAME", help="which; else the newest of the VM")
    compare.add_argument("--was", metavar="VM", help="what was backed up, if it lay elsewhere")
    compare.set_defaults(run=run_compare)


def run_instants(arguments: argparse.Namespace) -> int:
    """Print a line a disk for each snapshot the host ever made; give the exit code.

    Of VMs that are lost, too. Raise UsageError when there is none of the VM.
    """
    lab = open_lab(str(arguments.folder))
    instants = list_all_instants(lab)
    for instant in instants if arguments.vm is None else _choose_instants(lab, arguments.vm):
        for disk in instant.disks:
            cover = "" if disk.is_covered else "  not covered"
            line = f"{instant.snapshot}  {disk.node}  sha256 {disk.sha256}  {disk.data_files[-1]}"
            sys.stdout.write(f"{escape(line + cover)}\n")
    return ExitCode.DONE


def run_compare(arguments: argparse.Namespace) -> int:
    """Compare each disk with what it held at a snapshot; give 0, or 1 if one differs.

    A VM that no host knows yet is named by its .vmx. Raise UsageError when there is no such VM or
    snapshot, VmFileError when the VM's files are not in order.
    """
    lab = open_lab(str(arguments.folder))
    config = Path(arguments.vm).resolve()
    vm = RegisteredVm(config, "off") if config.is_file() else choose_vm(lab, arguments.vm)
    instants = _choose_instants(lab, arguments.was or str(vm.config))
    found = [each for each in instants if arguments.snapshot in (None, each.snapshot)]
    if not found:
        names = ", ".join(escape(each.snapshot) for each in instants)
        raise UsageError(
            f"the host made no snapshot {escape(arguments.snapshot)!r} of that VM",
            next_step=f"there are: {names}",
        )
    instant = found[-1]
    try:
        verdicts = compare_disks(lab, vm, instant)
    except OSError as error:
        raise VmFileError(
            f"a disk of {escape(str(vm.config))} cannot be read: {escape(str(error))}",
            next_step="if it came back from a backup, let hlb restore mend it first",
        ) from error
    for node, verdict in verdicts.items():
        sys.stdout.write(f"{node}  {verdict.value} {escape(instant.snapshot)}\n")
    return ExitCode.DONE if all(each.is_fine for each in verdicts.values()) else 1


def _choose_instants(lab: Lab, wanted: str) -> list[Instant]:
    """Give the instants of one VM, the newest last. Raise UsageError without any."""
    instants = list_all_instants(lab)
    path = Path(wanted).resolve()
    found = [each for each in instants if each.config == path]
    found = found or [each for each in instants if each.config.parent.name == wanted]
    configs = {each.config for each in found or instants}
    if len(configs) == 1 and found:
        return found
    names = ", ".join(sorted(escape(str(config)) for config in configs))
    what = "more than one VM is called" if found else "the host made no snapshot of"
    raise UsageError(f"{what} {escape(wanted)!r}", next_step=f"it made some of: {names or 'none'}")
