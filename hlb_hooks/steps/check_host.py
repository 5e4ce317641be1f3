"""What a check asks the host, and what the chosen VMs' files say: reads alone."""

from collections.abc import Iterable, Sequence

from hlb_hooks.base.config import Config
from hlb_hooks.base.errors import HlbError, StoppedError
from hlb_hooks.base.text import escape
from hlb_hooks.base.trusted_files import check_trusted
from hlb_hooks.decisions.check_places import check_space
from hlb_hooks.decisions.findings import Area, Finding, Severity, from_error, good
from hlb_hooks.decisions.phrase import phrase
from hlb_hooks.decisions.policy import decide_policies
from hlb_hooks.decisions.selection import ListedVm, MatchedVm, select
from hlb_hooks.effects import vm_files
from hlb_hooks.effects.disk_space import read_disk_space
from hlb_hooks.effects.vmware_cmd import VmwareCmd
from hlb_hooks.steps.choose import read_wishes
from hlb_hooks.steps.compare_backup import list_vms
from hlb_hooks.steps.context import Context

_CHECK_RUN = "check"


def check_host(context: Context, config: Config) -> list[Finding]:
    """Ask the host for its VMs, and look at those that the jobs choose."""
    host = context.effects.open_host(config, _CHECK_RUN)
    try:
        # What others may have written is not run for a mere check.
        check_trusted(config.host.vmware_cmd, "program")
        vms = context.read_or_stop(lambda: list_vms(host.driver))
    except StoppedError:
        raise
    except HlbError as error:
        remedy = phrase("try_program", program=config.host.vmware_cmd)
        return [from_error(Area.HOST, error, remedy=remedy), *_check_wishes(config)]
    findings = _check_dialect(context, host.driver, vms)
    chosen: dict[str, MatchedVm] = {}
    for job in sorted(config.jobs):
        try:
            wishes = read_wishes(config, job)
            found = select(vms, wishes.targets).chosen
            decide_policies(found, wishes.rows, vms, config.job(job))
        except HlbError as error:
            findings.append(from_error(Area.CONFIGURATION, error))
            continue
        if not found:
            what, step = phrase("job_without_vms", job=job), phrase("look_at_targets", job=job)
            findings.append(Finding(Area.BACKUPS, Severity.WARNING, what, step))
        chosen |= {vm.vmx: vm for vm in found}
    return [*findings, *_check_vms(config, chosen)]


def _check_wishes(config: Config) -> Iterable[Finding]:
    """Read what the operator wrote, where the host does not say what it means."""
    for job in sorted(config.jobs):
        try:
            read_wishes(config, job)
        except HlbError as error:
            yield from_error(Area.CONFIGURATION, error)


def _check_dialect(context: Context, driver: VmwareCmd, vms: Sequence[ListedVm]) -> list[Finding]:
    """Ask one VM for its state: the list alone says little of how the host's tools speak."""
    program, count = driver.program, len(vms)
    if not vms:
        return [good(Area.HOST, phrase("host_empty", program=program))]
    vmx = vms[0].vmx
    try:
        state = context.read_or_stop(lambda: driver.read_power_state(vmx))
        context.read_or_stop(lambda: driver.read_has_snapshot(vmx))
    except StoppedError:
        raise
    except HlbError as error:
        return [from_error(Area.HOST, error, remedy=phrase("try_program", program=program))]
    words = {"program": program, "count": count, "vmx": vmx, "state": state.value}
    return [good(Area.HOST, phrase("host_good", **words))]


def _check_vms(config: Config, chosen: dict[str, MatchedVm]) -> list[Finding]:
    """Read the chosen VMs' files, and look at the room where their deltas will be."""
    findings = []
    datastores: dict[str, None] = {}
    for vmx in chosen:
        try:
            facts = vm_files.read_vm(vmx)
        except HlbError as error:
            findings.append(from_error(Area.BACKUPS, error, Severity.WARNING))
            continue
        datastores |= dict.fromkeys(vm_files.datastore_of(f"{path}/") for path in facts.folders)
    rooms = {escape(name): read_disk_space(name) for name in datastores}
    return [*findings, *check_space(rooms, config.snapshot)]
