"""Making a VM of the files that a backup client has put back."""

import posixpath
from dataclasses import dataclass

from hlb_hooks.base.config import Config
from hlb_hooks.base.errors import (
    ConfigurationError,
    HlbError,
    HostError,
    StoppedError,
    UsageError,
    VmFileError,
)
from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.base.text import escape
from hlb_hooks.decisions.restore.checks import find_earlier_wish
from hlb_hooks.decisions.restore.config import UUID_ACTION
from hlb_hooks.decisions.restore.options import RestoreOptions
from hlb_hooks.decisions.restore.plan import RestorePlan, RestoreRefusedError, plan_restore
from hlb_hooks.effects.bundle import HostEffects
from hlb_hooks.effects.host_vms import OtherVm, read_other_vms
from hlb_hooks.effects.restore_work import hold_folder
from hlb_hooks.effects.restored_folder import KEPT_FOLDER, RestoredFolder, read_restored_folder
from hlb_hooks.effects.vmware_answers import PowerState
from hlb_hooks.steps.context import Context
from hlb_hooks.steps.power_on import VmAtHost
from hlb_hooks.vmfiles.vmx import Vmx

_INDENT = 4
_RUNNING = {PowerState.ON, PowerState.STUCK}


@dataclass(frozen=True)
class RestoreRequest:
    """Which folder, which configuration in it if it has several, and what shall come of it."""

    config: Config
    folder: str
    vmx: str | None
    options: RestoreOptions
    is_to_register: bool
    is_to_start: bool


def run(context: Context, request: RestoreRequest) -> ExitCode:
    """Check everything, say what changes, change it, and register and start the VM as asked.

    0: everything asked for was done; 1: it was not, and why is said. What is killed on the way is
    finished by the same command. Raise UsageError, VmFileError, NotNowError, HostError, and
    StoppedError where a signal came while the host was at work.
    """
    host = context.effects.open_host(request.config, "restore")
    with hold_folder(request.folder):
        others = _list_others(context, host, request)
        folder = read_restored_folder(
            request.folder, request.vmx, request.options.placed_disks.values()
        )
        vm = VmAtHost(context, host, folder.config_path, request.config.host.power_timeout_seconds)
        mine = next((each for each in others or () if each.vmx == folder.config_path), None)
        if mine is not None:
            state = host.driver.read_power_state(mine.listed)
            if state in _RUNNING:
                return _finish_running(context, request, folder, vm, state)
        if request.is_to_start and mine is None and not request.is_to_register:
            raise UsageError(
                f"{escape(folder.config_path)} is not registered on this host",
                next_step="say --register too",
            )
        try:
            plan = plan_restore(folder, others, request.options)
        except RestoreRefusedError as error:
            return _refuse(context, error)
        _say_plan(context, folder, plan)
        _apply(context, folder, plan)
        try:
            return _bring_to_life(context, request, vm, plan, is_registered=mine is not None)
        except StoppedError as error:
            raise StoppedError(
                error.signal_name,
                done="the VM's files are ready, and the host may still be at work on it",
                next_step="run the same command again: it goes on where it stopped",
            ) from error


def _list_others(
    context: Context, host: HostEffects, request: RestoreRequest
) -> tuple[OtherVm, ...] | None:
    """Give the VMs of this host. None, and said, where it has no answer and none is needed."""
    try:
        return context.read_or_stop(lambda: read_other_vms(host.driver))
    except (HostError, ConfigurationError) as error:
        if request.is_to_register or request.is_to_start:
            raise
        context.speaker.say("restore_host_unknown", text=error.message)
        return None


def _refuse(context: Context, error: RestoreRefusedError) -> ExitCode:
    speaker = context.speaker
    speaker.say("error", text=error.message)
    for reason in error.reasons:
        speaker.line(reason.message, indent=_INDENT)
        if reason.next_step:
            speaker.say("next_step", text=reason.next_step, indent=2 * _INDENT)
    return ExitCode.NOT_PROTECTED


