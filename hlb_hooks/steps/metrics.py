"""Publishing the metrics, by whoever has just changed what they say."""

from collections.abc import Sequence

from hlb_hooks.base.config import Config
from hlb_hooks.base.logs import NoLog
from hlb_hooks.effects.run_store import RunStore
from hlb_hooks.steps.context import Context


def publish_metrics(context: Context, config: Config, stores: Sequence[RunStore]) -> None:
    """Write [paths] metrics_file, if one is named, from what the state folders hold.

    Nothing depends on it: whatever goes wrong, a defect too, is logged, and the work goes on.
    """
    path = config.paths.metrics_file
    if not path:
        return
    try:
        # Only where it is wanted: a hook that starts has to import enough.
        from hlb_hooks.decisions.metrics import render_metrics
        from hlb_hooks.effects.reap_trace import read_reap_trace
        from hlb_hooks.steps.overview import make_overview

        overview = make_overview(store.find_runs() for store in stores)
        text = render_metrics(overview, read_reap_trace(config.paths.state_dir))
        context.effects.open_metrics().publish(path, text)
    except Exception as error:
        if isinstance(context.log, NoLog):
            context.open_log(config.paths.log_file)
        context.log.exception("metrics_unwritten", why=str(error))
