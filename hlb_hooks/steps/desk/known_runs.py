"""Every run that is known here, from all the folders that may hold some; reads alone."""

from dataclasses import dataclass
from datetime import datetime

from hlb_hooks.base.errors import HlbError, UsageError
from hlb_hooks.base.text import escape
from hlb_hooks.decisions.views.documents import ProblemView
from hlb_hooks.effects.found_runs import FoundRun
from hlb_hooks.steps.context import Context

_SHOWN_NAMES = 5


@dataclass(frozen=True)
class KnownRuns:
    """The runs, oldest first, and what stood in the way of knowing more."""

    runs: tuple[FoundRun, ...]
    problems: tuple[ProblemView, ...]
    damage: tuple[ProblemView, ...]
    """Of these the state files, and folders of them, that could not be read."""

    @property
    def is_damaged(self) -> bool:
        """Whether a state file could not be read."""
        return bool(self.damage)

    def pick(self, prefix: str | None, job: str | None) -> FoundRun:
        """Give the run whose name begins with ``prefix``, or the newest, of ``job`` if one is said.

        Raise UsageError when there is none, or several begin like that.
        """
        runs = [entry for entry in self.runs if job is None or entry.job == job]
        if prefix is not None:
            # A whole name is meant even where it begins another.
            exact = [entry for entry in runs if entry.name == prefix]
            runs = exact or [entry for entry in runs if entry.name.startswith(prefix)]
        if prefix is not None and len(runs) > 1:
            names = ", ".join(entry.name for entry in runs[:_SHOWN_NAMES])
            raise UsageError(
                f"{len(runs)} runs begin with '{escape(prefix)}': {names}"
                + (", ..." if len(runs) > _SHOWN_NAMES else ""),
                next_step="say more of its name",
            )
        if not runs:
            asked = "no run is known"
            asked += f" that begins with '{escape(prefix)}'" if prefix is not None else ""
            asked += f" of job '{escape(job)}'" if job is not None else ""
            # It may be among what could not be read.
            asked = "\n".join([asked, *(problem.message for problem in self.problems)])
            raise UsageError(asked, next_step="see hlb history, and [paths] state_dir in hlb.toml")
        return runs[-1]


def gather_runs(context: Context, state_dirs: tuple[str, ...], trouble: str = "") -> KnownRuns:
    """Read every folder; ``trouble`` is what is wrong with hlb.toml.

    What cannot be read hides nothing else. Raise HlbError when there is no folder that can.
    """
    runs: list[FoundRun] = []
    problems = (ProblemView(trouble, ""),) if trouble else ()
    errors: list[HlbError] = []
    folder_errors: list[HlbError] = []
    for folder in state_dirs:
        try:
            found = context.effects.open_store(folder).find_runs()
        except HlbError as error:
            folder_errors.append(error)
            continue
        runs += found.runs
        errors += found.errors
    if len(folder_errors) == len(state_dirs) and folder_errors:
        raise folder_errors[0]
    damage = [ProblemView(each.message, each.next_step) for each in (*folder_errors, *errors)]
    return KnownRuns(tuple(sorted(runs, key=_order)), (*problems, *damage), tuple(damage))


def _order(entry: FoundRun) -> tuple[datetime, str]:
    return entry.begun, entry.name
