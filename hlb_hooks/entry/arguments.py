"""The command lines of the five hooks."""

import argparse

from hlb_hooks import __version__
from hlb_hooks.base.errors import UsageError
from hlb_hooks.base.places import DEFAULT_CONFIG_PATH
from hlb_hooks.base.text import escape

# See base.exit_codes.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

HOOKS = {
    "initial_backup": "run-at-start: choose the host's VMs and make their snapshots",
    "compare_backup": "show which VMs a job would back up, and why each; changes nothing",
    "snap_request": "make snapshots of the named VMs",
    "snap_remove": "remove our snapshots from the named VMs",
    "initial_umount": "run-at-end: remove the run's snapshots, and report",
}
_BY_VMX = ("snap_request", "snap_remove")
_STARTS = ("initial_backup", "snap_request")
_ENDS = ("snap_remove", "initial_umount")


class HookParser(argparse.ArgumentParser):
    """An argument parser whose complaints go where avtar keeps them: to stdout, as our errors."""

    def error(self, message: str) -> "NoReturn":
        """Raise UsageError."""
        raise UsageError(escape(message), next_step=f"see {self.prog} --help")


def make_parser(hook: str) -> HookParser:
    """Give the parser of one hook. Unknown words are refused: ``--dryrun`` must not be a run."""
    parser = HookParser(
        prog=hook,
        description=HOOKS[hook],
        epilog="The job is what follows the dot in the script's own name "
        "(initial_backup.gold), or --job. Exit codes: docs/reference/exit-codes.md.",
        allow_abbrev=False,
        # Asking for the terminal's width costs half as much as a bare start.
        formatter_class=lambda prog: argparse.HelpFormatter(prog, width=78),
    )
    parser.add_argument("--version", action="version", version=f"{hook} {__version__}")
    parser.add_argument(
        "--config",
        metavar="FILE",
        # argparse takes a percent sign for the beginning of a name.
        help=f"instead of $HLB_CONFIG or {DEFAULT_CONFIG_PATH}".replace("%", "%%"),
    )
    parser.add_argument("--job", metavar="JOB", help="instead of the one in the script's name")
    parser.add_argument(
        "-n", "--dry-run", action="store_true", help="say what would be done, and change nothing"
    )
    if hook in _STARTS:
        owner = parser.add_mutually_exclusive_group()
        owner.add_argument(
            "--owner-pid", type=int, metavar="PID", help="the run is over when this process is"
        )
        owner.add_argument("--lease", metavar="4h", help="the run is over after that time")
    if hook in _ENDS:
        parser.add_argument("--run", metavar="RUN", help="end this run, by hand")
        parser.add_argument(
            "--owner-pid", type=int, metavar="PID", help="end the run of this process"
        )
    if hook in _BY_VMX:
        parser.add_argument("vmx", nargs="+", metavar="VMX", help="as vmware-cmd -l prints it")
    return parser
