"""All that is known here of one VM: where it is, what lies beside it, which runs have it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hlb_hooks.base import clock
from hlb_hooks.base.config import Config
from hlb_hooks.base.errors import HlbError, StoppedError, UsageError
from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.base.text import escape
from hlb_hooks.decisions.known_vms import SHOWN_BACKUPS, find_known, list_backups
from hlb_hooks.decisions.selection import ListedVm
from hlb_hooks.effects import twins, vm_files
from hlb_hooks.effects.bundle import HostEffects
from hlb_hooks.effects.found_runs import FoundRun
from hlb_hooks.effects.vm_files import VmFacts
from hlb_hooks.steps.compare_backup import list_vms
from hlb_hooks.steps.context import Context
from hlb_hooks.steps.overview import make_overview
from hlb_hooks.steps.own_runs import read_all_runs

_WHEREIS_RUN = "whereis"
_INDENT = 4


@dataclass(frozen=True)
class WhereisRequest:
    """Which VM; the configuration, and where state files may be."""

    config: Config
    state_dirs: tuple[str, ...]
    vm: str
    is_for_programs: bool


def run(context: Context, request: WhereisRequest) -> ExitCode:
    """Say all that is known of a VM.

    0; 1: a part of it could not be found out, which is said. Raise UsageError when nobody knows
    the VM.
    """
    troubles: list[HlbError] = []
    host = context.effects.open_host(request.config, _WHEREIS_RUN)
    listed: list[ListedVm] = []
    try:
        listed = context.read_or_stop(lambda: list_vms(host.driver))
    except StoppedError:
        raise
    except HlbError as error:
        troubles.append(error)
    read = read_all_runs(context, request.state_dirs)
    for _, found in read:
        troubles += found.errors
    runs = [entry for _, found in read for entry in found.runs]
    names = {vm.vmx: vm.name for vm in make_overview(found for _, found in read).wanted}
    for entry in runs:
        if not entry.is_ended:
            names |= {vm.vmx: vm.name for vm in entry.run.concerned_vms}
    paths = find_known(request.vm, listed, runs, names)
    if not paths and not troubles:
        raise UsageError(
            f"{escape(request.vm)}: no VM of this host, and no run has ever had one of that name",
            next_step="give its display name, its folder's name, or the path of its .vmx",
        )
    known = [_look(context, host, listed, runs, vmx) for vmx in paths]
    if request.is_for_programs:
        messages = [error.message for error in troubles]
        context.speaker.line(json.dumps({"version": 1, "vms": known, "unknown": messages}))
    else:
        for table in known:
            _say(context, table)
        for trouble in troubles:
            context.speaker.say("warning", text=trouble.message)
    return ExitCode.NOT_PROTECTED if troubles else ExitCode.DONE


def _look(
    context: Context,
    host: HostEffects,
    listed: Sequence[ListedVm],
    runs: Sequence[FoundRun],
    vmx: str,
) -> dict[str, Any]:
    """Gather what is known of the VM at ``vmx``: texts, numbers and lists, as JSON has them."""
    table: dict[str, Any] = {"vmx": vmx, "registered": vmx in {vm.vmx for vm in listed}}
    if table["registered"]:
        try:
            state = context.read_or_stop(lambda: host.driver.read_power_state(vmx))
            table["power"] = state.value
        except StoppedError:
            raise
        except HlbError as error:
            table["power"] = error.message
    try:
        table |= _describe_files(vm_files.read_vm(vmx))
    except HlbError as error:
        table |= {"files": [], "snapshots": [], "claim": None, "trouble": error.message}
    table["elsewhere"] = list(twins.find_twins(vmx))
    table["open"] = [
        {"run": entry.name, "snapshot": attempt.snapshot}
        for entry in runs
        if not entry.is_ended
        for vm in entry.run.open_vms
        if vmx in {vm.vmx, vm.place}
        for attempt in vm.unsettled_attempts
    ]
    table["backups"] = [
        {
            "run": backup.run,
            "job": backup.job,
            "begun": clock.format_utc(backup.begun),
            "read": backup.is_read,
        }
        for backup in list_backups(vmx, runs)
    ]
    return table


def _describe_files(facts: VmFacts) -> dict[str, Any]:
    claim = facts.claim
    refreshed = claim.refreshed if claim else None
    return {
        "name": facts.name,
        "uuid": facts.vmx.uuid,
        "files": [path for disk in facts.disks for path in disk.chain.base.extent_paths],
        "snapshots": list(facts.snapshot_names),
        "claim": claim
        and {
            "run": claim.run,
            "host": claim.host,
            "refreshed": clock.format_utc(refreshed) if refreshed else "",
        },
        "trouble": "",
    }


def _say(context: Context, table: dict[str, Any]) -> None:
    speaker = context.speaker
    speaker.line(escape(table["vmx"]))
    if table["registered"]:
        speaker.say("whereis_registered", power=table["power"], indent=_INDENT)
    else:
        speaker.say("whereis_not_registered", indent=_INDENT)
    if table["trouble"]:
        speaker.say("warning", text=table["trouble"], indent=_INDENT)
    for path in table["files"]:
        speaker.say("whereis_disk", path=path, indent=_INDENT)
    for name in table["snapshots"]:
        speaker.say("whereis_snapshot", name=name, indent=_INDENT)
    if table["claim"]:
        speaker.say("whereis_claim", indent=_INDENT, **table["claim"])
    for path in table["elsewhere"]:
        speaker.say("whereis_elsewhere", path=path, indent=_INDENT)
    for each in table["open"]:
        speaker.say("whereis_open", indent=_INDENT, **each)
    _say_backups(context, table)


def _say_backups(context: Context, table: dict[str, Any]) -> None:
    speaker = context.speaker
    for backup in table["backups"][:SHOWN_BACKUPS]:
        key = "whereis_backup" if backup["read"] else "whereis_perhaps"
        words = {word: backup[word] for word in ("run", "job", "begun")}
        speaker.say(key, indent=_INDENT, **words)
    more = len(table["backups"]) - SHOWN_BACKUPS
    if more > 0:
        speaker.say("whereis_more", count=more, indent=_INDENT)
    if not table["backups"]:
        speaker.say("whereis_no_backup", indent=_INDENT)
