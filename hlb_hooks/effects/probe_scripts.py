"""Putting inert hooks in the place of the real ones, and the real ones back.

The real one waits beside it, under a name that no dataset knows. Killed between any two steps,
either of the two is in its place, whole, and both commands go on from there.
"""

import contextlib
import os

from hlb_hooks.base.errors import ConfigurationError, UsageError
from hlb_hooks.base.text import escape
from hlb_hooks.effects.client_scripts import is_probe
from hlb_hooks.effects.effect_kind import changes, reads
from hlb_hooks.effects.regular_files import read_regular_file
from hlb_hooks.effects.replaced_files import sync_folder

_ASIDE = ".hlb-real."
_BESIDE = ".hlb-probe."
_MODE = 0o755
_MAX_BYTES = 64 * 1024


@reads
def list_probes(folder: str) -> tuple[str, ...]:
    """Give the names under which inert hooks lie in ``folder``, or real ones wait."""
    try:
        names = os.listdir(folder)
    except OSError:
        return ()
    waiting = {
        name.removeprefix(mark)
        for name in names
        for mark in (_ASIDE, _BESIDE)
        if name.startswith(mark)
    }
    lying = {
        name for name in names if not name.startswith(".") and _is_probe(os.path.join(folder, name))
    }
    return tuple(sorted(waiting | lying))


@changes
def install_probe(folder: str, name: str, text: str) -> None:
    """Put the inert hook ``text`` in the place of ``name``; what was there waits beside it.

    Raise UsageError for something that is no file, ConfigurationError when it cannot be done.
    """
    path = os.path.join(folder, name)
    aside = os.path.join(folder, _ASIDE + name)
    beside = os.path.join(folder, _BESIDE + name)
    if os.path.isdir(path):
        raise UsageError(f"{escape(path)} is a folder", next_step="move it away")
    try:
        _write_script(beside, text)
        if os.path.lexists(path) and not _is_probe(path):
            _keep_aside(path, aside)
        os.replace(beside, path)
        sync_folder(folder)
    except OSError as error:
        raise _cannot(path, error) from error


@changes
def remove_probe(folder: str, name: str) -> bool:
    """Put the real hook back; False: there was none, and the inert one is gone.

    One that somebody has installed since stays. Raise ConfigurationError when it cannot be done.
    """
    path = os.path.join(folder, name)
    aside = os.path.join(folder, _ASIDE + name)
    try:
        _unlink_if_there(os.path.join(folder, _BESIDE + name))
        is_real = os.path.lexists(path) and not _is_probe(path)
        if is_real:
            _unlink_if_there(aside)
        elif os.path.lexists(aside):
            os.replace(aside, path)
            is_real = True
        else:
            _unlink_if_there(path)
        sync_folder(folder)
    except OSError as error:
        raise _cannot(path, error) from error
    return is_real


def _keep_aside(path: str, aside: str) -> None:
    """Give the real hook, which may be a link, a second name: the first one never misses."""
    _unlink_if_there(aside)
    os.link(path, aside, follow_symlinks=False)


def _write_script(path: str, text: str) -> None:
    _unlink_if_there(path)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, _MODE)
    try:
        os.fchmod(descriptor, _MODE)
        with open(descriptor, "wb", closefd=False) as file:
            file.write(text.encode("utf-8", "surrogateescape"))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unlink_if_there(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _is_probe(path: str) -> bool:
    try:
        return is_probe(read_regular_file(path, _MAX_BYTES))
    except OSError:
        return False


def _cannot(path: str, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"{escape(path)}: cannot be exchanged: {error.strerror}",
        next_step="mend the folder, or [paths] scripts_dir; then say the same command again",
    )
