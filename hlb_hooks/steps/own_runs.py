"""The runs that a caller may end, from every folder that may hold them."""

from dataclasses import dataclass

from hlb_hooks.base.errors import HlbError
from hlb_hooks.effects.found_runs import FoundRun, FoundRuns
from hlb_hooks.effects.owner import Owner
from hlb_hooks.effects.run_store import RunStore
from hlb_hooks.steps.context import Context
from hlb_hooks.steps.whose import OwnerOptions, find_own_runs


@dataclass(frozen=True)
class OwnRuns:
    """The caller's runs with the folder each is in, its owner, and what could not be read."""

    runs: tuple[tuple[RunStore, FoundRun], ...]
    owner: Owner | None
    is_damaged: bool


def gather_own_runs(
    context: Context,
    state_dirs: tuple[str, ...],
    run_name: str | None,
    options: OwnerOptions,
    trouble: str,
) -> OwnRuns:
    """Find the caller's runs, and say what stood in the way. Raise UsageError as found."""
    read = read_all_runs(context, state_dirs)
    together = FoundRuns(
        tuple(entry for _, found in read for entry in found.runs),
        tuple(error for _, found in read for error in found.errors),
    )
    own, owner = find_own_runs(together, run_name, options)
    speaker = context.speaker
    for error in together.errors:
        speaker.say("warning", text=error.message)
        speaker.say("next_step", text=error.next_step, indent=4)
    if trouble and own:
        names = ", ".join(entry.name for entry in own)
        speaker.say("settings_kept", text=trouble, run=names)
    elif trouble:
        speaker.say("warning", text=trouble)
    paths = {entry.path for entry in own}
    return OwnRuns(
        tuple(
            (store, entry) for store, found in read for entry in found.runs if entry.path in paths
        ),
        owner,
        bool(together.errors),
    )


def read_all_runs(
    context: Context, state_dirs: tuple[str, ...]
) -> list[tuple[RunStore, FoundRuns]]:
    """Read every folder. One that cannot be trusted is said, and does not stop the others."""
    read: list[tuple[RunStore, FoundRuns]] = []
    errors: list[HlbError] = []
    for folder in state_dirs:
        store = context.effects.open_store(folder)
        try:
            read.append((store, store.find_runs()))
        except HlbError as error:
            errors.append(error)
    if errors and not read:
        raise errors[0]
    for trouble in errors:
        context.speaker.say("warning", text=trouble.message)
        context.speaker.say("next_step", text=trouble.next_step, indent=4)
    return read
