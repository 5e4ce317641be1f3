"""The avtars of a lab that run now, for who wants to cancel one as the server would."""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

from hlb_hooks.base.errors import UsageError
from hlb_hooks.lab.client.options import parse_options
from hlb_hooks.lab.layout import Lab


def cancel_commands(lab: Lab, label: str) -> int:
    """Cancel every backup and restore with that label; give how many.

    Raise UsageError when none runs.
    """
    pids = list(_find_commands(lab, label))
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    if not pids:
        raise UsageError(f"no avtar with the label {label!r} runs in {lab.folder}")
    return len(pids)


def _find_commands(lab: Lab, label: str) -> Iterator[int]:
    program = (lab.programs / "avtar").stat()
    for folder in Path("/proc").glob("[0-9]*"):
        # A process may end at any moment.
        with contextlib.suppress(OSError):
            if (folder / "comm").read_text() != "avtar\n":
                continue
            words = os.fsdecode((folder / "cmdline").read_bytes()).split("\0")[:-1]
            for place, word in enumerate(words[:3]):
                if (folder / "cwd" / word).exists() and os.path.samestat(
                    (folder / "cwd" / word).stat(), program
                ):
                    options = parse_options(lab, words[place + 1 :])
                    if options.operation in {"create", "extract"} and options.label == label:
                        yield int(folder.name)
