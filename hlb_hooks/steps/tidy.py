"""Tidying the state folder up, by those who have time: what is old goes, the rest is indexed."""

from datetime import timedelta

from hlb_hooks.base import clock
from hlb_hooks.base.config import Config
from hlb_hooks.base.errors import StateError
from hlb_hooks.base.text import escape
from hlb_hooks.decisions.retention import find_expired
from hlb_hooks.effects.found_runs import FoundRun
from hlb_hooks.effects.run_store import RunStore
from hlb_hooks.steps.context import Context


def tidy_up(context: Context, store: RunStore, config: Config) -> None:
    """Delete the state files older than [run] keep_days with their reports, and index the rest.

    Killed at any point it leaves whole files and at the worst an index that knows less. When
    another process is at it nothing is done here. Raise HlbError.
    """
    with store.tidying() as is_ours:
        if not is_ours:
            return
        found = store.find_runs()
        keep_days = config.run.keep_days
        forgotten = set()
        for entry in find_expired(found.runs, clock.read_utc_now(), timedelta(days=keep_days)):
            if context.stop.is_asked:
                break
            if _drop_report(context, config.paths.report_dir, entry) and store.forget(entry):
                forgotten.add(entry.path)
                context.log.info("run_forgotten", old=entry.name)
                words = {"path": escape(entry.path), "days": keep_days}
                context.speaker.verdict(context.speaker.phrase("forgotten", **words))
        store.save_index(entry for entry in found.runs if entry.path not in forgotten)


def _drop_report(context: Context, folder: str, entry: FoundRun) -> bool:
    """Delete a run's report first: once its state file is gone nobody knows of it any more."""
    if not folder:
        return True
    try:
        context.effects.open_reports().drop(folder, entry.name)
    except StateError as error:
        context.log.warning("report_not_deleted", old=entry.name, why=error.message)
        return False
    return True
