"""``hlb check``: its command line."""

import argparse
import os
from collections.abc import Callable

from hlb_hooks.base.config import Config, find_config_path, load_config
from hlb_hooks.base.errors import HlbError
from hlb_hooks.base.speech import Speaker
from hlb_hooks.decisions.findings import Severity, render_monitoring
from hlb_hooks.effects.bundle import make_effects
from hlb_hooks.entry.settings import load_end_settings
from hlb_hooks.entry.subcommands import Subcommands, add_subcommand
from hlb_hooks.entry.surroundings import leave_folder, settle_in
from hlb_hooks.steps.context import Context


def add_check(subcommands: Subcommands) -> None:
    """Add the subcommand."""
    parser = add_subcommand(
        subcommands, "check", "whether everything a backup depends on is in order; changes nothing"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "--monitoring",
        dest="form",
        action="store_const",
        const="monitoring",
        default="text",
        help="one line and an exit code of 0 to 3, as a monitoring plug-in",
    )
    form.add_argument(
        "--json", dest="form", action="store_const", const="json", help="for programs"
    )
    parser.set_defaults(run=_check)


def _check(arguments: argparse.Namespace) -> int:
    from hlb_hooks.steps import check as step

    def check() -> int:
        path = find_config_path(arguments.config, os.environ)
        config: Config | None = None
        trouble: HlbError | None = None
        try:
            config = load_config(path)
        except HlbError as error:
            trouble = error
        settings = load_end_settings(path)
        settle_in()
        leave_folder()
        language = settings.config.run.language
        context = Context("check", make_effects(language, may_change=False))
        context.stop.listen()
        request = step.CheckRequest(config, trouble, settings.state_dirs, arguments.form)
        return step.run(context, request)

    return _run_as_plugin(check) if arguments.form == "monitoring" else check()


def _run_as_plugin(check: Callable[[], int]) -> int:
    """Run it so that whatever happens is one line and a code that a monitoring server knows."""
    try:
        return check()
    except HlbError as error:
        text = error.message
    except Exception as error:
        text = repr(error)
    Speaker().line(render_monitoring(Severity.UNKNOWN, text, {}))
    return int(Severity.UNKNOWN)
