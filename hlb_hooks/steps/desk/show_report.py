"""``hlb report``: one run, in text, as JSON or as a page; reads alone."""

from dataclasses import dataclass, field

from hlb_hooks.base import clock
from hlb_hooks.base.errors import StateError
from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.decisions.views.documents import VERSION, ReportDocument
from hlb_hooks.decisions.views.run_view import RunView
from hlb_hooks.decisions.views.view_run import view_run
from hlb_hooks.effects.run_story import tell_run
from hlb_hooks.effects.state_file import read_state_file
from hlb_hooks.steps.context import Context
from hlb_hooks.steps.desk.delivery import Form, Wanted, deliver_data, deliver_lines, tell_problems
from hlb_hooks.steps.desk.json_form import write_json
from hlb_hooks.steps.desk.known_runs import gather_runs
from hlb_hooks.steps.desk.page.report_page import write_report_page
from hlb_hooks.steps.desk.run_text import tell_run_in_text


@dataclass(frozen=True)
class ReportRequest:
    """Which run, by the beginning of its name; none: the newest, of ``job`` if one is said."""

    state_dirs: tuple[str, ...]
    run: str | None = None
    job: str | None = None
    trouble: str = ""
    wanted: Wanted = field(default_factory=Wanted)


def run(context: Context, request: ReportRequest) -> ExitCode:
    """Show the run. No lock is taken, and no command of the host is run.

    The exit code is the run's verdict; 1 too when a state file could not be read. Raise UsageError
    when there is no such run, and StateError when just its file cannot be read.
    """
    known = gather_runs(context, request.state_dirs, request.trouble)
    voice, zone = context.speaker, clock.read_time_zone()
    wanted = request.wanted
    view = read_view(known.pick(request.run, request.job).path)
    document = ReportDocument("hlb-report", VERSION, clock.read_utc_now(), known.problems, view)
    match wanted.form:
        case Form.JSON:
            deliver_data(context, wanted, write_json(document))
        case Form.HTML:
            page = write_report_page(document, voice, zone, voice.language)
            deliver_data(context, wanted, page)
        case _:
            lines = [*tell_problems(known.problems, voice), *tell_run_in_text(view, voice, zone)]
            deliver_lines(context, wanted, lines)
    return ExitCode.NOT_PROTECTED if known.is_damaged else view.exit


def read_view(path: str) -> RunView:
    """Read a run's state file and give its view. Raise StateError."""
    records = read_state_file(path).records
    story = tell_run(records, path)
    if story is None:
        raise StateError(f"{path}: it has changed while it was looked at", next_step="try again")
    try:
        return view_run(story, records, clock.read_utc_now())
    except (TypeError, ValueError) as error:
        raise StateError(
            f"{path}: its records make no sense together ({error})",
            next_step="it is left as it is; look at it with grep",
        ) from error
