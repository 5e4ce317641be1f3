"""Where the state files may be when hlb.toml cannot be used any more."""

import os
import re
import stat
import tomllib
from pathlib import Path

from hlb_hooks.base.config import MAX_CONFIG_BYTES
from hlb_hooks.base.config_kinds import AbsolutePath
from hlb_hooks.base.config_schema import DEFAULT_STATE_DIR
from hlb_hooks.base.trusted_files import may_be_trusted, open_for_reading, read_at_most

_STATE_DIR_LINE = re.compile(
    rb"""^[^#\n]*\bstate_dir[ \t]*=[ \t]*(?:"(/[^"\\\n\0]*)"|'(/[^'\n\0]*)')""", re.MULTILINE
)


def salvage_state_dirs(path: str) -> list[str]:
    """Give the folders that may hold state files, from a file that ``load_config`` refused.

    First what the file says as TOML, else what its lines look like; the default folder is always
    there, last. Never raises: a mistake in the file must not keep a snapshot open. From a file
    that others may have written, only folders are taken that others cannot have filled.
    """
    content, is_trusted = _read_anyway(path)
    folders = _read_as_toml(content) or _read_as_lines(content)
    if not is_trusted:
        folders = [folder for folder in folders if _is_trusted_folder(folder)]
    return list(dict.fromkeys([*folders, DEFAULT_STATE_DIR]))


def _read_anyway(path: str) -> tuple[bytes, bool]:
    try:
        descriptor = open_for_reading(path)
    except (OSError, ValueError):
        # load_config has said so already; here it means that there is nothing to salvage.
        return b"", False
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return b"", False
        return read_at_most(descriptor, MAX_CONFIG_BYTES), may_be_trusted(status)
    except OSError:
        return b"", False
    finally:
        os.close(descriptor)


def _read_as_toml(content: bytes) -> list[str]:
    try:
        tables = tomllib.loads(content.decode("utf-8").removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return []
    paths = tables.get("paths")
    folder = paths.get("state_dir") if isinstance(paths, dict) else None
    try:
        return [AbsolutePath().parse(folder)]
    except ValueError:
        return []


def _read_as_lines(content: bytes) -> list[str]:
    return [
        os.fsdecode(match.group(1) or match.group(2)) for match in _STATE_DIR_LINE.finditer(content)
    ]


def _is_trusted_folder(folder: str) -> bool:
    try:
        return may_be_trusted(Path(folder).stat())
    except OSError:
        return False