def _say_plan(context: Context, folder: RestoredFolder, plan: RestorePlan) -> None:
    speaker = context.speaker
    speaker.say("restore_of", name=plan.name, folder=folder.path)
    if not plan.texts and not plan.aside:
        speaker.say("restore_no_change")
    elif plan.notes:
        speaker.say("restore_changes")
        for note in plan.notes:
            speaker.line(context.speak(note), indent=_INDENT)


def _apply(context: Context, folder: RestoredFolder, plan: RestorePlan) -> None:
    """Change the files. The configuration goes first: what is put aside it does not name any more.

    Killed in between, everything that the plan was made from is still there, or done.
    """
    speaker = context.speaker
    work = context.effects.open_restore()
    for text in plan.texts:
        work.replace(text.path, text.old, text.new)
        speaker.deed("restore_new_text", path=folder.shorten(text.path))
    for path in plan.aside:
        work.put_aside(path)
        speaker.deed("restore_aside", path=folder.shorten(path))
    if plan.texts or plan.aside:
        speaker.deed("restore_kept", folder=KEPT_FOLDER)


def _bring_to_life(
    context: Context,
    request: RestoreRequest,
    vm: VmAtHost,
    plan: RestorePlan,
    *,
    is_registered: bool,
) -> ExitCode:
    speaker = context.speaker
    if is_registered:
        speaker.say("restore_is_registered")
    elif request.is_to_register:
        vm.register()
        speaker.deed("restore_registered", path=plan.config_path)
    if not request.is_to_start:
        is_there = is_registered or request.is_to_register
        speaker.say("restore_next_start" if is_there else "restore_next_register")
        return ExitCode.DONE
    vm.start(plan.uuid)
    speaker.deed("restore_started")
    if context.effects.may_change:
        folder = read_restored_folder(posixpath.dirname(plan.config_path), request.vmx)
        _take_out_uuid_action(context, folder)
    return ExitCode.DONE


def _finish_running(
    context: Context,
    request: RestoreRequest,
    folder: RestoredFolder,
    vm: VmAtHost,
    state: PowerState,
) -> ExitCode:
    """Answer if it still asks, and take out what only the first start needed.

    Whatever else runs there is left alone.
    """
    if folder.kept_config is None:
        raise VmFileError(
            f"{escape(folder.config_path)} is registered and runs: there is nothing to restore",
            next_step="shut the VM down if it shall become what was put back",
        )
    if state is PowerState.STUCK:
        uuid = request.options.uuid or find_earlier_wish(folder)
        if uuid is None or not request.is_to_start:
            raise HostError(
                f"{escape(folder.config_path)} waits for an answer",
                next_step="answer it by hand, or say --power-on, and --uuid create or keep",
            )
        vm.start(uuid)
        folder = read_restored_folder(folder.path, request.vmx)
    context.speaker.say("restore_runs")
    _take_out_uuid_action(context, folder)
    return ExitCode.DONE


def _take_out_uuid_action(context: Context, folder: RestoredFolder) -> None:
    """Give ``uuid.action`` the value it had in the backup, mostly none, once the VM has started.

    The host has the configuration in its memory and may write it anew: then it comes back, which
    does no harm until the VM is moved or copied.
    """
    data = folder.config_data
    if data is None or folder.kept_config is None:
        return  # nothing in it is from here
    vmx = Vmx.parse(data, folder.config_path)
    before = Vmx.parse(folder.kept_config, folder.config_path).get(UUID_ACTION)
    if vmx.get(UUID_ACTION) == before:
        return
    if before is None:
        vmx.remove(UUID_ACTION)
    else:
        vmx.set(UUID_ACTION, before)
    try:
        context.effects.open_restore().edit(folder.config_path, data, vmx.to_bytes())
    except HlbError as error:
        context.speaker.say("restore_uuid_action_stays", message=error.message)
        return
    context.speaker.deed("restore_uuid_action_gone")
