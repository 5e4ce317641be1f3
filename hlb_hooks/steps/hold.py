"""An operator's wish that a VM be left alone until it is released: ``hlb hold``."""

from dataclasses import dataclass, field

from hlb_hooks.base import clock
from hlb_hooks.base.config import Config
from hlb_hooks.base.errors import UsageError
from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.base.text import escape
from hlb_hooks.decisions.selection import Inventory, ListedVm
from hlb_hooks.decisions.views.documents import VERSION, HoldsDocument
from hlb_hooks.decisions.views.holds_view import view_holds
from hlb_hooks.effects.holds import Hold
from hlb_hooks.effects.run_store import RunStore
from hlb_hooks.steps.choose import explain_hold
from hlb_hooks.steps.compare_backup import list_vms
from hlb_hooks.steps.context import Context
from hlb_hooks.steps.desk.delivery import Form, Wanted, deliver_data, deliver_lines
from hlb_hooks.steps.desk.json_form import write_json
from hlb_hooks.steps.desk.lines import INDENT, Line

_HOLD_RUN = "hold"


@dataclass(frozen=True)
class HoldRequest:
    """Which VM, by name or path; "": show what is held, as wanted. ``who`` asks, and ``why``."""

    config: Config
    vm: str
    who: str
    why: str
    is_release: bool
    wanted: Wanted = field(default_factory=Wanted)


def run(context: Context, request: HoldRequest) -> ExitCode:
    """Hold a VM, release it, or show what is held. Raise HlbError; then nothing has changed."""
    store = context.effects.open_store(request.config.paths.state_dir)
    if not request.vm:
        return _show(context, store, request.wanted)
    if request.is_release:
        return _release(context, store, request)
    host = context.effects.open_host(request.config, _HOLD_RUN)
    vm = _find_vm(context.read_or_stop(lambda: list_vms(host.driver)), request.vm)
    hold = Hold(vm.vmx, vm.spoken_name, request.who, clock.read_utc_now(), request.why)
    with store.beginning(request.config.run.lock_timeout_seconds):
        others = [each for each in store.read_holds() if each.vmx != vm.vmx]
        store.save_holds([*others, hold])
    context.speaker.say("held", name=vm.spoken_name, vmx=vm.vmx)
    _say_what_goes_on(context, store, vm.vmx)
    return ExitCode.DONE


def _release(context: Context, store: RunStore, request: HoldRequest) -> ExitCode:
    """Release by what was written down: the VM may be anywhere by now."""
    with store.beginning(request.config.run.lock_timeout_seconds):
        holds = store.read_holds()
        named = [hold for hold in holds if not hold.is_drain and _is_meant(hold, request.vm)]
        if len(named) != 1:
            names = ", ".join(escape(hold.vmx) for hold in (named or holds) if hold.vmx) or "none"
            raise UsageError(
                f"{escape(request.vm)} means {len(named)} of the VMs that are held",
                next_step=f"name one of these: {names}",
            )
        store.save_holds([hold for hold in holds if hold != named[0]])
    context.speaker.say("released", name=named[0].name, vmx=named[0].vmx)
    return ExitCode.DONE


def _show(context: Context, store: RunStore, wanted: Wanted) -> ExitCode:
    holds = store.read_holds()
    if wanted.form is Form.JSON:
        now = clock.read_utc_now()
        document = HoldsDocument("hlb-holds", VERSION, now, view_holds(holds))
        deliver_data(context, wanted, write_json(document))
        return ExitCode.DONE
    zone, lines = clock.read_time_zone(), []
    for hold in holds:
        place = escape(hold.vmx) if hold.vmx else context.speaker.phrase("whole_host")
        lines += [Line(place), Line(context.speak(explain_hold(hold, zone)[0]), INDENT)]
    lines = lines or [Line(context.speaker.phrase("nothing_held"))]
    deliver_lines(context, wanted, lines)
    return ExitCode.DONE


def _say_what_goes_on(context: Context, store: RunStore, vmx: str) -> None:
    """Say what a run has in hand already: it is not called back, and its snapshot is removed."""
    for entry in store.find_runs().runs:
        if not entry.is_ended and vmx in {vm.vmx for vm in entry.run.concerned_vms}:
            context.speaker.say("hold_and_run", run=entry.name, indent=INDENT)


def _find_vm(vms: list[ListedVm], text: str) -> ListedVm:
    found = Inventory(vms).find_exactly(text)
    if len(found) != 1:
        paths = ", ".join(map(escape, found)) or "none"
        raise UsageError(
            f"{escape(text)} means {len(found)} VMs of this host: {paths}",
            next_step="give its path as vmware-cmd -l prints it",
        )
    return next(vm for vm in vms if vm.vmx == found[0])


def _is_meant(hold: Hold, text: str) -> bool:
    folder = hold.vmx.rpartition("/")[0].rpartition("/")[2]
    return text in {hold.vmx, escape(hold.vmx), hold.name, escape(hold.name), folder}
