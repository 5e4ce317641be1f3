"""All that is known here of one VM: where it is, what lies beside it, which runs have it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hlb_hooks.base import clock
from hlb_hooks.base.config import Config
from hlb_hooks.base.errors import HlbError, StoppedError, UsageError
from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.base.text import escape
from hlb_hooks.decisions.known_vms import SHOWN_BACKUPS, find_known, list_backups
from hlb_hooks.decisions.selection import ListedVm
from hlb_hooks.decisions.views.documents import VERSION, ProblemView, WhereisDocument
from hlb_hooks.decisions.views.vm_view import (
    BackupView,
    ClaimView,
    FilesView,
    KnownVm,
    OpenSnapshotView,
)
from hlb_hooks.effects import twins, vm_files
from hlb_hooks.effects.bundle import HostEffects
from hlb_hooks.effects.claims import Claim
from hlb_hooks.effects.found_runs import FoundRun
from hlb_hooks.effects.vm_files import VmFacts
from hlb_hooks.steps.compare_backup import list_vms
from hlb_hooks.steps.context import Context
from hlb_hooks.steps.desk.delivery import Form, Wanted, deliver_data
from hlb_hooks.steps.desk.json_form import write_json
from hlb_hooks.steps.desk.words import Voice
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
        problems = tuple(ProblemView(error.message, error.next_step) for error in troubles)
        now = clock.read_utc_now()
        document = WhereisDocument("hlb-whereis", VERSION, now, problems, tuple(known))
        deliver_data(context, Wanted(Form.JSON), write_json(document))
    else:
        for vm in known:
            _say(context, vm)
        for trouble in troubles:
            context.speaker.say("warning", text=trouble.message)
    return ExitCode.NOT_PROTECTED if troubles else ExitCode.DONE


def _look(
    context: Context,
    host: HostEffects,
    listed: Sequence[ListedVm],
    runs: Sequence[FoundRun],
    vmx: str,
) -> KnownVm:
    """Gather what is known of the VM at ``vmx``."""
    is_registered = vmx in {vm.vmx for vm in listed}
    files: FilesView | None = None
    trouble: str | None = None
    try:
        files = _view_files(vm_files.read_vm(vmx))
    except HlbError as error:
        trouble = error.message
    return KnownVm(
        vmx=escape(vmx),
        is_registered=is_registered,
        power=_read_power(context, host, vmx) if is_registered else None,
        files=files,
        trouble=trouble,
        elsewhere=tuple(map(escape, twins.find_twins(vmx))),
        open=tuple(
            OpenSnapshotView(entry.name, escape(attempt.snapshot))
            for entry in runs
            if not entry.is_ended
            for vm in entry.run.open_vms
            if vmx in {vm.vmx, vm.place}
            for attempt in vm.unsettled_attempts
        ),
        backups=tuple(
            BackupView(backup.run, backup.job, backup.begun, backup.is_read)
            for backup in list_backups(vmx, runs)
        ),
    )


def _read_power(context: Context, host: HostEffects, vmx: str) -> str:
    try:
        return context.read_or_stop(lambda: host.driver.read_power_state(vmx)).value
    except StoppedError:
        raise
    except HlbError as error:
        return error.message


def _view_files(facts: VmFacts) -> FilesView:
    claim = facts.claim
    paths = [path for disk in facts.disks for path in disk.chain.base.extent_paths]
    return FilesView(
        name=escape(facts.name) or None,
        uuid=escape(facts.vmx.uuid) or None,
        disks=tuple(map(escape, paths)),
        snapshots=tuple(map(escape, facts.snapshot_names)),
        claim=_view_claim(claim) if claim else None,
    )


def _view_claim(claim: Claim) -> ClaimView:
    return ClaimView(escape(claim.run), escape(claim.host), claim.refreshed)


def _say(context: Context, vm: KnownVm) -> None:
    voice, lines = context.speaker, []
    if vm.is_registered:
        lines.append(voice.phrase("whereis_registered", text=vm.power))
    else:
        lines.append(voice.phrase("whereis_not_registered"))
    if vm.trouble:
        lines.append(voice.phrase("warning", text=vm.trouble))
    if vm.files:
        lines += [voice.phrase("whereis_disk", text=path) for path in vm.files.disks]
        lines += [voice.phrase("whereis_snapshot", text=name) for name in vm.files.snapshots]
    if vm.files and vm.files.claim:
        lines.append(_tell_claim(vm.files.claim, voice))
    lines += [voice.phrase("whereis_elsewhere", text=path) for path in vm.elsewhere]
    lines += [
        voice.phrase("whereis_open", run=each.run, snapshot=each.snapshot) for each in vm.open
    ]
    lines += _tell_backups(vm, voice)
    voice.line(vm.vmx)
    for line in lines:
        voice.line(line, indent=_INDENT)


def _tell_claim(claim: ClaimView, voice: Voice) -> str:
    refreshed = clock.format_utc(claim.refreshed) if claim.refreshed else ""
    return voice.phrase("whereis_claim", run=claim.run, host=claim.host, refreshed=refreshed)


def _tell_backups(vm: KnownVm, voice: Voice) -> Iterator[str]:
    for backup in vm.backups[:SHOWN_BACKUPS]:
        key = "whereis_backup" if backup.is_read else "whereis_perhaps"
        begun = clock.format_utc(backup.begun)
        yield voice.phrase(key, run=backup.run, job=backup.job, begun=begun)
    more = len(vm.backups) - SHOWN_BACKUPS
    if more > 0:
        yield voice.phrase("whereis_more", count=more)
    if not vm.backups:
        yield voice.phrase("whereis_no_backup")
