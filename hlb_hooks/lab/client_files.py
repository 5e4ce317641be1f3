"""The backup client's side of a lab: the hooks, their configuration, and the targets file."""

import json
import sys
from collections.abc import Callable

from hlb_hooks.base.errors import UsageError
from hlb_hooks.lab.files import (
    FILE_MODE,
    PRIVATE_FOLDER_MODE,
    PROGRAM_MODE,
    make_folder,
    write_file,
)
from hlb_hooks.lab.layout import Lab
from hlb_hooks.lab.sample_vms import TARGETS

HOOK_NAMES = (
    "initial_backup",
    "compare_backup",
    "snap_request",
    "snap_remove",
    "initial_umount",
)


def install_client(lab: Lab, render_hook: Callable[[str, str], str]) -> None:
    """Write the five hooks, hlb.toml and the targets file.

    ``render_hook`` gives the text of a hook from its name and an interpreter. Raise UsageError
    for a folder whose name no TOML can hold.
    """
    scripts = lab.sysdir / "scripts"
    make_folder(scripts)
    for name in HOOK_NAMES:
        write_file(scripts / name, render_hook(name, sys.executable).encode(), PROGRAM_MODE)
    settings = lab.sysdir / "hlb"
    make_folder(settings)
    make_folder(lab.vardir / "hlb", PRIVATE_FOLDER_MODE)
    make_folder(lab.vardir / "clientlogs")
    write_file(settings / "hlb.toml", _render_configuration(lab).encode("utf-8"), FILE_MODE)
    write_file(settings / "targets", TARGETS.encode("utf-8"), FILE_MODE)


def quote_toml(text: str) -> str:
    """Give ``text`` as a TOML basic string. Raise UsageError for bytes that are not UTF-8."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise UsageError(
            f"the lab's folder has bytes in its name that are not UTF-8: {text!a}",
            next_step="choose another folder: hlb.toml cannot name this one",
        ) from error
    # JSON's escapes are TOML's too; only the character DEL must not stand there as it is.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _render_configuration(lab: Lab) -> str:
    state = lab.vardir / "hlb"
    return f"""\
# The hooks' configuration in this lab. A real host has it in /usr/local/avamar/etc/hlb/hlb.toml.

[host]
driver = "vmware-cmd"
vmware_cmd = {quote_toml(str(lab.programs / "vmware-cmd"))}
{_render_host_name(lab)}
[paths]
state_dir = {quote_toml(str(state))}
log_file = {quote_toml(str(state / "hlb.log"))}
scripts_dir = {quote_toml(str(lab.sysdir / "scripts"))}

[run]
guard_poll_seconds = 0.2

[snapshot]
# A rehearsal must not depend on how full this machine's disk is. Keep the defaults on a host.
min_free_percent = 0
min_free_gib = 0
emergency_free_percent = 0

[jobs.default]
targets = {quote_toml(str(lab.sysdir / "hlb" / "targets"))}
"""


def _render_host_name(lab: Lab) -> str:
    """Give the line that names the host: two that share datastores are told apart by it."""
    return f"name = {quote_toml(lab.read_settings().host_name)}\n"
