"""What the commands that only show something have in common on their command lines."""

import argparse
import os
from pathlib import Path

from hlb_hooks.base.config import find_config_path
from hlb_hooks.base.errors import UsageError
from hlb_hooks.effects.bundle import make_effects
from hlb_hooks.entry.settings import EndSettings, load_end_settings
from hlb_hooks.entry.surroundings import leave_folder, settle_in
from hlb_hooks.steps.context import Context
from hlb_hooks.steps.desk.delivery import Form, Wanted


def add_forms(parser: argparse.ArgumentParser, *, has_page: bool = False) -> None:
    """Add ``--json``, for a page ``--html`` too, and ``--output``."""
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument(
        "--json", action="store_true", help="for programs: docs/reference/report-fields.md"
    )
    if has_page:
        forms.add_argument("--html", action="store_true", help="as one page for a browser")
    parser.add_argument(
        "--output", metavar="FILE", help="write it there, whole or not at all, and not to stdout"
    )


def read_wanted(arguments: argparse.Namespace) -> Wanted:
    """Give the form and the file that were asked for. Raise UsageError for an empty file name."""
    form = Form.JSON if arguments.json else Form.TEXT
    if getattr(arguments, "html", False):
        form = Form.HTML
    if arguments.output == "":
        raise UsageError("--output is empty", next_step="say --output FILE")
    return Wanted(form, str(Path(arguments.output).absolute()) if arguments.output else "")


def wants_data(arguments: argparse.Namespace) -> bool:
    """Tell whether a program reads stdout: then it must not find anything else there."""
    form = getattr(arguments, "form", "text")
    has_option = getattr(arguments, "json", False) or getattr(arguments, "html", False)
    return bool(has_option) or form in {"json", "flags"}


def open_for_end(
    name: str, arguments: argparse.Namespace, *, may_change: bool
) -> tuple[EndSettings, Context]:
    """Read the settings as far as they can be read, and settle in."""
    settings = load_end_settings(find_config_path(arguments.config, os.environ))
    settle_in()
    leave_folder()
    context = Context(name, make_effects(settings.config.run.language, may_change=may_change))
    context.stop.listen()
    return settings, context
