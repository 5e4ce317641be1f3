"""Leaving a run's report where somebody finds it in the morning, by whoever ends the run."""

from hlb_hooks.base import clock
from hlb_hooks.base.config import Config
from hlb_hooks.base.logs import NoLog
from hlb_hooks.steps.context import Context


def leave_report(context: Context, config: Config, state_path: str) -> None:
    """Put the run's report into [paths] report_dir, if one is named, from its state file.

    Nothing depends on it: whatever goes wrong, a defect too, is logged, and the work goes on.
    """
    folder = config.paths.report_dir
    if not folder:
        return
    try:
        # Who leaves no report need not know how one is drawn.
        from hlb_hooks.decisions.views.documents import VERSION, ReportDocument
        from hlb_hooks.steps.desk.json_form import write_json
        from hlb_hooks.steps.desk.page.report_page import write_report_page
        from hlb_hooks.steps.desk.show_report import read_view

        run = read_view(state_path)
        document = ReportDocument("hlb-report", VERSION, clock.read_utc_now(), (), run)
        voice, zone = context.speaker, clock.read_time_zone()
        reports = {
            ".html": write_report_page(document, voice, zone, voice.language),
            ".json": write_json(document),
        }
        context.effects.open_reports().leave(folder, run.run, reports)
    except Exception as error:
        if isinstance(context.log, NoLog):
            context.open_log(config.paths.log_file)
        context.log.exception("report_not_left", why=str(error))
