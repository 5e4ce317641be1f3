"""``hlb restore``: its command line."""

import argparse
import os
import re

from hlb_hooks.base.config import find_config_path, load_config
from hlb_hooks.base.errors import UsageError
from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.base.text import escape
from hlb_hooks.effects.bundle import make_effects
from hlb_hooks.entry.subcommands import Subcommands, add_subcommand
from hlb_hooks.entry.surroundings import leave_folder, settle_in
from hlb_hooks.steps.context import Context

_NODE = re.compile(r"(?:scsi|ide|sata|nvme)[0-9]{1,3}:[0-9]{1,3}", re.IGNORECASE | re.ASCII)


def add_restore(subcommands: Subcommands) -> None:
    """Add the subcommand."""
    parser = add_subcommand(
        subcommands, "restore", "make a VM of the files that the backup client has put back"
    )
    parser.add_argument("folder", metavar="DIR", help="the folder with the VM's files")
    parser.add_argument("--name", metavar="NAME", help="another display name")
    parser.add_argument(
        "--uuid",
        choices=("create", "keep"),
        help="create: it is a copy, and gets an identity of its own; keep: the original is gone",
    )
    parser.add_argument(
        "--network",
        choices=("keep", "disconnect"),
        default="keep",
        help="disconnect: every network card is unplugged at the start (%(default)s)",
    )
    parser.add_argument("--register", action="store_true", help="put it into the host's inventory")
    parser.add_argument("--power-on", action="store_true", help="start it, and answer for its UUID")
    parser.add_argument(
        "-n", "--dry-run", action="store_true", help="show the changes as a diff; change nothing"
    )
    parser.add_argument("--vmx", metavar="NAME", help="which .vmx, if the folder has several")
    parser.add_argument(
        "--disk",
        metavar="NODE=PATH",
        action="append",
        default=[],
        help="where a disk is that is not found by its name: scsi0:1=/vmfs/volumes/.../data.vmdk",
    )
    parser.add_argument(
        "--without-disk",
        metavar="NODE",
        action="append",
        default=[],
        help="do without a disk that cannot be restored",
    )
    parser.add_argument(
        "--drop-snapshots",
        action="store_true",
        help="take the disks as they were at a snapshot that was not made here",
    )
    parser.set_defaults(run=_restore)


def _restore(arguments: argparse.Namespace) -> ExitCode:
    from hlb_hooks.decisions.restore.options import RestoreOptions
    from hlb_hooks.steps import restore as step

    config = load_config(find_config_path(arguments.config, os.environ))
    options = RestoreOptions(
        name=arguments.name,
        uuid=arguments.uuid,
        network=arguments.network,
        placed_disks=dict(_read_placed_disk(text) for text in arguments.disk),
        left_out_disks=frozenset(_read_node(text) for text in arguments.without_disk),
        drops_snapshots=arguments.drop_snapshots,
    )
    folder = os.path.abspath(arguments.folder)
    settle_in()
    leave_folder()
    effects = make_effects(config.run.language, may_change=not arguments.dry_run)
    request = step.RestoreRequest(
        config=config,
        folder=folder,
        vmx=arguments.vmx,
        options=options,
        is_to_register=arguments.register,
        is_to_start=arguments.power_on,
    )
    context = Context("restore", effects)
    context.stop.listen()
    return step.run(context, request)


def _read_placed_disk(text: str) -> tuple[str, str]:
    node, mark, path = text.partition("=")
    if not mark or not path:
        raise UsageError(
            f"--disk {escape(text)}: expected NODE=PATH",
            next_step="for example --disk scsi0:1=/vmfs/volumes/store/vm/data.vmdk",
        )
    return _read_node(node), os.path.abspath(path)


def _read_node(text: str) -> str:
    if not _NODE.fullmatch(text):
        raise UsageError(
            f"'{escape(text)}' is no disk of a VM",
            next_step="name it as its .vmx does: scsi0:0, ide0:1, sata0:0",
        )
    return text.lower()
