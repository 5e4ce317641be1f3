"""The question before a removal: ``python -I -m hlb_hooks.entry.package_removal``.

Asked by the scripts of the RPM and of the archive, and by nobody else.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from hlb_hooks.base.config import find_config_path
from hlb_hooks.base.errors import HlbError
from hlb_hooks.base.speech import Speaker
from hlb_hooks.effects.bundle import make_effects
from hlb_hooks.entry.settings import load_end_settings
from hlb_hooks.entry.surroundings import settle_in
from hlb_hooks.steps import package_removal as step
from hlb_hooks.steps.context import Context


def main(argv: Sequence[str] | None = None) -> int:
    """Give 0 if the package may go, and say on stdout why not otherwise."""
    parser = argparse.ArgumentParser(prog="package_removal", allow_abbrev=False)
    parser.add_argument("--config")
    arguments = parser.parse_args(argv)
    settle_in()
    try:
        settings = load_end_settings(find_config_path(arguments.config, os.environ))
        effects = make_effects(settings.config.run.language, may_change=False)
        request = step.RemovalRequest(settings.state_dirs, settings.trouble)
        return int(step.run(Context("package_removal", effects), request))
    except HlbError as error:
        speaker = Speaker()
        speaker.say("error", text=error.message)
        speaker.say("next_step", text=error.next_step, indent=4)
        return int(error.exit_code)


if __name__ == "__main__":
    sys.exit(main())
