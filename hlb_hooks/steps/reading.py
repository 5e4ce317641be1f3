"""What became of the reading: the owner's log, once the owner is gone."""

from hlb_hooks.base.text import escape
from hlb_hooks.decisions.owner_log import LogVerdict, read_verdict
from hlb_hooks.decisions.phrase import Phrase, phrase
from hlb_hooks.effects.datastore_labels import find_labels, list_aliases
from hlb_hooks.effects.journal import Journal
from hlb_hooks.effects.owner import ProcessOwner
from hlb_hooks.effects.owner_log import OwnerLog, read_lines
from hlb_hooks.effects.records import Flag
from hlb_hooks.effects.vm_story import VmStory
from hlb_hooks.steps.context import Context


def note_reading(context: Context, journal: Journal) -> None:
    """Give every VM that was ready ``OK_read`` or ``FAILED_read``, by the owner's log.

    A log that is gone says nothing, so the VMs get neither flag. The caller holds the run's lock.
    """
    owner = journal.run.owner
    if not isinstance(owner, ProcessOwner) or owner.log is None:
        raise AssertionError("only a run whose owner has a log awaits its verdict")
    log = owner.log
    vms = [vm for vm in journal.run.chosen if vm.is_ready]
    labels = find_labels(path for vm in vms for disk in vm.base_disks for path in disk.files)
    names = {vm.vmx: _list_names(vm, labels) for vm in vms}
    try:
        verdict = read_verdict(read_lines(log), frozenset().union(*names.values()))
    except OSError as error:
        why = phrase("log_unreadable", path=log.path, text=error.strerror or str(error))
        context.log.error("log_unreadable", path=log.path, why=str(error))
        journal.note(Flag.VERDICT, why=context.speak(why))
        return
    for vm in vms:
        failure = _find_failure(log, verdict, names[vm.vmx])
        if failure is None:
            journal.note(Flag.OK_READ, vm.vmx)
        else:
            context.note(journal, Flag.FAILED_READ, vm, failure, phrase("back_up_again"))
        context.log.info("vm_read", vm=vm.vmx, is_ok=failure is None)
    # Last: killed before it, the next one reads the log again and comes to the same.
    journal.note(Flag.VERDICT, said=verdict.last_word)


def _find_failure(log: OwnerLog, verdict: LogVerdict, names: frozenset[str]) -> Phrase | None:
    if complaint := verdict.find_complaint(names):
        return phrase("client_complained", text=complaint)
    if verdict.is_completed:
        return None
    if verdict.last_word:
        return phrase("client_failed", text=verdict.last_word)
    return phrase("client_has_no_verdict", path=log.path)


def _list_names(vm: VmStory, labels: dict[str, list[str]]) -> frozenset[str]:
    """Give the names by which a log may speak of a VM's disks.

    A dataset may have the datastore's label; and whether a client writes bytes that are not
    printable as they are or escaped is not known.
    """
    files = {path for disk in vm.base_disks for path in disk.files}
    paths = files | {alias for path in files for alias in list_aliases(path, labels)}
    return frozenset(paths | {escape(path) for path in paths})
