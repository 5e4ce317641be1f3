"""The report: chosen VMs only, failures first, a line each; then one line for machines."""

from collections.abc import Iterable

from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.base.names import JOB_NAME
from hlb_hooks.base.text import escape
from hlb_hooks.decisions.verdict import Tally, rank_in_report
from hlb_hooks.effects.run_story import Run
from hlb_hooks.effects.vm_story import VmStory
from hlb_hooks.steps.context import Context

_INDENT = 4


def say_report(context: Context, vms: Iterable[VmStory]) -> None:
    """Say ``**REPORT**`` and a line for each of ``vms``: what failed first, not due last."""
    speaker = context.speaker
    speaker.say("report")
    # sorted is stable: within a group the host's own order stays.
    for vm in sorted(vms, key=rank_in_report):
        speaker.verdict(" ".join((escape(vm.vmx), *vm.reported_flags)))
        for trouble in vm.current_troubles:
            speaker.say("reason", text=trouble.reason, indent=_INDENT)
            if trouble.next_step:
                speaker.say("next_step", text=trouble.next_step, indent=_INDENT)
        for note in vm.notes:
            speaker.say("note", text=note, indent=_INDENT)


def say_machine_line(
    context: Context, *, job: str, run: str, tally: Tally, exit_code: ExitCode
) -> None:
    """Say the last line of every hook, in any language the same."""
    shown_job = job if JOB_NAME.fullmatch(job) else "-"
    context.speaker.line(
        f"HLB job={shown_job} run={run} chosen={tally.chosen} ready={tally.ready} "
        f"failed={tally.failed} open={tally.open} exit={int(exit_code)}"
    )
    context.log.info(
        "hook_ended",
        run=run,
        chosen=tally.chosen,
        ready=tally.ready,
        failed=tally.failed,
        open=tally.open,
        exit=int(exit_code),
    )


def say_unwritten(context: Context, unwritten: list[str]) -> None:
    """Say, once, that the state file did not take everything."""
    for text in dict.fromkeys(unwritten):
        context.speaker.say("unwritten", text=text)


def say_who_removes(context: Context, run: Run, *, is_guard_alive: bool) -> None:
    """Say what becomes of the snapshots that are still open when a hook is over."""
    count = len(run.open_vms)
    if not count:
        return
    if is_guard_alive and run.guard is not None:
        context.speaker.deed("handed_to_guard", count=count, pid=run.guard.pid)
    else:
        context.speaker.deed("open_without_guard", count=count, run=run.name)
