"""``hlb plan --json``: the start hook's rehearsal, told to a program; reads alone."""

from hlb_hooks.base import clock
from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.decisions.views.documents import VERSION, PlanDocument, ProblemView
from hlb_hooks.decisions.views.plan_view import view_plan, view_target
from hlb_hooks.decisions.views.view_run import view_run
from hlb_hooks.effects.journal import MemoryJournal
from hlb_hooks.steps import initial_backup
from hlb_hooks.steps.context import Context
from hlb_hooks.steps.desk.delivery import Wanted, deliver_data
from hlb_hooks.steps.desk.json_form import write_json
from hlb_hooks.steps.start import start_run
from hlb_hooks.steps.whose import find_owner


def run(context: Context, request: initial_backup.StartRequest, wanted: Wanted) -> ExitCode:
    """Tell what the start hook would do now, and give the exit code that it would give.

    ``context`` rehearses, and says nothing. Raise HlbError as the hook would.
    """
    prepared = initial_backup.prepare(context, request, find_owner(request.owner))
    exit_code = start_run(context, prepared.plan, prepared.host, lambda: None)
    journal = context.journal
    if not isinstance(journal, MemoryJournal):
        raise AssertionError("a rehearsal leaves no other journal than one in memory")
    now = clock.read_utc_now()
    view = view_run(journal.run, journal.records, now)
    selection = prepared.choice.selection
    document = PlanDocument(
        format="hlb-plan",
        version=VERSION,
        written=now,
        problems=tuple(
            ProblemView(each.message, each.next_step) for each in prepared.choice.errors
        ),
        job=request.job,
        exit=exit_code,
        targets=request.config.job(request.job).targets,
        vms=view_plan(selection, view.vms),
        unmatched=tuple(view_target(target) for target in selection.unmatched),
    )
    deliver_data(context, wanted, write_json(document))
    return exit_code
