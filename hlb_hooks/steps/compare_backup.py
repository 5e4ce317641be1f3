"""Which of the host's VMs are to be backed up, and why each: reads, and changes nothing."""

from dataclasses import dataclass

from hlb_hooks.base import clock
from hlb_hooks.base.config import Config
from hlb_hooks.base.errors import HlbError, VmFileError
from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.base.text import escape
from hlb_hooks.decisions import admission
from hlb_hooks.decisions.admission import Verdict
from hlb_hooks.decisions.selection import ListedVm
from hlb_hooks.decisions.targets import Target
from hlb_hooks.decisions.verdict import Tally
from hlb_hooks.effects import vm_files
from hlb_hooks.effects.datastore_labels import find_labels, list_aliases
from hlb_hooks.effects.vmware_cmd import VmwareCmd
from hlb_hooks.steps.choose import (
    Choice,
    choose,
    explain,
    explain_hold,
    read_wishes,
    read_zone_for,
)
from hlb_hooks.steps.context import Context
from hlb_hooks.steps.report import say_machine_line

_INDENT = 4
MANUAL_RUN = "compare"


@dataclass(frozen=True)
class CompareRequest:
    """What ``compare_backup`` is asked: the VMs of which job."""

    config: Config
    job: str


def run(context: Context, request: CompareRequest) -> ExitCode:
    """Show, by hand, what a run of the job would choose, with every VM it would not.

    Raise HlbError for a configuration, a targets file or a host that cannot be read.
    """
    config = request.config
    speaker = context.speaker
    wishes = read_wishes(config, request.job)
    host = context.effects.open_host(config, MANUAL_RUN)
    speaker.step("compare_backup")
    speaker.say("looking")
    vms = context.read_or_stop(lambda: list_vms(host.driver))
    choice = choose(context, config, request.job, vms, wishes)
    say_found(context, choice, request.job)
    for vm in choice.selection.not_named:
        speaker.line(f"{escape(vm.spoken_name)}: {speaker.phrase('not_named')}", indent=_INDENT)
    unfit = [vm for vm in choice.due if not _say_whether_fit(context, config, vm.vmx)]
    speaker.mark(is_ok=not unfit)
    for error in choice.errors:
        speaker.say("warning", text=error.message)
        speaker.say("next_step", text=error.next_step, indent=_INDENT)
    chosen = len(choice.due)
    tally = Tally(chosen=chosen, ready=chosen - len(unfit), failed=len(unfit), open=0)
    exit_code = ExitCode.NOT_PROTECTED if unfit else ExitCode.DONE
    say_machine_line(context, job=request.job, run="-", tally=tally, exit_code=exit_code)
    return exit_code


def list_vms(driver: VmwareCmd) -> list[ListedVm]:
    """Ask the host for its VMs and read each one's display name from its .vmx.

    A .vmx that cannot be read leaves its VM without one: its folder and path still name it.
    """
    vmxs = driver.list_vms()
    labels = find_labels(vmxs)
    return [_list_vm(vmx, list_aliases(vmx, labels)) for vmx in vmxs]


def say_found(context: Context, choice: Choice, job: str) -> None:
    """Say which VMs were found, by which line and whether due, and what the others came to."""
    speaker = context.speaker
    selection = choice.selection
    held = {vm.vmx: hold for vm, hold in choice.held}
    decided = {vm.vmx: vm for vm in (*choice.due, *choice.not_due)}
    zone = clock.read_time_zone() if held else read_zone_for(decided.values())
    for vm in selection.chosen:
        speaker.say("found", name=vm.name)
        _say_line(context, "found_because", vm.target)
        if vm.vmx in held:
            for sentence in explain_hold(held[vm.vmx], zone):
                speaker.line(context.speak(sentence), indent=_INDENT)
            continue
        for sentence in explain(decided[vm.vmx], job, zone):
            speaker.line(context.speak(sentence), indent=_INDENT)
    for vm in selection.excluded:
        _say_line(context, "excluded", vm.target, name=vm.name)
    for target in selection.unmatched:
        _say_line(context, "unmatched", target)
    if not selection.chosen:
        speaker.say("nothing_chosen")
    elif not choice.due:
        speaker.say("nothing_due")


def _say_line(context: Context, key: str, target: Target, **words: object) -> None:
    words |= {"line": target.line_number, "target": target.spoken_text}
    context.speaker.say(key, indent=_INDENT, **words)


def _say_whether_fit(context: Context, config: Config, vmx: str) -> bool:
    """Say what of a chosen VM's files speaks against a snapshot; True when nothing does."""
    speaker = context.speaker
    try:
        admitted = admission.admit_by_files(
            vm_files.read_vm(vmx), allow_linked_clones=config.snapshot.allow_linked_clones
        )
    except HlbError as error:
        speaker.line(f"{escape(vmx)} LEFT_OUT", indent=_INDENT)
        speaker.say("reason", text=error.message, indent=_INDENT)
        return False
    for note in admitted.notes:
        speaker.line(f"{escape(vmx)}:", indent=_INDENT)
        speaker.say("note", text=context.speak(note), indent=_INDENT)
    if admitted.verdict is not Verdict.LEFT_OUT or admitted.reason is None:
        return True
    speaker.line(f"{escape(vmx)} LEFT_OUT", indent=_INDENT)
    speaker.say("reason", text=context.speak(admitted.reason), indent=_INDENT)
    return False


def _list_vm(vmx: str, aliases: tuple[str, ...]) -> ListedVm:
    try:
        read = vm_files.read_vmx(vmx)
    except VmFileError:
        # If the VM is chosen all the same, the reason is said where its turn comes.
        return ListedVm(vmx, None, aliases, uuid=None)
    return ListedVm(vmx, read.display_name, aliases, read.uuid)
