"""Deleting the state file of a run that is long over, and remembering that something was."""

import os
from datetime import datetime

from hlb_hooks.base import clock
from hlb_hooks.base.errors import StateError
from hlb_hooks.effects.effect_kind import changes
from hlb_hooks.effects.found_runs import HORIZON_NAME, FoundRun, read_horizon
from hlb_hooks.effects.replaced_files import replace_file
from hlb_hooks.effects.run_story import tell_run
from hlb_hooks.effects.state_file import StateFile


@changes
def forget_run(found: FoundRun) -> bool:
    """Delete a finished run's state file; False when somebody is at work on it. Raise StateError.

    First it is put down how far back the memory of the folder goes from now on: a snapshot of
    before may be one that a deleted file would have known.
    """
    state_file = StateFile.open(found.path)
    try:
        state_file.lock_or_raise()
        run = tell_run(state_file.read().records, found.path)
        if run is None or not run.is_finished:
            return False
        _raise_horizon(os.path.dirname(found.path), run.latest)
        os.unlink(found.path)
    except BlockingIOError:
        return False
    except OSError as error:
        raise StateError(
            f"{found.path}: cannot be deleted: {error.strerror}",
            next_step="mend the folder; [run] keep_days says when state files are deleted",
        ) from error
    finally:
        state_file.close()
    return True


def _raise_horizon(folder: str, moment: datetime) -> None:
    horizon = read_horizon(folder)
    if horizon is None or horizon < moment:
        text = clock.format_utc(moment) + "\n"
        replace_file(os.path.join(folder, HORIZON_NAME), text.encode("ascii"))
