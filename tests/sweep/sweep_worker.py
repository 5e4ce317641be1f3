"""A worker of the sweep: records a program's points, or lets something go wrong; see ``apart``."""

import os
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import Any, Protocol

sys.path.insert(0, str(Path(__file__).parent.parent / "emulation"))
sys.path.insert(0, str(Path(__file__).parent.parent / "end_to_end"))

from apart import serve, tell_trouble
from bad_disk import BadDisk
from crash import Crash, PointNotReachedError, record
from random_night import RandomNight


class Case(Protocol):
    """Something that goes wrong, and how everything is put right again."""

    def happen(self, root: Path) -> None: ...


_STAGE, _KEPT = map(Path, sys.argv[1:])
_TRIES = 3
_KINDS: dict[str, Callable[[Any], Case]] = {
    "crash": Crash.from_json,
    "night": RandomNight.from_json,
    "disk": BadDisk.from_json,
}
_numbers = count(1)


def do(job: dict[str, Any]) -> Any:
    """Give a program's points; or what was wrong with a case, if anything, and whom it killed."""
    ((kind, details),) = job.items()
    if kind == "record":
        return [asdict(point) for point in record(details, _next_root())]
    case = _KINDS[kind](details)
    for _ in range(_TRIES):
        root = _next_root()
        try:
            case.happen(root)
        except PointNotReachedError:
            continue  # two of its threads were in another order this time
        except Exception as error:
            return {"wrong": f"{case}: {tell_trouble(error)}; kept in {_keep(root)}"}
        return {"wrong": "", "killed": getattr(case, "killed", [])}
    return {"wrong": f"{case}: never reached"}


def _next_root() -> Path:
    return _STAGE / f"{next(_numbers)}"


def _keep(root: Path) -> Path:
    """Copy a scene that went wrong to where it outlives the worker."""
    kept = _KEPT / f"{os.stat('/proc/self/ns/pid').st_ino}-{root.name}"
    # What is still at work there may take files away meanwhile.
    with suppress(shutil.Error):
        shutil.copytree(root, kept, ignore=shutil.ignore_patterns("*.fifo"), symlinks=True)
    return kept


if __name__ == "__main__":
    serve(do)
