"""Gathering what the overview is made of, for hlb check and for the metrics."""

from collections.abc import Iterable, Sequence

from hlb_hooks.base import clock
from hlb_hooks.base.errors import StateError
from hlb_hooks.decisions.overview import Night, Overview, look_over
from hlb_hooks.effects.found_runs import FoundRun, FoundRuns
from hlb_hooks.effects.state_file import read_state_file


def make_overview(read: Iterable[FoundRuns]) -> Overview:
    """Look over what was found in one state folder, or in several."""
    found = list(read)
    runs = [entry for each in found for entry in each.runs]
    return look_over(
        runs,
        _find_nights(runs),
        damaged=sum(len(each.errors) for each in found),
        now=clock.read_utc_now(),
        zone=clock.read_time_zone(),
    )


def _find_nights(runs: Sequence[FoundRun]) -> list[Night]:
    nights: dict[str, Night] = {}
    for entry in sorted(runs, key=lambda entry: entry.begun, reverse=True):
        if entry.job in nights or not entry.digest.is_night:
            continue
        try:
            nights[entry.job] = Night(entry.run, read_state_file(entry.path).records)
        except StateError:
            # Deleted for its age, or damaged, since the folder was read: an older one is as good.
            continue
    return [nights[job] for job in sorted(nights)]
