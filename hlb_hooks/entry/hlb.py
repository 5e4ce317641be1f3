"""``hlb``, the operator's command.

Nothing that takes time is imported before an interrupt is provided for: it would be a traceback.
"""

from collections.abc import Sequence

from hlb_hooks.base.errors import HlbError
from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.entry.surroundings import prepare_terminal

# As in base.exit_codes.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from hlb_hooks.base.speech import Speaker


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand and give its exit code."""
    prepare_terminal()
    try:
        return _run(argv)
    except KeyboardInterrupt:
        return int(ExitCode.INTERRUPTED)


def make_parser() -> "argparse.ArgumentParser":
    """Give the parser of ``hlb``, with one of its own for each subcommand."""
    from hlb_hooks.entry import operator_parser

    return operator_parser.make_parser()


def _run(argv: Sequence[str] | None) -> int:
    import argparse
    import traceback

    arguments = argparse.Namespace()
    try:
        make_parser().parse_args(argv, arguments)
        return int(arguments.run(arguments))
    except SystemExit as leave:  # argparse, after --help and --version
        return int(leave.code or 0)
    except HlbError as error:
        speaker = _find_voice(arguments)
        for line in error.message.splitlines():
            speaker.say("error", text=line)
        if error.next_step:
            speaker.say("next_step", text=error.next_step, indent=4)
        return int(error.exit_code)
    except Exception as error:
        traceback.print_exc()
        _find_voice(arguments).say("defect", text=repr(error), log_file="stderr")
        return int(ExitCode.DEFECT)


def _find_voice(arguments: "argparse.Namespace") -> "Speaker":
    """Give the voice of errors: whoever asked for data finds nothing else on stdout."""
    from hlb_hooks.base.speech import Speaker
    from hlb_hooks.entry.desk_options import wants_data

    return Speaker(descriptor=2 if wants_data(arguments) else 1)
