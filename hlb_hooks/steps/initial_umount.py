"""The end hook: settle the runs of one's own owner, and carry the verdict."""

from dataclasses import dataclass

from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.decisions.verdict import NOTHING
from hlb_hooks.steps import report
from hlb_hooks.steps.context import Context
from hlb_hooks.steps.ending import Ending, end_run, pick_worst
from hlb_hooks.steps.own_runs import gather_own_runs
from hlb_hooks.steps.whose import OwnerOptions, caller_of, is_restore


@dataclass(frozen=True)
class EndRequest:
    """What ``initial_umount`` is asked, and where the state files may be.

    ``state_dirs`` are several when hlb.toml could not be read; ``trouble`` says why.
    """

    state_dirs: tuple[str, ...]
    job: str
    owner: OwnerOptions
    run_name: str | None
    trouble: str = ""


def run(context: Context, request: EndRequest) -> ExitCode:
    """Settle every run of the caller's owner, or the one named. Raise HlbError."""
    speaker = context.speaker
    speaker.step("initial_umount")
    own = gather_own_runs(
        context, request.state_dirs, request.run_name, request.owner, request.trouble
    )
    client = own.owner if request.run_name is None else None
    if client is not None and is_restore(context, client, request.job):
        return ExitCode.DONE
    open_runs = [(store, entry) for store, entry in own.runs if not entry.is_ended]
    # Nothing open: then the last one is reported once more, for the verdict it had.
    wanted = open_runs or own.runs[-1:]
    if not wanted:
        speaker.say("no_run_of_owner", owner=own.owner.describe() if own.owner else "-")
        exit_code = ExitCode.NOT_PROTECTED if own.is_damaged else ExitCode.DONE
        if request.trouble:
            # Where the state files are may be among what cannot be read: this is not "all done".
            exit_code = ExitCode.USAGE
        report.say_machine_line(
            context, job=request.job, run="-", tally=NOTHING, exit_code=exit_code
        )
        return exit_code
    ending = Ending(caller=caller_of(request.run_name, request.owner))
    codes = [end_run(context, store, entry, ending) for store, entry in wanted]
    return pick_worst(codes)
