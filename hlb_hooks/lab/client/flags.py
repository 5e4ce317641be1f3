"""Flag files: ``var/avtar.cmd``, which holds for all of a client's commands, and ``--flagfile``.

One ``--flag=value`` a line, as Dell's KB 000062852 and scripts in use have it.
"""

import argparse
from pathlib import Path

from hlb_hooks.base.errors import UsageError


def prepend_flag_files(arguments: list[str], default_vardir: Path) -> list[str]:
    """Give ``arguments`` with the flags of ``avtar.cmd`` and of ``--flagfile`` before them.

    Of an option that counts once the last one counts: the command line's own. Raise UsageError
    for a ``--flagfile`` that cannot be read.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--vardir", type=Path, default=default_vardir)
    parser.add_argument("--flagfile", type=Path)
    known, _ = parser.parse_known_args(arguments)
    flags = []
    client_wide = known.vardir / "avtar.cmd"
    if client_wide.exists():
        flags += read_patterns(client_wide)
    if known.flagfile is not None:
        flags += read_patterns(known.flagfile)
    return flags + arguments


def read_patterns(path: Path) -> list[str]:
    """Give the lines of a flag file or a list of patterns, without blank ones and ``#`` ones.

    Raise UsageError when it cannot be read.
    """
    try:
        lines = path.read_text("utf-8", "surrogateescape").splitlines()
    except OSError as error:
        raise UsageError(f"avtar: {path} cannot be read: {error.strerror}") from error
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
